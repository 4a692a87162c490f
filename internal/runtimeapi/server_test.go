package runtimeapi_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/tensorlambda/tensorlambda/internal/runtimeapi"
)

// The test binary is also the function: with this variable set it runs the real
// loop of aws-lambda-go, which ends its process when the Runtime API goes.
const functionVariable = "RUNTIMEAPI_TEST_FUNCTION"

func TestMain(m *testing.M) {
	if os.Getenv(functionVariable) != "" {
		lambda.Start(function)
	}
	os.Exit(m.Run())
}

type NoSuchWord struct{ word string }

func (e *NoSuchWord) Error() string { return "no such word: " + e.word }

var together sync.WaitGroup // for invocations that only run side by side

func init() { together.Add(4) }

func function(ctx context.Context, word string) (io.Reader, error) {
	switch word {
	case "context":
		lc, _ := lambdacontext.FromContext(ctx)
		deadline, _ := ctx.Deadline()
		return strings.NewReader(fmt.Sprintf("%d %s %d %v", deadline.UnixMilli(), lc.InvokedFunctionArn, len(lc.AwsRequestID), ctx.Value("x-amzn-trace-id"))), nil
	case "large":
		return strings.NewReader(strings.Repeat("x", 7<<20)), nil
	case "broken stream":
		return io.MultiReader(strings.NewReader("half"), failing{}), nil
	case "together":
		together.Done()
		together.Wait()
		return strings.NewReader("all"), nil
	case "panic":
		panic("oh no")
	case "hang":
		time.Sleep(time.Hour) // the test ends the process
		return nil, nil
	default:
		return nil, &NoSuchWord{word}
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, &NoSuchWord{"end"} }

func start(t *testing.T) *runtimeapi.Server {
	t.Helper()
	s, err := runtimeapi.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// run starts the function under s and returns how its process ends.
func run(t *testing.T, s *runtimeapi.Server, env ...string) (exited <-chan error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), append(env, functionVariable+"=1", "AWS_LAMBDA_RUNTIME_API="+s.Addr())...)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end := make(chan error, 1)
	waited := make(chan struct{})
	go func() {
		defer close(waited)
		end <- cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = s.Close() // the loop ends when it cannot poll
		<-waited
		if t.Failed() {
			t.Logf("function: %s", log.String())
		}
	})
	return end
}

func invoke(t *testing.T, s *runtimeapi.Server, word string, opts runtimeapi.Options) runtimeapi.Result {
	t.Helper()
	result, err := s.Invoke(t.Context(), []byte(`"`+word+`"`), opts)
	if err != nil {
		t.Fatalf("invoke %q: %v", word, err)
	}
	return result
}

func TestTheRealLoopIsServed(t *testing.T) {
	s := start(t)
	run(t, s)
	<-s.Ready()

	t.Run("context", func(t *testing.T) {
		deadline := time.Now().Add(time.Minute)
		got := invoke(t, s, "context", runtimeapi.Options{Deadline: deadline, TraceID: "Root=1-2-3"})
		want := fmt.Sprintf("%d arn:aws:lambda:us-east-1:000000000000:function:local 36 Root=1-2-3", deadline.UnixMilli())
		if string(got.Body) != want || got.ErrorType != "" || got.Duration <= 0 {
			t.Errorf("got %q, error type %q, after %s; want %q", got.Body, got.ErrorType, got.Duration, want)
		}
	})
	t.Run("a streamed answer above the buffered limit", func(t *testing.T) {
		if got := invoke(t, s, "large", runtimeapi.Options{}); len(got.Body) != 7<<20 || !got.Chunked {
			t.Errorf("%d bytes, chunked %t, want %d in chunks", len(got.Body), got.Chunked, 7<<20)
		}
	})
	t.Run("an error in the middle of a stream", func(t *testing.T) {
		got := invoke(t, s, "broken stream", runtimeapi.Options{})
		if string(got.Body) != "half" || got.ErrorType != "NoSuchWord" || got.ErrorMessage != "no such word: end" {
			t.Errorf("got %q, %s: %s", got.Body, got.ErrorType, got.ErrorMessage)
		}
	})
	t.Run("a returned error", func(t *testing.T) {
		got := invoke(t, s, "hello", runtimeapi.Options{})
		if got.ErrorType != "NoSuchWord" || got.ErrorMessage != "no such word: hello" {
			t.Errorf("got %s: %s", got.ErrorType, got.ErrorMessage)
		}
	})
}

func TestAPanicIsReportedAndEndsTheProcess(t *testing.T) {
	s := start(t)
	exited := run(t, s)
	if got := invoke(t, s, "panic", runtimeapi.Options{}); got.ErrorType != "string" || got.ErrorMessage != "oh no" {
		t.Errorf("got %s: %s", got.ErrorType, got.ErrorMessage)
	}
	if err := <-exited; err == nil {
		t.Error("the function went on")
	}
}

func TestSeveralPollersRunSideBySide(t *testing.T) {
	s := start(t)
	run(t, s, "AWS_LAMBDA_MAX_CONCURRENCY=4")
	var calls sync.WaitGroup
	for range 4 {
		calls.Go(func() {
			result, err := s.Invoke(t.Context(), []byte(`"together"`), runtimeapi.Options{})
			if err != nil || string(result.Body) != "all" {
				t.Errorf("got %q, %v", result.Body, err)
			}
		})
	}
	calls.Wait()
}

func TestInvokeEndsAtTheDeadline(t *testing.T) {
	s := start(t)
	soon := runtimeapi.Options{Deadline: time.Now().Add(time.Millisecond)}
	if _, err := s.Invoke(t.Context(), []byte(`""`), soon); !errors.Is(err, runtimeapi.ErrTimedOut) {
		t.Errorf("without a function: %v, want ErrTimedOut", err)
	}
	run(t, s)
	<-s.Ready()
	later := runtimeapi.Options{Deadline: time.Now().Add(100 * time.Millisecond)}
	_, err := s.Invoke(t.Context(), []byte(`"hang"`), later)
	if !errors.Is(err, runtimeapi.ErrTimedOut) {
		t.Errorf("with a function that hangs: %v, want ErrTimedOut", err)
	}
}

func TestInvokeEndsWithItsContext(t *testing.T) {
	s := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Invoke(ctx, nil, runtimeapi.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestCloseEndsInvocations(t *testing.T) {
	s := start(t)
	ended := make(chan error, 1)
	go func() {
		_, err := s.Invoke(context.Background(), nil, runtimeapi.Options{})
		ended <- err
	}()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, runtimeapi.ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
}

func post(t *testing.T, s *runtimeapi.Server, path string, header http.Header, body string) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.Addr()+"/2018-06-01/runtime/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestInitErrorIsKept(t *testing.T) {
	s := start(t)
	if err := s.InitError(); err != nil {
		t.Errorf("before: %v", err)
	}
	header := http.Header{"Lambda-Runtime-Function-Error-Type": {"Model.NotFound"}}
	status, _ := post(t, s, "init/error", header, `{"errorMessage":"no model here","errorType":"NotFound","stackTrace":[]}`)
	if status != http.StatusAccepted {
		t.Errorf("status = %d, want 202", status)
	}
	var initError *runtimeapi.InitError
	if !errors.As(s.InitError(), &initError) || *initError != (runtimeapi.InitError{Type: "Model.NotFound", Message: "no model here"}) {
		t.Errorf("InitError = %v", s.InitError())
	}
	select {
	case <-s.Ready():
		t.Error("ready, although nobody polled")
	default:
	}
}

func TestAnswersToNoInvocationAreRefused(t *testing.T) {
	s := start(t)
	for _, path := range []string{"invocation/11111111-2222-4333-8444-555555555555/response", "invocation/x/error"} {
		status, answer := post(t, s, path, nil, `{}`)
		if status != http.StatusBadRequest || !strings.Contains(answer, "InvalidRequestID") {
			t.Errorf("%s: %d %s, want 400 InvalidRequestID", path, status, answer)
		}
	}
}
