package test

import (
	"context"
	"errors"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/runtimeapi"
)

// sandbox is an execution environment: a folder for temporary files and one process
// at a time. Like Lambda's it keeps the folder when the process dies.
type sandbox struct {
	m   *mapping
	env []string
	log *journal

	mu      sync.Mutex
	process *runtimeapi.Process
}

// newMapping is a mapping without sandboxes.
func newMapping(t *testing.T) *mapping {
	t.Helper()
	if err := makeBuckets(); err != nil {
		t.Fatal(err)
	}
	return &mapping{t: t, q: newQueue(t), visibility: 5 * time.Second, most: 1, deadline: runtimeapi.DefaultTimeout}
}

// sandbox adds one, which is started by startAll. The last of a setting counts.
func (m *mapping) sandbox(settings ...string) *sandbox {
	m.t.Helper()
	env := append(environment(m.t), raw(m.t),
		"MODEL_URI="+absolute(m.t, "models/half_plus_two"), "OUTPUT_URI=s3://"+outbox+"/", "BATCH_QUEUE_URL="+m.q.url)
	s := &sandbox{m: m, env: append(append(env, m.q.server.Env()...), settings...), log: newJournal()}
	m.sandboxes = append(m.sandboxes, s)
	m.t.Cleanup(func() {
		if err := s.close(); err != nil {
			m.t.Error(err)
		}
		if m.t.Failed() {
			m.t.Logf("log of a function:\n%s", s.log)
		}
	})
	return s
}

func (m *mapping) startAll() {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), patience)
	defer cancel()
	for _, s := range m.sandboxes {
		if err := s.start(ctx); err != nil {
			m.t.Fatal(err)
		}
	}
}

// start starts the process and waits for the end of its init phase. One that has died
// is put away.
func (s *sandbox) start(ctx context.Context) error {
	if err := s.close(); err != nil {
		return err
	}
	p, err := runtimeapi.StartProcess(context.WithoutCancel(ctx), bootstrap, s.env, s.log)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.process = p
	s.mu.Unlock()
	return p.AwaitReady(ctx)
}

func (s *sandbox) current() *runtimeapi.Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.process
}

func (s *sandbox) close() error {
	if p := s.current(); p != nil {
		return p.Close()
	}
	return nil
}

// kill ends the process without a word, and returns when it is gone.
func (s *sandbox) kill() error {
	p := s.current()
	err := syscall.Kill(p.PID(), syscall.SIGKILL)
	if err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	<-p.Exited()
	return nil
}

// invoke invokes the function. The error is runtimeapi.ErrExited where its process
// dies before it answers.
func (s *sandbox) invoke(ctx context.Context, event string) (runtimeapi.Result, error) {
	p := s.current()
	ctx, cancel := context.WithCancelCause(ctx)
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-p.Exited():
			cancel(runtimeapi.ErrExited)
		case <-ctx.Done():
		}
	})
	defer watch.Wait()
	defer cancel(nil)
	return p.Invoke(ctx, []byte(event), runtimeapi.Options{Deadline: time.Now().Add(s.m.deadline)})
}
