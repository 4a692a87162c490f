package serve_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/serve"
	"github.com/tensorlambda/tensorlambda/web"
)

// page is a playground whose rows are answered by themselves, a block for each line.
func page(address net.Addr) *serve.Playground {
	return &serve.Playground{
		Address:    address,
		TensorFlow: func() string { return "2.21.0" },
		Pixels:     serve.PixelRange{Black: []float32{-1}, White: []float32{1}},
		Score: func(_ context.Context, in serve.Rows, out io.Writer) error {
			for line := range bytes.Lines(in.Data) {
				if _, err := out.Write(line); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func TestPlaygroundFiles(t *testing.T) {
	h := handler(serve.Options{Playground: page(nil)})
	for _, tt := range []struct {
		path, contentType, fragment string
	}{
		{"/", "text/html; charset=utf-8", "<!doctype html>"},
		{"/playground/app.js", "text/javascript; charset=utf-8", "import"},
		{"/playground/style.css", "text/css; charset=utf-8", ":root"},
		{"/playground/icon.svg", "image/svg+xml", "<svg"},
	} {
		w := do(h, "GET", tt.path, "")
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != tt.contentType || !strings.Contains(w.Body.String(), tt.fragment) {
			t.Errorf("%s: %d %s %.100s", tt.path, w.Code, w.Header().Get("Content-Type"), w.Body)
		}
		if w.Header().Get("Cache-Control") != "no-cache" || w.Header().Get("ETag") == "" {
			t.Errorf("%s: caches are not told what to do: %v", tt.path, w.Header())
		}
		again := request(t.Context(), "GET", tt.path, nil)
		again.Header.Set("If-None-Match", w.Header().Get("ETag"))
		unchanged := httptest.NewRecorder()
		h.ServeHTTP(unchanged, again)
		if unchanged.Code != http.StatusNotModified || unchanged.Body.Len() != 0 {
			t.Errorf("%s, asked again: %d with %d bytes", tt.path, unchanged.Code, unchanged.Body.Len())
		}
	}
}

// No answer of the page's routes lets it load anything of others', or be framed by them.
func TestPlaygroundKeepsToItself(t *testing.T) {
	h := handler(serve.Options{Playground: page(nil)})
	for _, path := range []string{"/", "/playground/app.js", "/playground/model.json", "/playground/nothing", "/playground/score"} {
		header := do(h, "GET", path, "").Header()
		policy := header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "form-action 'none'", "frame-ancestors 'none'", "base-uri 'none'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: no %s in %q", path, want, policy)
			}
		}
		if header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %v", path, header)
		}
	}
}

// outside are addresses of others, and ways to make markup of text.
var outside = regexp.MustCompile(`(?:https?:)?//[\w-]+\.\w|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function`)

// The page works offline, and what a model or a file says cannot become markup.
func TestPlaygroundFilesUseNothingOfOthersAndNoMarkupFromText(t *testing.T) {
	files, err := web.Files.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		content, err := web.Files.ReadFile(file.Name())
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(content), "http://www.w3.org/2000/svg", "") // a name, which nobody fetches
		if found := outside.FindString(text); found != "" {
			t.Errorf("%s has %q", file.Name(), found)
		}
	}
}

func TestPlaygroundRoutes(t *testing.T) {
	model := halfPlusTwo("half_plus_two")
	model.Bytes, model.SHA256 = 1234, strings.Repeat("ab", 32)
	catalog := halfPlusTwoCatalog()
	catalog.Default = "other"
	catalog.Signatures["serving_default"].Method = "tensorflow/serving/predict"
	catalog.Signatures["serving_default"].Outputs[0].Shape = nil
	model.Runner = runner{catalog, runHalfPlusTwo}
	model.Labels = []string{"<b>cat</b>", "dog"}
	const card = `{"name":"half_plus_two","version":"3","format":"savedmodel","tensorflow":"2.21.0","bytes":1234,"sha256":"abababababababababababababababababababababababababababababababab",` +
		`"labels":["\u003cb\u003ecat\u003c/b\u003e","dog"],"default":"other","signatures":{"serving_default":{"method":"tensorflow/serving/predict",` +
		`"inputs":[{"name":"x","dtype":"DT_FLOAT","shape":[-1]}],"outputs":[{"name":"y","dtype":"DT_FLOAT","shape":null}]}},"pixels":{"black":[-1],"white":[1]},"limits":{"maxBodyBytes":99}}`
	testRoutes(t, handler(serve.Options{Model: having(model), Playground: page(nil), MaxBodyBytes: 99}), []routeTest{
		{"the card", "GET", "/playground/model.json", "", 200, card, ""},
		{"a POST to the page", "POST", "/", "", 405, `{"error":"Method not allowed: POST /"}`, "GET, HEAD"},
		{"a POST to the card", "POST", "/playground/model.json", "", 405, `{"error":"Method not allowed: POST /playground/model.json"}`, "GET, HEAD"},
		{"a GET of scoring", "GET", "/playground/score", "", 405, `{"error":"Method not allowed: GET /playground/score"}`, "POST"},
		{"no such file", "GET", "/playground/nothing.js", "", 404, `{"error":"Not found: GET /playground/nothing.js"}`, ""},
		{"a way out of the folder", "GET", "/playground/..%2fserver.go", "", 404, `{"error":"Not found: GET /playground/..%2fserver.go"}`, ""},
		{"the page by its file", "GET", "/playground/index.html", "", 404, `{"error":"Not found: GET /playground/index.html"}`, ""},
	})
	folder := halfPlusTwo("half_plus_two")
	folder.Identity = strings.Repeat("cd", 32)
	model.Identity = model.SHA256
	for m, want := range map[*infer.Model]string{folder: `"format":"savedmodel","tensorflow":"2.21.0","identity":"` + folder.Identity + `","default"`, model: `"sha256":"` + model.SHA256 + `","labels"`} {
		w := do(handler(serve.Options{Model: having(m), Playground: page(nil)}), "GET", "/playground/model.json", "")
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the card %s has no %s", w.Body, want)
		}
	}
	gone := func(context.Context) (*infer.Model, error) { return nil, errors.New("secret") }
	testRoutes(t, handler(serve.Options{Model: gone, Playground: page(nil)}), []routeTest{
		{"the card without a model", "GET", "/playground/model.json", "", 503, `{"error":"the model could not be loaded: the reason is in the log of the function"}`, ""},
	})
	testRoutes(t, handler(serve.Options{}), []routeTest{
		{"no playground", "GET", "/", "", 404, `{"error":"Not found: GET /"}`, ""},
		{"no file of it", "GET", "/playground/app.js", "", 404, `{"error":"Not found: GET /playground/app.js"}`, ""},
		{"no scoring", "POST", "/playground/score", "", 404, `{"error":"Not found: POST /playground/score"}`, ""},
	})
}

func score(h http.Handler, query, contentType, body string) *httptest.ResponseRecorder {
	r := request(context.Background(), "POST", "/playground/score"+query, strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestScoringSaysWhatRowsThereAre(t *testing.T) {
	var got serve.Rows
	p := page(nil)
	p.Score = func(_ context.Context, in serve.Rows, out io.Writer) error {
		in.Data = bytes.Clone(in.Data) // the buffer is used again
		got = in
		_, err := out.Write(in.Data)
		return err
	}
	h := handler(serve.Options{Playground: p, MaxBodyBytes: 9})
	for _, tt := range []struct {
		query, contentType, body string
		status                   int
		answer, answerType       string
		want                     serve.Rows
	}{
		{"", "application/jsonlines", "1\n2\n", 200, "1\n2\n", "application/jsonlines", serve.Rows{Data: []byte("1\n2\n")}},
		{"?format=jsonl&signature=twice&name=my+rows.csv", "text/csv; charset=utf-8", "x\n1\n", 200, "x\n1\n", "application/jsonlines", serve.Rows{Data: []byte("x\n1\n"), CSV: true, Signature: "twice", Name: "my rows.csv"}},
		{"?format=csv", "application/x-ndjson", "1\n", 200, "1\n", "text/csv; charset=utf-8", serve.Rows{Data: []byte("1\n"), OutputCSV: true}},
		{"", "application/jsonlines", "", 200, "", "application/jsonlines", serve.Rows{}},
		{"?format=npy", "text/csv", "1\n", 400, `{"error":"format \"npy\" is neither jsonl nor csv"}`, "application/json", serve.Rows{}},
		{"", "application/json", "[1]", 415, `{"error":"Content-Type \"application/json\" is not supported: rows are text/csv or application/jsonlines"}`, "application/json", serve.Rows{}},
		{"", "text/csv", "1\n2\n3\n4\n5\n", 413, `{"error":"The body is larger than the limit of 9 bytes (MAX_BODY_BYTES)"}`, "application/json", serve.Rows{}},
	} {
		got = serve.Rows{}
		w := score(h, tt.query, tt.contentType, tt.body)
		if w.Code != tt.status || w.Body.String() != tt.answer || w.Header().Get("Content-Type") != tt.answerType {
			t.Errorf("%s %s: got %d %s %s\nwant %d %s %s", tt.query, tt.contentType, w.Code, w.Header().Get("Content-Type"), w.Body, tt.status, tt.answerType, tt.answer)
		}
		if string(got.Data) != string(tt.want.Data) || got.CSV != tt.want.CSV || got.OutputCSV != tt.want.OutputCSV || got.Signature != tt.want.Signature || got.Name != tt.want.Name {
			t.Errorf("%s %s: scored %+v, want %+v", tt.query, tt.contentType, got, tt.want)
		}
	}
}

// Answers arrive while the model still runs.
func TestScoringStreams(t *testing.T) {
	p := page(nil)
	seen := make(chan struct{})
	p.Score = func(ctx context.Context, _ serve.Rows, out io.Writer) error {
		if _, err := io.WriteString(out, "first\n"); err != nil {
			return err
		}
		select {
		case <-seen:
		case <-ctx.Done():
			return ctx.Err()
		}
		_, err := io.WriteString(out, "second\n")
		return err
	}
	server := httptest.NewServer(handler(serve.Options{Playground: p}))
	defer server.Close()
	reply, err := http.Post(server.URL+"/playground/score", "text/csv", strings.NewReader("1\n"))
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	first := make([]byte, len("first\n"))
	if _, err := io.ReadFull(reply.Body, first); err != nil {
		t.Fatal(err)
	}
	close(seen)
	if rest, err := io.ReadAll(reply.Body); err != nil || string(rest) != "second\n" {
		t.Errorf("then %q, %v", rest, err)
	}
}

// A fault of the input as a whole is an answer with a status as long as that has not gone;
// afterwards the reply breaks off, so that nobody takes a part for all.
func TestScoringThatFails(t *testing.T) {
	for _, tt := range []struct {
		name   string
		before string
		err    error
		status int // 0 where the reply breaks off
		want   string
	}{
		{"at once", "", infer.Errorf(infer.ErrInvalidArgument, "column \"z\" is no input"), 400, `{"error":"column \"z\" is no input"}`},
		{"by a fault of ours", "", errors.New("secret"), 500, `{"error":"internal error: the reason is in the log of the function"}`},
		{"in the middle", "1\n", errors.New("secret"), 0, "1\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := page(nil)
			p.Score = func(_ context.Context, _ serve.Rows, out io.Writer) error {
				_, _ = io.WriteString(out, tt.before)
				return tt.err
			}
			server := httptest.NewServer(handler(serve.Options{Playground: p}))
			defer server.Close()
			reply, err := http.Post(server.URL+"/playground/score", "text/csv", strings.NewReader("1\n"))
			if err != nil {
				t.Fatal(err)
			}
			defer reply.Body.Close()
			body, err := io.ReadAll(reply.Body)
			if (err != nil) != (tt.status == 0) || tt.status != 0 && reply.StatusCode != tt.status || string(body) != tt.want {
				t.Errorf("got %d %q, %v; want %d %q", reply.StatusCode, body, err, tt.status, tt.want)
			}
		})
	}
}
