package test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/samlocal"
)

// The functions of the template as SAM builds them, in containers, with the model in an
// S3 server that they reach as they would AWS's.
func TestSAMLocal(t *testing.T) {
	t.Parallel()
	session := startSAM(t)
	settings := map[string]string{"MODEL_URI": "s3://models/digits.tar.gz", "OUTPUT_URI": "s3://scored/day/"}
	model := read(t, digitsFolder+"/digits.tar.gz")
	if err := errors.Join(session.S3.Put(t.Context(), "models", "digits.tar.gz", model), session.S3.MakeBucket(t.Context(), "scored")); err != nil {
		t.Fatal(err)
	}
	d := sample(t)

	t.Run("ApiFunction answers an event of an HTTP API", func(t *testing.T) {
		answer, err := session.Invoke(t.Context(), "ApiFunction", read(t, "../events/apigateway-v2.json"), settings)
		if err != nil {
			t.Fatal(err)
		}
		var r reply
		if err := json.Unmarshal(answer, &r); err != nil {
			t.Fatalf("answer %q: %v", answer, err)
		}
		d.check(t, r, 0, 1)
	})

	t.Run("BatchFunction scores the object of an S3 event", func(t *testing.T) {
		event, err := session.GenerateEvent(t.Context(), "s3", "put", "--bucket", "inbox", "--key", "week 1/digits.jsonl")
		if err != nil {
			t.Fatal(err)
		}
		var rows bytes.Buffer
		for _, image := range d.Images {
			if err := json.Compact(&rows, image); err != nil {
				t.Fatal(err)
			}
			rows.WriteByte('\n')
		}
		event, object, err := session.Deliver(t.Context(), event, rows.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if answer, err := session.Invoke(t.Context(), "BatchFunction", event, settings); err != nil || string(answer) != "null" {
			t.Fatalf("answer %s: %v", answer, err)
		}
		output, err := session.S3.Get(t.Context(), "scored", "day/"+object.Key+".out.jsonl")
		if err != nil {
			t.Fatal(err)
		}
		d.check(t, predictions(t, string(output)), 0, len(d.Images))
	})

	t.Run("the HTTP API serves ApiFunction", func(t *testing.T) {
		r := askAPI(t, session, settings, "/v1/models/digits:predict", d.Request)
		d.check(t, r, 0, len(d.Images))
	})
}

// predictions is a reply with the rows of an output.
func predictions(t *testing.T, output string) reply {
	t.Helper()
	var body struct {
		Predictions []json.RawMessage `json:"predictions"`
	}
	for _, line := range lines(output) {
		var row struct{ Prediction json.RawMessage }
		if err := json.Unmarshal([]byte(line), &row); err != nil || row.Prediction == nil {
			t.Fatalf("row %q: %v", line, err)
		}
		body.Predictions = append(body.Predictions, row.Prediction)
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{StatusCode: http.StatusOK, Body: string(encoded)}
}

// askAPI serves the API for one request.
func askAPI(t *testing.T, session *samlocal.Session, settings map[string]string, path, body string) reply {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	served := make(chan error, 1)
	go func() { served <- session.ServeAPI(ctx, host, port, settings) }()
	defer func() {
		cancel()
		<-served
	}()
	for tick := time.NewTicker(50 * time.Millisecond); ; {
		resp, err := http.Post("http://"+addr+path, "application/json", strings.NewReader(body))
		if err == nil {
			defer resp.Body.Close()
			content, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			return reply{StatusCode: resp.StatusCode, Body: string(content)}
		}
		select { // nobody listens yet
		case <-tick.C:
		case err := <-served:
			served <- err
			t.Fatalf("the API is not served: %v", err)
		}
	}
}

// startSAM builds what SAM deploys, and returns where it runs.
func startSAM(t *testing.T) *samlocal.Session {
	t.Helper()
	engine(t)
	read(t, "../template.yaml") // so that go test knows that it matters
	build := exec.Command("make", "--no-print-directory", "-C", "..", "sam-build")
	build.Env = append(os.Environ(), "MAKEFLAGS=", "MAKELEVEL=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("make sam-build: %v\n%s", err, out)
	}
	log := new(bytes.Buffer)
	session, err := samlocal.Start(t.Context(), samlocal.Options{Dir: t.TempDir(), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := session.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("log of SAM and the functions:\n%s", log)
		}
	})
	return session
}
