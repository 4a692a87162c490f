package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/archive"
	"github.com/tensorlambda/tensorlambda/internal/libtensorflow/packed"
	"github.com/tensorlambda/tensorlambda/layer/prelink"
)

//go:embed profile/profile.c
var profileSource []byte

// profileModel is the model that shows which code a start needs: what others need
// besides is a thousandth of it. Its input and output are these.
const profileModel = "models/digits/digits.tar.gz"

var profileRequest = []string{"serving_default_image", "StatefulPartitionedCall", "1", "8", "8", "1"}

// errNotProfiled says why nothing is known of what a start needs.
var errNotProfiled = errors.New("all code is taken to be needed by each start, which so takes longer")

// toolchain is how a program in C is compiled and run, as the beginnings of the commands.
type toolchain struct {
	compile []string
	run     []string // nothing for this machine's own processor
}

// toolchainFor finds the one for an architecture. The error wraps errNotProfiled where
// there is none, or where it is not installed.
func toolchainFor(arch string) (toolchain, error) {
	if arch == runtime.GOARCH {
		if _, err := exec.LookPath("cc"); err != nil {
			return toolchain{}, fmt.Errorf("%w: %w: install a C compiler", errNotProfiled, err)
		}
		return toolchain{compile: []string{"cc"}}, nil
	}
	if arch == "arm64" {
		const compiler, emulator, root = "aarch64-linux-gnu-gcc", "qemu-aarch64-static", "/usr/aarch64-linux-gnu"
		_, noCompiler := exec.LookPath(compiler)
		_, noEmulator := exec.LookPath(emulator)
		_, noLibrary := os.Stat(root + "/lib/libstdc++.so.6")
		if err := cmp.Or(noCompiler, noEmulator, noLibrary); err != nil {
			return toolchain{}, fmt.Errorf("%w: %w: install gcc-aarch64-linux-gnu, libstdc++6-arm64-cross and qemu-user-static", errNotProfiled, err)
		}
		// Lambda's processor for arm64 is the Graviton2: TensorFlow chooses code by what the
		// processor can do.
		return toolchain{[]string{compiler}, []string{emulator, "-cpu", "neoverse-n1", "-L", root}}, nil
	}
	return toolchain{}, fmt.Errorf("%w: %s cannot be run here", errNotProfiled, arch)
}

// profile runs the libraries in dir and finds which blocks of their code a start needs, by
// library. The error wraps errNotProfiled where it cannot be run here: for an architecture
// without an emulator, without a C compiler, or where the libraries are not TensorFlow's.
func profile(ctx context.Context, arch, dir, scratch string) (hot map[string]map[int64]bool, err error) {
	tools, err := toolchainFor(arch)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(profileModel); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: no %s", errNotProfiled, profileModel)
	}
	source, program, model := filepath.Join(scratch, "profile.c"), filepath.Join(scratch, "profile"), filepath.Join(scratch, "model")
	if err := os.WriteFile(source, profileSource, 0o600); err != nil {
		return nil, err
	}
	if err := unpackModel(profileModel, model); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for _, command := range [][]string{
		append(tools.compile, "-O1", "-o", program, source, "-ldl"),
		slices.Concat(tools.run, []string{program, strconv.Itoa(block), dir, filepath.Join(model, "1")}, profileRequest),
	} {
		var stderr bytes.Buffer
		cmd := exec.CommandContext(ctx, command[0], command[1:]...)
		cmd.Stdout, cmd.Stderr = &out, &stderr
		if err := cmd.Run(); err != nil {
			return nil, errors.Join(ctx.Err(), fmt.Errorf("%w: %s: %w: %s", errNotProfiled, command[0], err, bytes.TrimSpace(stderr.Bytes())))
		}
	}
	return parseProfile(&out)
}

// parseProfile reads what profile.c prints.
func parseProfile(out io.Reader) (map[string]map[int64]bool, error) {
	hot := make(map[string]map[int64]bool)
	for _, name := range libraries {
		hot[name] = make(map[int64]bool)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		name, number, _ := strings.Cut(lines.Text(), " ")
		at, err := strconv.ParseInt(number, 10, 64)
		if hot[name] == nil || err != nil {
			return nil, fmt.Errorf("profile: %q is no block of a library", lines.Text())
		}
		hot[name][at] = true
	}
	return hot, lines.Err()
}

// unpackModel unpacks an archive into a new folder.
func unpackModel(path, dir string) (err error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	format, _ := archive.FormatOf(path)
	if _, err := archive.Extract(format, f, root, archive.Limits{}); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

const (
	// block is what a thread comes to at a time: a page.
	block = 4 << 10
	// leastCold is the least run of cold code that is set apart: shorter ones would
	// make frames that compress badly.
	leastCold = 64 << 10
	// mostCold is how much a thread may have to wait for: half a millisecond's work.
	mostCold = 512 << 10
)

// warmth is what is known of the parts of a library that the loader does not read.
type warmth struct {
	code   map[int64]bool // blocks of code that a start needs; nil where it may be any
	tables []extent       // for exceptions
}

// hot reports whether a start may need a block.
func (w warmth) hot(b int64, executable bool) bool {
	switch {
	case w.code == nil:
		return true
	case executable:
		return w.code[b]
	}
	for _, t := range w.tables {
		if b*block >= t.from && (b+1)*block <= t.to {
			return false
		}
	}
	return true // constants, some of which the kernel may be asked to read
}

// divide divides a quiet region into parts that a start needs and cold ones, by whether
// a block is hot.
func divide(quiet prelink.Region, hot func(block int64) bool) []packed.Region {
	var parts []packed.Region
	part := func(from, to int64, cold bool) {
		parts = append(parts, packed.Region{
			Offset: from, Size: to - from, Address: quiet.Address + from - quiet.Offset, Executable: quiet.Executable, Cold: cold,
		})
	}
	end := quiet.Offset + quiet.Size
	start := quiet.Offset // of what is not in a part yet, hot all of it
	for at := quiet.Offset; at < end; {
		run := at // of cold blocks, to its end
		for run < end && !hot(run/block) {
			run = min(run+block, end)
		}
		if run-at >= leastCold {
			if start < at {
				part(start, at, false)
			}
			for from := at; from < run; from += mostCold {
				part(from, min(from+mostCold, run), true)
			}
			start = run
		}
		at = run + block // that one is hot
	}
	if start < end {
		part(start, end, false)
	}
	return parts
}
