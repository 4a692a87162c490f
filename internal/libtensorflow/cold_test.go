package libtensorflow_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/tensorlambda/tensorlambda/internal/libtensorflow/packed"
)

// actions are what children do with an open library.
var actions = map[string]func() string{
	"nothing": func() string { return "" },
	"dereference nil": func() (said string) {
		defer func() { said = fmt.Sprint(recover()) }()
		var p *int
		return fmt.Sprint(*p)
	},
	"write to code": func() string {
		*(*byte)(code()) = 1
		return "written"
	},
	"send itself SIGSEGV": func() string {
		if err := syscall.Kill(os.Getpid(), syscall.SIGSEGV); err != nil {
			return err.Error()
		}
		select {} // it comes to whichever thread the kernel likes
	},
}

// code is where memory without a name is executable: a late region in its place.
func code() unsafe.Pointer {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		panic(err)
	}
	for line := range strings.Lines(string(maps)) {
		fields := strings.Fields(line)
		var start uintptr
		if len(fields) == 5 && fields[1] == "r-xp" {
			if _, err := fmt.Sscanf(fields[0], "%x-", &start); err != nil {
				panic(err)
			}
			return *(*unsafe.Pointer)(unsafe.Pointer(&start))
		}
	}
	panic("no late region")
}

// cold makes all code of a library arrive when it is needed, what every start runs too.
func cold(m *packed.Manifest) {
	for _, e := range m.Libraries {
		for i := range e.Late {
			e.Late[i].Cold = e.Late[i].Cold || e.Late[i].Executable
		}
	}
}

func TestCodeArrivesWhenItIsNeeded(t *testing.T) {
	got := open(t, order{Dir: linked(t, cold)})
	if got.Error != "" || got.Ops < 100_000 {
		t.Errorf("%d bytes of operations: %s", got.Ops, got.Error)
	}
	for _, s := range got.Info.Stages {
		if s.Name == "inflate" && s.Bytes > got.Info.Bytes/2 {
			t.Errorf("%d bytes of %d were inflated before any were needed", s.Bytes, got.Info.Bytes)
		}
	}
}

// Faults that are not about cold code are those of whoever made them.
func TestOtherFaultsAreHandedOn(t *testing.T) {
	dir := linked(t, cold)
	if got := open(t, order{Dir: dir, Then: "dereference nil"}); !strings.Contains(got.Said, "nil pointer dereference") {
		t.Errorf("Go recovers from %q", got.Said)
	}
	for action, says := range map[string]string{
		"write to code":       "unexpected fault address",
		"send itself SIGSEGV": "SIGSEGV",
	} {
		t.Run(action, func(t *testing.T) {
			cmd := command(t, order{Dir: dir, Then: action})
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			if out, err := cmd.Output(); err == nil {
				t.Errorf("the process goes on: %s", out)
			}
			if !strings.Contains(stderr.String(), says) {
				t.Errorf("the process ends without %q: %.500s", says, &stderr)
			}
		})
	}
}

// A process that needs code that is damaged cannot go on, and says which file it is.
func TestDamagedColdCodeEndsTheProcess(t *testing.T) {
	dir := linked(t, func(m *packed.Manifest) {
		cold(m)
		for _, e := range m.Libraries {
			if e.Name != packed.CC {
				continue
			}
			// All frames of code: some of them every start needs.
			var offset int64
			for i := range e.Frames {
				for _, r := range e.Late {
					if r.Executable && r.Holds(offset, e.Frames[i].Size) {
						e.Frames[i].CRC32C++
					}
				}
				offset += e.Frames[i].Size
			}
		}
	})
	cmd := command(t, order{Dir: dir})
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err == nil {
		t.Error("the process goes on")
	}
	for _, part := range []string{"code of libtensorflow that is needed cannot be had", packed.CC + ".zst", "frame"} {
		if !strings.Contains(stderr.String(), part) {
			t.Errorf("it ends without %q: %.1000s", part, &stderr)
		}
	}
}
