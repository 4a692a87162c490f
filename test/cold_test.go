package test

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/libtensorflow/packed"
)

// coldLibrary is a folder with the layer, made so that no code is there before it is
// needed, what every start runs neither.
func coldLibrary(t *testing.T) string {
	t.Helper()
	const layer = "../build/layer/lib"
	content := read(t, filepath.Join(layer, packed.ManifestName))
	m, err := packed.ParseManifest(content)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("../build", "test-*") // links do not cross file systems
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for _, e := range m.Libraries {
		if err := os.Link(filepath.Join(layer, e.PackName()), filepath.Join(dir, e.PackName())); err != nil {
			t.Fatal(err)
		}
		for i := range e.Late {
			e.Late[i].Cold = e.Late[i].Cold || e.Late[i].Executable
		}
	}
	if content, err = json.Marshal(m); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, packed.ManifestName), content, 0o600); err != nil {
		t.Fatal(err)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TensorFlow finds the code that it needs, whatever that is, on any of its threads: the
// answers are those of Python. Nothing is profiled, so all of them come to code that is
// not there.
func TestCodeMayArriveWhenItIsNeeded(t *testing.T) {
	t.Parallel()
	library := "TENSORFLOW_LIB=" + coldLibrary(t)
	cases := packCases(t)
	for _, model := range slices.Sorted(maps.Keys(cases)) {
		if strings.HasSuffix(model, ".pb") {
			continue
		}
		t.Run(model, func(t *testing.T) {
			s := startServer(t, absolute(t, "models/"+model), append(trust(model), library, "TF_ENABLE_ONEDNN_OPTS=1")...)
			for _, c := range cases[model] {
				if c.Request != "" {
					c.checkColumns(t, s.predict(c.Request))
				}
			}
		})
	}
}

// Requests that come to the same code at once wait for it together.
func TestRequestsWaitTogetherForCode(t *testing.T) {
	t.Parallel()
	s := startServer(t, absolute(t, "models/conv_crash"), "TENSORFLOW_LIB="+coldLibrary(t), "TF_INTRA_OP_THREADS=4", "TF_INTER_OP_THREADS=4")
	body := predictCases(t)["conv_crash"][0].Request
	var wait sync.WaitGroup
	replies := make([]reply, 16)
	for i := range replies {
		wait.Go(func() { replies[i] = s.predict(body) })
	}
	wait.Wait()
	for i, r := range replies {
		if r.StatusCode != http.StatusOK || r.Body != replies[0].Body {
			t.Errorf("answer %d is %d %.100q, and the first %d %.100q", i, r.StatusCode, r.Body, replies[0].StatusCode, replies[0].Body)
		}
	}
}
