package main

import (
	"bytes"
	"io/fs"
	"math"
	"runtime"
	"strconv"
	"strings"
)

// memoryBudget is how many bytes this process may use: the least of the
// function's memory size (0 outside Lambda), the control group's limit and what
// the system has available. It is 0 where none of them is known. root is the
// file system from /.
func memoryBudget(root fs.FS, function int64) int64 {
	least := int64(math.MaxInt64)
	for _, limit := range []int64{
		function,
		number(root, "sys/fs/cgroup/memory.max"), // version 2: "max" means none
		number(root, "sys/fs/cgroup/memory/memory.limit_in_bytes"), // version 1
		memAvailable(root),
	} {
		if limit > 0 {
			least = min(least, limit)
		}
	}
	if least == math.MaxInt64 {
		return 0
	}
	return least
}

// number reads a file that holds one number, 0 where it holds none.
func number(root fs.FS, name string) int64 {
	content, err := fs.ReadFile(root, name)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(content)), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func memAvailable(root fs.FS) int64 {
	content, err := fs.ReadFile(root, "proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(content) {
		fields := strings.Fields(string(line)) // "MemAvailable: 12345 kB"
		if len(fields) > 1 && fields[0] == "MemAvailable:" {
			kilobytes, err := strconv.ParseInt(fields[1], 10, 64)
			if err != nil {
				return 0
			}
			return kilobytes << 10
		}
	}
	return 0
}

// perVCPU is the memory at which Lambda gives a function one whole vCPU.
const perVCPU = 1769 << 20

// vCPUs is the number of processors worth a thread each. Lambda shows every
// function at least two and gives it time on them in proportion to its memory.
func vCPUs(memory int64, visible int) int {
	if memory == 0 {
		return visible
	}
	return int(min(max((memory+perVCPU/2)/perVCPU, 1), int64(visible)))
}

// insideTensorFlow is how many runs at once are reckoned with.
const insideTensorFlow = 4

// makeRoomForRuns lets Go work on other requests while some are inside TensorFlow.
// A run in C keeps one of Go's processors until the scheduler takes it away, which
// it does after 20 µs at the earliest; with no more of them than the machine has,
// requests wait for that. With four clients on two processors it makes a seventh
// more requests a second.
func makeRoomForRuns(getenv func(string) string) {
	if getenv("GOMAXPROCS") == "" { // else somebody knows better
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + insideTensorFlow)
	}
}
