package test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
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
		event, object, err := session.Deliver(t.Context(), event, imageRows(t, d))
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

	t.Run("BatchFunction scores the object of an event in a queue, and of EventBridge", func(t *testing.T) {
		for file, want := range map[string]string{"sqs-s3-put.json": `{"batchItemFailures":[]}`, "eventbridge-object-created.json": "null"} {
			event, object, err := session.Deliver(t.Context(), read(t, "../events/"+file), imageRows(t, d))
			if err != nil {
				t.Fatal(err)
			}
			prefix := strings.TrimSuffix(file, ".json")
			answer, err := session.Invoke(t.Context(), "BatchFunction", event, with(settings, "OUTPUT_URI", "s3://scored/"+prefix+"/"))
			if err != nil || strings.ReplaceAll(string(answer), " ", "") != want { // SAM writes JSON anew
				t.Fatalf("%s: answer %s: %v", file, answer, err)
			}
			output, err := session.S3.Get(t.Context(), "scored", prefix+"/"+object.Key+".out.jsonl")
			if err != nil {
				t.Fatal(err)
			}
			d.check(t, predictions(t, string(output)), 0, len(d.Images))
		}
	})

	t.Run("the HTTP API serves ApiFunction", func(t *testing.T) {
		path := serveAPI(t, session, settings) + "/v1/models/digits:predict"
		r, _ := postAPI(t, path, d.Request, "application/json")
		d.check(t, r, 0, len(d.Images))
		// A binary answer arrives as it is, and not as the base64 in which a function gives it.
		r, header := postAPI(t, path, d.Request, "application/x-npy")
		if r.StatusCode != http.StatusOK || !strings.HasPrefix(r.Body, "\x93NUMPY") || header.Get("Model-Version") != "1" {
			t.Errorf("NumPy: %d %.80q %v", r.StatusCode, r.Body, header)
		}
	})
}

// imageRows are the images, one a line.
func imageRows(t *testing.T, d *digits) []byte {
	t.Helper()
	var rows bytes.Buffer
	for _, image := range d.Images {
		if err := json.Compact(&rows, image); err != nil {
			t.Fatal(err)
		}
		rows.WriteByte('\n')
	}
	return rows.Bytes()
}

// with is settings with another value for one of them.
func with(settings map[string]string, name, value string) map[string]string {
	other := maps.Clone(settings)
	other[name] = value
	return other
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

// serveAPI serves the API until the test ends, and is its URL.
func serveAPI(t *testing.T, session *samlocal.Session, settings map[string]string) string {
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
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- session.ServeAPI(ctx, host, port, settings) }()
	t.Cleanup(func() {
		cancel()
		<-served
	})
	for tick, end := time.NewTicker(50*time.Millisecond), time.After(patience); ; {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
			return "http://" + addr
		}
		select { // nobody listens yet
		case <-tick.C:
		case <-end:
			t.Fatalf("the API is not served: %v", err)
		case err := <-served:
			served <- err
			t.Fatalf("the API is not served: %v", err)
		}
	}
}

func postAPI(t *testing.T, url, body, accept string) (reply, http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", accept)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{StatusCode: resp.StatusCode, Body: string(content)}, resp.Header
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
