package cgroup

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tree makes a folder with files, as the kernel makes them in a group.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// The files and their formats are those of the kernel's documentation: cgroup-v2
// and, for version 1, memory and sched-bwc.
func TestFilesOfBothVersions(t *testing.T) {
	for _, c := range []struct {
		name          string
		version       version
		before, after map[string]string
	}{
		{
			"version 1", version1{},
			map[string]string{
				"memory.limit_in_bytes": "9223372036854771712\n", "memory.memsw.limit_in_bytes": "9223372036854771712\n",
				"cpu.cfs_period_us": "100000\n", "cpu.cfs_quota_us": "-1\n",
				"memory.max_usage_in_bytes": "1234944\n", "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
			},
			map[string]string{
				"memory.limit_in_bytes": "1073741824", "memory.memsw.limit_in_bytes": "1073741824",
				"cpu.cfs_period_us": "20000", "cpu.cfs_quota_us": "30000",
			},
		},
		{
			"version 2", version2{},
			map[string]string{
				"memory.max": "max\n", "memory.swap.max": "max\n", "cpu.max": "max 100000\n",
				"memory.peak": "1234944\n", "memory.events": "low 0\nhigh 0\nmax 7\noom 3\noom_kill 2\noom_group_kill 0\n",
			},
			map[string]string{"memory.max": "1073741824", "memory.swap.max": "0", "cpu.max": "30000 20000"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := tree(t, c.before)
			for _, err := range []error{c.version.limitMemory(dir, 1<<30), c.version.limitSwap(dir, 1<<30), c.version.limitCPU(dir, 1.5)} {
				if err != nil {
					t.Error(err)
				}
			}
			for name, want := range c.after {
				if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
					t.Errorf("%s = %q, %v, want %q", name, got, err, want)
				}
			}
			if got, err := c.version.peak(dir); err != nil || got != 1234944 {
				t.Errorf("peak = %d, %v", got, err)
			}
			if got, err := c.version.kills(dir); err != nil || got != 2 {
				t.Errorf("kills = %d, %v, want 2", got, err)
			}
			if err := c.version.limitMemory(t.TempDir(), 1<<30); err == nil {
				t.Error("a group without the controller is limited")
			}
		})
	}
}

func TestTheKernelsLeastQuotaIsKept(t *testing.T) {
	if got := quota(0.001); got != "1000" {
		t.Errorf("a thousandth of a processor is %s µs of a period, want 1000", got)
	}
}

func TestParents(t *testing.T) {
	const systemd = "26 20 0:24 / MOUNT rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
	const both = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n" +
		"32 31 0:29 / MOUNT/cpu rw - cgroup cgroup rw,cpu,cpuacct\n" +
		"35 31 0:32 /docker/abc MOUNT/memory rw - cgroup cgroup rw,memory\n" +
		"41 31 0:38 / MOUNT/unified rw - cgroup2 cgroup2 rw\n"
	for _, c := range []struct {
		name, mountinfo, membership string
		files                       map[string]string
		want                        map[string]controlled // dir below MOUNT
	}{
		{
			"version 2, the group above hands both down", systemd, "0::/user/session\n",
			map[string]string{
				"cgroup.subtree_control": "cpu memory\n", "user/cgroup.subtree_control": "cpuset cpu io memory pids\n",
				"user/session/cgroup.subtree_control": "\n",
			},
			map[string]controlled{"memory": {version2{}, "user"}, "cpu": {version2{}, "user"}},
		},
		{
			"version 2, only memory", systemd, "0::/user/session\n",
			map[string]string{"cgroup.subtree_control": "memory pids\n", "user/session/cgroup.subtree_control": "\n"},
			map[string]controlled{"memory": {version2{}, ""}},
		},
		{"version 2, nothing", systemd, "0::/\n", nil, map[string]controlled{}},
		{
			"version 1, of which a container sees its own part", both, "9:memory:/docker/abc/job\n2:cpu,cpuacct:/\n0::/\n",
			map[string]string{"unified/cgroup.subtree_control": "hugetlb\n"},
			map[string]controlled{"memory": {version1{}, "memory/job"}, "cpu": {version1{}, "cpu"}},
		},
		{
			"a group outside of what is mounted", both, "9:memory:/other\n2:cpu,cpuacct:/\n", nil,
			map[string]controlled{"memory": {version1{}, "memory"}, "cpu": {version1{}, "cpu"}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			mount := tree(t, c.files)
			got := parents(strings.ReplaceAll(c.mountinfo, "MOUNT", mount), c.membership)
			for name, w := range c.want {
				w.dir = filepath.Join(mount, w.dir)
				c.want[name] = w
			}
			if !maps.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestBothControllersOfVersion2ShareAGroup(t *testing.T) {
	below := controlled{version2{}, t.TempDir()}
	g := newGroup("x", Limits{Memory: 1 << 20, Processors: 1}, map[string]controlled{"memory": below, "cpu": below})
	defer g.Close()
	if len(g.dirs) != 1 || filepath.Dir(g.dirs[0]) != below.dir {
		t.Errorf("made %v, want one below %s", g.dirs, below.dir)
	}
	if len(g.Unlimited()) != 2 { // since no kernel put files there
		t.Errorf("said %v", g.Unlimited())
	}
}
