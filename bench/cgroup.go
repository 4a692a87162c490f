package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// limits are what a control group holds its processes to.
type limits struct {
	memory int64   // bytes
	cpus   float64 // processors' worth of time
}

// cgroup limits a process and what it starts, as a microVM of that size would. It has
// one folder where the kernel has version 2 of control groups, and one a controller with
// version 1.
type cgroup struct {
	cpu, memory string // folders, "" where that is not limited
	version2    bool
	unlimited   []string // what is not limited, with the reason
}

// period is what the kernel gives out processor time for. Lambda's is as short: with the
// usual 100 ms a process would run unlimited for a fifth of a second at a time.
const period = 20 * time.Millisecond

// newCgroup makes a group. What cannot be limited is left out and said. The caller
// removes it, when its processes have ended.
func newCgroup(name string, l limits) (*cgroup, error) {
	mounts, err := mountedCgroups()
	if err != nil {
		return nil, err
	}
	g := &cgroup{}
	if root, ok := mounts["memory"]; ok {
		g.memory = g.make(filepath.Join(root, name), "memory", g.limitMemory1, l)
	}
	if root, ok := mounts["cpu"]; ok {
		g.cpu = g.make(filepath.Join(root, name), "processor time", g.limitCPU1, l)
	}
	if root, ok := mounts[""]; ok && g.cpu == "" && g.memory == "" {
		g.version2, g.unlimited = true, nil
		// Controllers are for the children of a group that passes them on.
		_ = os.WriteFile(filepath.Join(root, "cgroup.subtree_control"), []byte("+cpu +memory"), 0)
		g.memory = g.make(filepath.Join(root, name), "memory", g.limitMemory2, l)
		g.cpu = g.make(filepath.Join(root, name), "processor time", g.limitCPU2, l)
	}
	if len(mounts) == 0 {
		g.unlimited = append(g.unlimited, "memory and processor time: no control groups are mounted")
	}
	if l.cpus > float64(runtime.NumCPU()) {
		g.unlimited = append(g.unlimited, fmt.Sprintf("processor time: this machine has %d CPUs, Lambda would give %.2f", runtime.NumCPU(), l.cpus))
	}
	return g, nil
}

// mountedCgroups are the folders of controllers of version 1, by name, and that of
// version 2 under the empty name.
func mountedCgroups() (map[string]string, error) {
	f, err := os.Open("/proc/self/mounts")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	mounts := make(map[string]string)
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Fields(lines.Text()) // device, folder, type, options
		switch {
		case len(fields) < 4:
		case fields[2] == "cgroup2":
			mounts[""] = fields[1]
		case fields[2] == "cgroup":
			for option := range strings.SplitSeq(fields[3], ",") {
				if option == "cpu" || option == "memory" {
					mounts[option] = fields[1]
				}
			}
		}
	}
	return mounts, lines.Err()
}

// make makes a folder with a limit, or says why it has none.
func (g *cgroup) make(folder, what string, limit func(string, limits) error, l limits) string {
	err := os.Mkdir(folder, 0o755)
	if errors.Is(err, fs.ErrExist) && folder == g.memory { // version 2 has one for both
		err = nil
	}
	if err == nil {
		if err = limit(folder, l); err != nil && folder != g.memory {
			err = errors.Join(err, os.Remove(folder))
		}
	}
	if err != nil {
		g.unlimited = append(g.unlimited, fmt.Sprintf("%s: %v", what, err))
		return ""
	}
	return folder
}

func (g *cgroup) limitMemory1(folder string, l limits) error {
	if err := set(folder, "memory.limit_in_bytes", l.memory); err != nil {
		return err
	}
	err := set(folder, "memory.memsw.limit_in_bytes", l.memory) // not in every kernel
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (g *cgroup) limitCPU1(folder string, l limits) error {
	if err := set(folder, "cpu.cfs_period_us", period.Microseconds()); err != nil {
		return err
	}
	return set(folder, "cpu.cfs_quota_us", quota(l))
}

func (g *cgroup) limitMemory2(folder string, l limits) error {
	if err := set(folder, "memory.max", l.memory); err != nil {
		return err
	}
	err := set(folder, "memory.swap.max", 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (g *cgroup) limitCPU2(folder string, l limits) error {
	return os.WriteFile(filepath.Join(folder, "cpu.max"), fmt.Appendf(nil, "%d %d", quota(l), period.Microseconds()), 0)
}

func quota(l limits) int64 { return int64(l.cpus * float64(period.Microseconds())) }

func set(folder, name string, value int64) error {
	return os.WriteFile(filepath.Join(folder, name), strconv.AppendInt(nil, value, 10), 0)
}

// program writes a program that joins the group and becomes another one, which so is in
// it from its first instruction.
func (g *cgroup) program(path, becomes string) error {
	var script strings.Builder
	script.WriteString("#!/bin/sh\nset -e\n")
	for _, folder := range g.folders() {
		fmt.Fprintf(&script, "echo $$ > '%s/cgroup.procs'\n", folder)
	}
	fmt.Fprintf(&script, "exec '%s'\n", becomes)
	return os.WriteFile(path, []byte(script.String()), 0o700)
}

func (g *cgroup) folders() []string {
	var folders []string
	for _, folder := range []string{g.memory, g.cpu} {
		if folder != "" && (len(folders) == 0 || folders[0] != folder) {
			folders = append(folders, folder)
		}
	}
	return folders
}

// peak is the most memory that the group had at a time, files in memory and in its page
// cache among it; 0 where the kernel does not count.
func (g *cgroup) peak() int64 {
	name := "memory.max_usage_in_bytes"
	if g.version2 {
		name = "memory.peak" // since 5.19
	}
	content, err := os.ReadFile(filepath.Join(g.memory, name))
	if g.memory == "" || err != nil {
		return 0
	}
	n, _ := strconv.ParseInt(strings.TrimSpace(string(content)), 10, 64)
	return n
}

// killed reports whether the kernel has ended a process for want of memory.
func (g *cgroup) killed() bool {
	name := "memory.oom_control"
	if g.version2 {
		name = "memory.events"
	}
	content, err := os.ReadFile(filepath.Join(g.memory, name))
	if g.memory == "" || err != nil {
		return false
	}
	for line := range strings.Lines(string(content)) {
		if key, value, _ := strings.Cut(strings.TrimSpace(line), " "); key == "oom_kill" {
			return value != "0"
		}
	}
	return false
}

// remove removes the group. Its processes have ended; the kernel may take a moment to
// see that.
func (g *cgroup) remove() error {
	var errs []error
	for _, folder := range g.folders() {
		err := os.Remove(folder)
		for range 50 {
			if err == nil || errors.Is(err, fs.ErrNotExist) {
				break
			}
			time.Sleep(20 * time.Millisecond)
			err = os.Remove(folder)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
