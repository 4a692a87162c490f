package cgroup

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// procs is the file of a group, in either version, that takes a process in when its
// number is written there.
const procs = "cgroup.procs"

// version is what the folder of a group has: the files of version 1 or 2. Amounts
// of memory are bytes.
type version interface {
	limitMemory(dir string, bytes int64) error
	// limitSwap lets the group have no more than bytes with swap; after limitMemory.
	limitSwap(dir string, bytes int64) error
	limitCPU(dir string, processors float64) error
	peak(dir string) (int64, error)
	kills(dir string) (int64, error)
}

type version1 struct{}

func (version1) limitMemory(dir string, bytes int64) error {
	return write(dir, "memory.limit_in_bytes", strconv.FormatInt(bytes, 10))
}

// limitSwap limits the sum of memory and swap.
func (version1) limitSwap(dir string, bytes int64) error {
	return write(dir, "memory.memsw.limit_in_bytes", strconv.FormatInt(bytes, 10))
}

func (version1) limitCPU(dir string, processors float64) error {
	if err := write(dir, "cpu.cfs_period_us", strconv.FormatInt(Period.Microseconds(), 10)); err != nil {
		return err
	}
	return write(dir, "cpu.cfs_quota_us", quota(processors))
}

func (version1) peak(dir string) (int64, error) { return number(dir, "memory.max_usage_in_bytes") }

func (version1) kills(dir string) (int64, error) { return field(dir, "memory.oom_control", "oom_kill") }

type version2 struct{}

func (version2) limitMemory(dir string, bytes int64) error {
	return write(dir, "memory.max", strconv.FormatInt(bytes, 10))
}

// limitSwap takes swap away, since version 2 limits it by itself.
func (version2) limitSwap(dir string, _ int64) error { return write(dir, "memory.swap.max", "0") }

func (version2) limitCPU(dir string, processors float64) error {
	return write(dir, "cpu.max", fmt.Sprintf("%s %d", quota(processors), Period.Microseconds()))
}

func (version2) peak(dir string) (int64, error) { return number(dir, "memory.peak") }

func (version2) kills(dir string) (int64, error) { return field(dir, "memory.events", "oom_kill") }

// quota is the processor time of a period, in microseconds. The kernel refuses
// less than a millisecond.
func quota(processors float64) string {
	return strconv.FormatInt(max(int64(processors*float64(Period.Microseconds())), 1000), 10)
}

// write writes a file that the kernel made with the group; it makes none.
func write(dir, name, value string) error {
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(value); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// number reads a file that holds one number.
func number(dir, name string) (int64, error) {
	content, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(content)), 10, 64)
}

// field reads a number from a file of lines "key number".
func field(dir, name, key string) (int64, error) {
	content, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(content)) {
		if fields := strings.Fields(line); len(fields) == 2 && fields[0] == key {
			return strconv.ParseInt(fields[1], 10, 64)
		}
	}
	return 0, fmt.Errorf("%s has no %s", filepath.Join(dir, name), key)
}
