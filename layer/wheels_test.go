package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
)

func TestFindWheel(t *testing.T) {
	for _, test := range []struct{ version, arch, file string }{
		{"2.21.0", "amd64", "tensorflow_cpu-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl"},
		{"2.21.0", "arm64", "tensorflow-2.21.0-cp311-cp311-manylinux_2_27_aarch64.whl"},
		{"2.18", "amd64", "tensorflow_cpu-2.18.1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"},
		{"2.18.0", "amd64", "tensorflow_cpu-2.18.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"},
		{"2.16", "arm64", "tensorflow-2.16.2-cp311-cp311-manylinux_2_17_aarch64.manylinux2014_aarch64.whl"},
	} {
		w, err := findWheel(test.version, test.arch)
		if err != nil || w.file != test.file {
			t.Errorf("findWheel(%s, %s) = %s, %v, want %s", test.version, test.arch, w.file, err, test.file)
		}
	}
}

func TestUnknownWheelListsTheKnownOnes(t *testing.T) {
	for _, test := range []struct {
		version, arch string
		says          []string
	}{
		{"2.14", "amd64", []string{"2.14", "amd64", "2.15.0", "2.18.1", "2.21.0"}},
		{"2", "amd64", []string{"2.15.0"}},
		{"", "amd64", []string{"2.15.0"}},
		{"2.15", "arm64", []string{"2.15", "arm64", "2.16.1, "}},
		{"2.21.0", "riscv64", []string{"riscv64", "amd64", "arm64"}},
	} {
		_, err := findWheel(test.version, test.arch)
		if err == nil {
			t.Errorf("findWheel(%q, %q) found one", test.version, test.arch)
			continue
		}
		for _, part := range test.says {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q does not say %q", err, part)
			}
		}
	}
}

// Every pin must be usable; a slip in the table would show only on download.
func TestWheelTable(t *testing.T) {
	seen := make(map[string]bool)
	for _, w := range wheels {
		sum, err := hex.DecodeString(w.sha256)
		if err != nil || len(sum) != 32 || seen[w.sha256] {
			t.Errorf("%s: %q is not a checksum of its own", w, w.sha256)
		}
		seen[w.sha256] = true
		project := map[string]string{"amd64": "tensorflow_cpu", "arm64": "tensorflow"}[w.arch]
		if !strings.HasPrefix(w.file, project+"-"+w.version+"-cp311-cp311-") {
			t.Errorf("%s: %s is not its wheel", w, w.file)
		}
		if !slices.ContainsFunc(w.platforms(), func(p string) bool { return strings.Contains(w.file, p) }) {
			t.Errorf("%s: %s is for none of %v", w, w.file, w.platforms())
		}
	}
}

func TestWrongCalls(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		says []string
	}{
		"unknown version": {[]string{"-version", "1.15"}, []string{"1.15", "2.21.0"}},
		"every fault":     {[]string{"-version", "1.15", "-out", "", "extra"}, []string{"1.15", "-out", `"extra"`}},
		"unknown flag":    {[]string{"-tensorflow"}, []string{"-tensorflow", "-version"}},
		"both modes":      {[]string{"-headers-only", "-raw", "x"}, []string{"-headers-only", "-raw"}},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if code := run(context.Background(), test.args, &stdout, &stderr); code != 2 {
				t.Errorf("exit status %d, want 2", code)
			}
			for _, part := range test.says {
				if !strings.Contains(stderr.String(), part) {
					t.Errorf("%q does not say %q", stderr.String(), part)
				}
			}
		})
	}
}

func TestHelp(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run(context.Background(), []string{"-h"}, &stdout, &stderr); code != 0 {
		t.Errorf("exit status %d, want 0", code)
	}
	if !strings.Contains(stderr.String(), "-headers-only") {
		t.Errorf("%q does not list the flags", stderr.String())
	}
}
