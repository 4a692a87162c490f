// Package cgroup runs a process under limits of memory and processor time, in
// control groups of Linux, version 1 or 2, whichever of them has the controller.
//
// What they are: https://docs.kernel.org/admin-guide/cgroup-v2.html and
// https://docs.kernel.org/admin-guide/cgroup-v1/.
package cgroup

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Period is after how long a group has all of its processor time again. Lambda has
// been seen to use the same; Linux would take five times as long, and a start
// would end up to that much later.
const Period = 20 * time.Millisecond

// emptying is how long Close waits for ended processes to leave the group, which
// the kernel may do a moment after it has reported their end.
const emptying = 2 * time.Second

// ErrNotLimited is returned for figures of a controller that the group has not.
var ErrNotLimited = errors.New("no control group counts that")

// Limits are those of a group.
type Limits struct {
	Memory     int64   // bytes, with no swap besides; 0 means no limit
	Processors float64 // seconds of processor time a second; 0 means no limit
}

// Group is a control group, of which a process with its memory and its time on
// processors is part; where the two controllers are in different hierarchies, a
// group in each. It is for one goroutine at a time.
type Group struct {
	memory, cpu controlled
	dirs        []string // made, to be removed
	unlimited   []string
}

// controlled is a folder of a group with a controller; the zero value where there
// is none.
type controlled struct {
	version version
	dir     string
}

// New makes a group below that of this process, so that what limits this process
// also limits the group. Its name begins with name. What cannot be limited is told
// by Unlimited and not an error. Close removes the group.
func New(name string, limits Limits) *Group {
	mountinfo, _ := os.ReadFile("/proc/self/mountinfo")
	membership, _ := os.ReadFile("/proc/self/cgroup")
	return newGroup(name, limits, parents(string(mountinfo), string(membership)))
}

func newGroup(name string, limits Limits, below map[string]controlled) *Group {
	g := new(Group)
	made := map[string]string{} // folder of a group by its parent
	enter := func(controller string, limit func(controlled) error) controlled {
		c, err := g.enter(name, below[controller], made)
		if err == nil {
			err = limit(c)
		}
		if err != nil {
			g.unlimited = append(g.unlimited, fmt.Sprintf("%s is not limited: %v", controller, err))
			return controlled{}
		}
		return c
	}
	if limits.Memory > 0 {
		g.memory = enter("memory", func(c controlled) error { return c.version.limitMemory(c.dir, limits.Memory) })
	}
	if g.memory.dir != "" {
		if err := g.memory.version.limitSwap(g.memory.dir, limits.Memory); err != nil && haveSwap() {
			g.unlimited = append(g.unlimited, fmt.Sprintf("swap is not limited: %v", err))
		}
	}
	if limits.Processors > 0 {
		g.cpu = enter("cpu", func(c controlled) error { return c.version.limitCPU(c.dir, limits.Processors) })
	}
	return g
}

// enter makes a folder below a group, one for all controllers that have the same.
func (g *Group) enter(name string, below controlled, made map[string]string) (controlled, error) {
	if below.dir == "" {
		return controlled{}, errors.New("no control group that could be made here has that controller")
	}
	dir, ok := made[below.dir]
	if !ok {
		var err error
		if dir, err = os.MkdirTemp(below.dir, name+"-*"); err != nil {
			if path, ok := errors.AsType[*os.PathError](err); ok {
				err = path.Err // without the folder's name, which is another each time
			}
			return controlled{}, fmt.Errorf("no group can be made in %s: %w", below.dir, err)
		}
		made[below.dir] = dir
		g.dirs = append(g.dirs, dir)
	}
	return controlled{below.version, dir}, nil
}

// Unlimited says what is not limited, and why: a sentence each.
func (g *Group) Unlimited() []string { return g.unlimited }

// join writes the number of the shell's process into each file up to "--", and
// becomes the program that is named after it.
const join = `while [ "$1" != -- ]; do echo $$ >"$1" || exit 125; shift; done; shift; exec "$@"`

// Enter changes a command that has not been started, so that its process is in the
// group before the program runs: a shell goes there and becomes the program, in the
// same process. That takes about a millisecond. If it cannot, the process ends with
// status 125.
func (g *Group) Enter(cmd *exec.Cmd) {
	if len(g.dirs) == 0 {
		return
	}
	args := []string{"sh", "-c", join, "sh"}
	for _, dir := range g.dirs {
		args = append(args, filepath.Join(dir, procs))
	}
	cmd.Args = append(append(args, "--", cmd.Path), cmd.Args[1:]...)
	cmd.Path = "/bin/sh"
}

// Peak is the most memory that was charged to the group at once, in bytes: what its
// processes have of their own, memory files and shared memory, the page cache of
// files that they were the first to read or write, and what the kernel keeps for
// them. Page cache makes room when the limit is reached.
func (g *Group) Peak() (int64, error) {
	if g.memory.dir == "" {
		return 0, ErrNotLimited
	}
	return g.memory.version.peak(g.memory.dir)
}

// Kills is how many processes of the group the kernel has killed because it had no
// memory left, 0 where nothing is counted.
func (g *Group) Kills() (int64, error) {
	if g.memory.dir == "" {
		return 0, nil
	}
	return g.memory.version.kills(g.memory.dir)
}

// Close kills what is left in the group and removes it. A second Close does nothing.
func (g *Group) Close() error {
	var errs []error
	for _, dir := range g.dirs {
		if err := remove(dir); err != nil {
			errs = append(errs, fmt.Errorf("remove control group: %w", err))
		}
	}
	g.dirs = nil
	return errors.Join(errs...)
}

func remove(dir string) error {
	for deadline := time.Now().Add(emptying); ; time.Sleep(time.Millisecond) {
		err := syscall.Rmdir(dir)
		if err == nil || errors.Is(err, syscall.ENOENT) {
			return nil
		}
		if !errors.Is(err, syscall.EBUSY) || time.Now().After(deadline) {
			return &os.PathError{Op: "rmdir", Path: dir, Err: err}
		}
		for _, pid := range processes(dir) {
			// One that has ended meanwhile is what is wanted.
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// processes are those in a group, none where that cannot be told.
func processes(dir string) []int {
	content, err := os.ReadFile(filepath.Join(dir, procs))
	if err != nil {
		return nil
	}
	var pids []int
	for line := range strings.Lines(string(content)) {
		if pid, err := strconv.Atoi(strings.TrimSpace(line)); err == nil && pid > 1 {
			pids = append(pids, pid)
		}
	}
	return pids
}

// haveSwap tells whether the system could swap anything out.
func haveSwap() bool {
	content, err := os.ReadFile("/proc/swaps")
	return err == nil && len(slices.Collect(strings.Lines(string(content)))) > 1 // beside its heading
}
