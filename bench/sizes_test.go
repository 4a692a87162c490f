package main

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseSizes(t *testing.T) {
	sizes, err := parseSizes(" 1024, 2048 3008 ")
	if err != nil || !slices.Equal(sizes, []int{1024, 2048, 3008}) {
		t.Errorf("%v, %v", sizes, err)
	}
	for _, list := range []string{"", "127", "10241", "1 GB", "1024MB", "-1"} {
		if _, err := parseSizes(list); err == nil || !strings.Contains(err.Error(), "1024 2048 3008") {
			t.Errorf("%q: %v, want an error with an example", list, err)
		}
	}
}

// TestCostIsTimeTimesMemoryTimesPrice has a start of one second in a GB: a thousand of
// them are a thousand GB-seconds.
func TestCostIsTimeTimesMemoryTimesPrice(t *testing.T) {
	want := map[string]string{"amd64": "$0.0167", "arm64": "$0.0133"}[runtime.GOARCH]
	var out bytes.Buffer
	printSizes(&out, []int{1024, 512}, [][]coldStart{{{answer: time.Second}}, {{failure: "out of memory", peak: 512 << 20}}}, 1)
	for _, part := range []string{want, "failed: out of memory", "Fastest: 1024 MB. Cheapest: 1024 MB."} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("%s\nis without %q", &out, part)
		}
	}
}

func TestGroupsSayWhatTheKernelDid(t *testing.T) {
	for name, c := range map[string]struct {
		files    map[string]string
		version2 bool
	}{
		"version 1": {map[string]string{"memory.max_usage_in_bytes": "1048576\n", "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n"}, false},
		"version 2": {map[string]string{"memory.peak": "1048576\n", "memory.events": "low 0\nhigh 0\nmax 3\noom 1\noom_kill 1\n"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, content := range c.files {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			g := &cgroup{memory: dir, version2: c.version2}
			if g.peak() != 1<<20 || !g.killed() {
				t.Errorf("peak %d, killed %t", g.peak(), g.killed())
			}
		})
	}
	if g := new(cgroup); g.peak() != 0 || g.killed() || len(g.folders()) != 0 {
		t.Error("a group that limits nothing has figures")
	}
}
