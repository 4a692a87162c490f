package test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
)

// PLAYGROUND=false takes the page away, and all that belongs to it.
func TestPlaygroundCanBeTurnedOff(t *testing.T) {
	t.Parallel()
	s := startServer(t, absolute(t, "models/multi"), raw(t), "PLAYGROUND=false")
	for _, path := range []string{"/", "/playground/app.js", "/playground/model.json"} {
		exchange{path, http.StatusNotFound, "Not found: GET " + path}.check(t, s.request(get, s.base+path, ""))
	}
	if text := s.stderr.String(); strings.Contains(text, "see:") {
		t.Errorf("serve tells of a page:\n%s", text)
	}
}

// A function shows the page to those who ask for it, and scores rows in one answer.
func TestPlaygroundInLambda(t *testing.T) {
	t.Parallel()
	f := readyFunction(t, "MODEL_URI="+uri(t, graphInStore), "PLAYGROUND=true", raw(t))
	for path, fragment := range map[string]string{
		"/":                      "<!doctype html>",
		"/playground/app.js":     "import",
		"/playground/icon.svg":   "<svg",
		"/playground/model.json": `"name":"digits"`,
		"/debug/coldstart":       `"totalMs":`,
	} {
		if r := f.ask(get, path, ""); r.StatusCode != http.StatusOK || !strings.Contains(r.Body, fragment) {
			t.Errorf("%s: answer %d %.200q, want %q", path, r.StatusCode, r.Body, fragment)
		}
	}
	event := bytes.Replace(gatewayV2(post, "/playground/score", "1\n"), []byte("application/json"), []byte("application/jsonlines"), 1)
	if r := f.invoke(event); r.StatusCode != http.StatusOK || !strings.HasPrefix(r.Body, `{"error":`) || strings.Count(r.Body, "\n") != 1 {
		t.Errorf("scoring: answer %d %.200q, want one row", r.StatusCode, r.Body)
	}

	without := readyFunction(t, "MODEL_URI="+uri(t, graphInStore), raw(t))
	for _, path := range []string{"/", "/playground/model.json", "/debug/coldstart"} {
		refused(t, without.ask(get, path, ""), http.StatusNotFound, "Not found: GET "+path)
	}
}

// The playground's scoring is batch scoring: the demo model's images get Python's answers,
// in order, with what is wrong in its place.
func TestPlaygroundScoring(t *testing.T) {
	t.Parallel()
	s := startServer(t, absolute(t, digitsFolder+"/digits.tar.gz"), "BATCH_ROWS=1")
	d := sample(t)
	rows := imageRows(t, d)
	req, err := http.NewRequestWithContext(t.Context(), post, s.base+"/playground/score?format=jsonl", bytes.NewReader(append(bytes.Clone(rows), "\"no image\"\n"...)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/jsonlines")
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	r, err := readReply(response)
	if err != nil {
		t.Fatal(err)
	}
	answers, last, _ := strings.Cut(r.Body, `{"error":`)
	if last == "" || strings.Count(last, "\n") != 1 {
		t.Errorf("the last row is not the one that failed: %s", r.Body)
	}
	d.check(t, predictions(t, answers), 0, len(d.Images))
}
