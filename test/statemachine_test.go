package test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/runtimeapi"
)

// invokeAPI is Lambda's API for a function that runs here, one invocation at a time:
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
func invokeAPI(t *testing.T, f *function) *httptest.Server {
	t.Helper()
	var one sync.Mutex
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		one.Lock()
		defer one.Unlock()
		payload, err := io.ReadAll(r.Body)
		if err == nil {
			var result runtimeapi.Result
			if result, err = f.Invoke(r.Context(), payload, runtimeapi.Options{}); err == nil {
				answerInvoke(w, result)
				return
			}
		}
		t.Error(err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}))
	t.Cleanup(s.Close)
	return s
}

func answerInvoke(w http.ResponseWriter, result runtimeapi.Result) {
	body := result.Body
	if result.ErrorType != "" {
		w.Header().Set("X-Amz-Function-Error", "Unhandled")
		body, _ = json.Marshal(map[string]string{"errorType": result.ErrorType, "errorMessage": result.ErrorMessage})
	}
	_, _ = w.Write(body) // a client that is gone says so itself
}

// execution is what Step Functions says of one.
type execution struct{ Status, Output, Error, Cause string }

// runMachine runs the template's state machine on a prefix of the inbox, with the function
// here.
func runMachine(t *testing.T, f *function, prefix string) (e execution) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), samPython(t), "sam/template.py", "../template.yaml", "--machine", "PrefixMachine",
		"StateMachine=true", "InputBucketName="+inbox, "OutputBucketName="+outbox, "OutputPrefix="+prefix)
	definition, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "definition.json")
	if err := os.WriteFile(file, definition, 0o600); err != nil {
		t.Fatal(err)
	}
	said, ok := pythonSays(t, store.Env(), "statemachine.py", file, fmt.Sprintf(`{"prefix":%q}`, prefix), invokeAPI(t, f).URL)
	if !ok {
		t.FailNow()
	}
	if err := json.Unmarshal(said, &e); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	return e
}

// The state machine scores all objects below a prefix: large ones in shards that are sealed,
// others whole.
func TestTheStateMachineScoresAPrefix(t *testing.T) {
	t.Parallel()
	f := scorer(t, "BATCH_SHARD_BYTES=100")
	below := newPrefix() + "/"
	whole := dropAt(t, below+"whole.jsonl", "1.0\n2.0\n")
	cut := dropAt(t, below+"cut.jsonl", strings.Repeat("5.0\n", 60))
	if e := runMachine(t, f, below); e.Status != "SUCCEEDED" {
		t.Fatalf("%+v", e)
	}
	if got, _ := outputOf(t, whole); got != "{\"prediction\":2.5}\n{\"prediction\":3.0}\n" {
		t.Errorf("the small object is answered with %q", got)
	}
	if s := sealed(t, cut); s == nil || s.Rows != 60 || s.Errors != 0 || len(s.Parts) != 3 {
		t.Errorf("the large object, 240 bytes in shards of 100: %+v", s)
	}
}

// A run ends as a failure where an object failed, which ends none of the others.
func TestTheStateMachineDoesNotForgetWhatFailed(t *testing.T) {
	t.Parallel()
	f := scorer(t)
	below := newPrefix() + "/"
	good := dropAt(t, below+"good.jsonl", "1.0\n")
	dropAt(t, below+"broken.parquet", "no Parquet")
	dropAt(t, below+"unanswered.jsonl", "\"one\"\n")
	e := runMachine(t, f, below)
	if e.Status != "FAILED" || e.Error != "ObjectsFailed" || !strings.HasPrefix(e.Cause, "1 of 3 objects were scored. What became of the others is in s3://"+outbox+"/"+below+"_runs/") {
		t.Errorf("%+v", e)
	}
	if got, _ := outputOf(t, good); got != "{\"prediction\":2.5}\n" {
		t.Errorf("the object beside it is answered with %q", got)
	}
}
