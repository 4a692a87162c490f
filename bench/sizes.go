package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tensorlambda/tensorlambda/internal/cgroup"
	"github.com/tensorlambda/tensorlambda/internal/runtimeapi"
	"github.com/tensorlambda/tensorlambda/internal/versitygw"
)

const (
	sizesRounds   = 5
	startPatience = 60 * time.Second // with one start
)

// errNoAnswer ends a start that takes too long.
var errNoAnswer = fmt.Errorf("no answer after %s", startPatience)

// sizesBench is what starts at several memory sizes need.
type sizesBench struct {
	dir   string
	env   []string // of every function
	event []byte   // what it is asked
	check func(answer []byte) error
	notes []string // what is not as in Lambda

	unlimited bool // a function had more than its size
}

// coldStart is a start of a function and its first answer.
type coldStart struct {
	ready  time.Duration // from the start of the process to its first poll
	first  time.Duration // and to the answer
	billed time.Duration // the init phase and the invocation
	peak   int64         // charged to its group, in bytes; 0 where nothing counts that
	most   int64         // resident in the process, in bytes
	place  string        // of the library
	failed string        // why there was no answer; then there are no times
}

// benchSizes measures cold starts as a function of each memory size has them: with
// that memory, and its share of the processors' time. model is a path of this
// machine, and empty for the demo model in a local S3 server.
func benchSizes(ctx context.Context, memory, model string, rounds int) (err error) {
	sizes, err := parseSizes(memory)
	if err != nil {
		return err
	}
	b := new(sizesBench)
	if b.dir, err = os.MkdirTemp("", "tensorlambda-bench-*"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	if model != "" {
		if err := b.useModel(model); err != nil {
			return err
		}
	} else {
		server, err := versitygw.Start(ctx, versitygw.Options{Dir: filepath.Join(b.dir, "s3")})
		if err != nil {
			return err
		}
		defer server.Close()
		if err := b.useDemo(ctx, server); err != nil {
			return err
		}
	}
	b.noteMachine(sizes)
	starts := make([][]coldStart, len(sizes))
	for round := range rounds + 1 {
		for i, size := range sizes {
			start, err := b.start(ctx, size)
			if err != nil {
				return fmt.Errorf("%d MB: %w", size, err)
			}
			fmt.Fprintf(os.Stderr, "round %d of %d, %d MB: %s\n", round, rounds, size, cmp.Or(start.failed, start.first.Round(time.Millisecond).String()))
			if round > 0 { // the first round warms the page cache
				starts[i] = append(starts[i], start)
			}
		}
	}
	name := "demo model"
	if model != "" {
		name = filepath.Base(model) + ", asked for its metadata"
	}
	return printSizes(os.Stdout, sizesTable{name: name, notes: b.notes, unlimited: b.unlimited, sizes: sizes, starts: starts})
}

// useDemo puts the demo model into the server, to be asked for a prediction.
func (b *sizesBench) useDemo(ctx context.Context, server *versitygw.Server) (err error) {
	if err := upload(ctx, server); err != nil {
		return err
	}
	b.env = append(server.Env(), "MODEL_URI="+modelURI)
	b.event, err = os.ReadFile(eventFile)
	b.check = checkAnswer
	return err
}

// useModel takes a model whose inputs nobody knows, so it is asked for its metadata,
// which is there when the model is loaded and warm.
func (b *sizesBench) useModel(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("the model is to be a file or folder of this machine: %w", err)
	}
	const route = "/v1/models/bench/metadata"
	b.env = []string{"MODEL_URI=" + path, "MODEL_NAME=bench"}
	b.event = []byte(`{"version":"2.0","rawPath":"` + route + `","requestContext":{"http":{"method":"GET","path":"` + route + `"}}}`)
	b.check = func(answer []byte) error {
		var reply struct{ StatusCode int }
		if err := json.Unmarshal(answer, &reply); err != nil || reply.StatusCode != http.StatusOK {
			return fmt.Errorf("answered %.200q", answer)
		}
		return nil
	}
	return nil
}

// start starts a function of a size and asks it once. The error is one of this
// program; what the function fails of is in the result.
func (b *sizesBench) start(ctx context.Context, size memorySize) (result coldStart, err error) {
	temp, err := os.MkdirTemp(b.dir, "tmp-*") // empty, as in a new environment
	if err != nil {
		return coldStart{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	group := cgroup.New("tensorlambda-bench", cgroup.Limits{Memory: size.bytes(), Processors: size.processors()})
	defer func() { err = errors.Join(err, group.Close()) }()
	b.note(group.Unlimited()...)
	b.unlimited = b.unlimited || len(group.Unlimited()) > 0
	var log bytes.Buffer
	env := append([]string{fmt.Sprintf("AWS_LAMBDA_FUNCTION_MEMORY_SIZE=%d", size), "TMPDIR=" + temp}, b.env...)
	function, err := runtimeapi.StartProcess(ctx, "build/bootstrap", env, &log, group.Enter)
	if err != nil {
		return coldStart{}, err
	}
	defer function.Close()
	failure := b.ask(ctx, function, &result)
	if err := function.Close(); err != nil || ctx.Err() != nil { // after which the log is whole
		return coldStart{}, errors.Join(ctx.Err(), err)
	}
	if failure != nil {
		result.failed = failure.Error()
		fmt.Fprintf(os.Stderr, "log of the function:\n%s", &log)
	}
	result.place = libraryPlace(log.String())
	return result, result.look(group)
}

// look takes what the group has counted. A kill for want of memory is why there is no
// answer, whatever else was seen of it.
func (s *coldStart) look(group *cgroup.Group) (err error) {
	if s.peak, err = group.Peak(); err != nil && !errors.Is(err, cgroup.ErrNotLimited) {
		return err
	}
	kills, err := group.Kills()
	if err == nil && kills > 0 {
		s.failed = "out of memory, killed by the kernel"
	}
	return err
}

// ask waits for the function and asks it, and writes down how long that took and
// how much memory was resident. The error is why there is no answer.
func (b *sizesBench) ask(ctx context.Context, function *runtimeapi.Process, result *coldStart) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startPatience, errNoAnswer)
	defer cancel()
	if err := function.AwaitReady(ctx); err != nil {
		return err
	}
	result.ready = time.Since(function.Started)
	ctx, exited := context.WithCancelCause(ctx)
	var watch sync.WaitGroup
	defer watch.Wait()
	defer exited(nil)
	watch.Go(func() {
		select {
		case <-function.Exited():
			exited(runtimeapi.ErrExited)
		case <-ctx.Done():
		}
	})
	answer, err := function.Invoke(ctx, b.event, runtimeapi.Options{Deadline: time.Now().Add(startPatience)})
	result.first = time.Since(function.Started)
	if err != nil {
		return err
	}
	result.billed = result.ready + answer.Duration
	if err := b.check(answer.Body); err != nil {
		return err
	}
	result.most, err = resident(function, "VmHWM")
	return err
}

// libraryPlace finds in a function's log from where it used the library.
func libraryPlace(log string) string {
	for line := range strings.Lines(log) {
		var entry struct {
			Report struct{ LibraryFrom string }
		}
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Report.LibraryFrom != "" {
			return entry.Report.LibraryFrom
		}
	}
	return ""
}

// note keeps what is to be said before the table, each once.
func (b *sizesBench) note(notes ...string) {
	for _, n := range notes {
		if !slices.Contains(b.notes, n) {
			b.notes = append(b.notes, n)
		}
	}
}

// noteMachine says in what this machine is not what Lambda shows a function.
func (b *sizesBench) noteMachine(sizes []memorySize) {
	for _, size := range sizes {
		if here := runtime.NumCPU(); here != size.visible() {
			b.note(fmt.Sprintf("a function sees the %d processors of this machine, where Lambda shows %d at %d MB", here, size.visible(), size))
		}
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(b.dir, &fs); err == nil && fs.Type == unix.TMPFS_MAGIC {
		b.note("the temporary folder is in memory (tmpfs), so what lies there counts as the function's; TMPDIR names another")
	}
}
