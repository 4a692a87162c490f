package predictionlog_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/warmup/predictionlog"
)

// expectedRecord is what testdata/make.py says of a record.
type expectedRecord struct {
	Kind, Signature string
	Skipped         bool
	Feeds           map[string]expectedTensor
	Fetches         []string
}

type expectedTensor struct {
	DType   infer.DType
	Shape   []int64
	Data    string
	Strings []string
}

// Every kind of request and every form of a tensor, as Python writes them, are read as
// TensorFlow reads them.
func TestRecordsAreReadAsTensorFlowReadsThem(t *testing.T) {
	content, err := os.ReadFile("testdata/requests.tfrecord")
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := os.ReadFile("testdata/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var want []expectedRecord
	if err := json.Unmarshal(encoded, &want); err != nil {
		t.Fatal(err)
	}
	got, err := read(t, content, catalog(), predictionlog.Limits{})
	if err != nil || len(got) != len(want) || len(want) == 0 {
		t.Fatalf("%d records, want %d: %v", len(got), len(want), err)
	}
	for i, r := range got {
		if r.Number != i+1 || r.Kind != want[i].Kind || (r.Request == nil) != want[i].Skipped || (r.Skipped != "") != want[i].Skipped {
			t.Errorf("record %d: %+v, want %+v", i+1, r, want[i])
			continue
		}
		if r.Request != nil {
			want[i].check(t, r)
		}
	}
}

func (want expectedRecord) check(t *testing.T, r predictionlog.Record) {
	t.Helper()
	if r.Request.Signature.Name != want.Signature || len(r.Request.Feeds) != len(want.Feeds) {
		t.Errorf("record %d asks %q with %d feeds, want %q and %d", r.Number, r.Request.Signature.Name, len(r.Request.Feeds), want.Signature, len(want.Feeds))
	}
	for _, feed := range r.Request.Feeds {
		if w, v := want.Feeds[feed.Name], feed.Value; v.DType != w.DType || !slices.Equal(v.Shape, w.Shape) || !w.holds(v) {
			t.Errorf("record %d: %q is %s %v of %x, want %+v", r.Number, feed.Name, v.DType, v.Shape, v.Data, w)
		}
	}
	var fetches []string
	for _, f := range r.Request.Fetches {
		fetches = append(fetches, f.Name)
	}
	if !slices.Equal(fetches, want.Fetches) {
		t.Errorf("record %d fetches %q, want %q", r.Number, fetches, want.Fetches)
	}
}

func (want expectedTensor) holds(v *infer.Tensor) bool {
	if v.DType != infer.String {
		return hex.EncodeToString(v.Data) == want.Data
	}
	for i, s := range want.Strings {
		if i >= v.Len() || hex.EncodeToString(v.Element(i)) != s {
			return false
		}
	}
	return v.Len() == len(want.Strings)
}

// An input that a request leaves out has the default that the signature gives it.
func TestInputsLeftOutHaveTheirDefault(t *testing.T) {
	c := catalog()
	c.Signatures["serving_default"].Defaults = map[string][]byte{"x": append(dtype(infer.Int32), varintField(7, 42)...)}
	got, err := read(t, tfRecords(predictLog()), c, predictionlog.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if v := got[0].Request.Feeds[0].Value; v.DType != infer.Int32 || len(v.Shape) != 0 || !slices.Equal(v.Data, []byte{42, 0, 0, 0}) {
		t.Errorf("fed with %+v", v)
	}
}

func TestModelsWithoutRequests(t *testing.T) {
	if _, err := predictionlog.Open(t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if got, err := read(t, nil, catalog(), predictionlog.Limits{}); err != nil || len(got) > 0 {
		t.Errorf("an empty file: %d records, %v", len(got), err)
	}
}

// The requests are the model's, and opening them must not hang.
func TestOnlyFilesOfTheModelAreOpened(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, place := range map[string]func(path string) error{
		"a link out of the model": func(path string) error { return os.Symlink(outside, path) },
		"a named pipe":            func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"a folder":                func(path string) error { return os.Mkdir(path, 0o700) },
	} {
		dir := model(t, nil)
		path := filepath.Join(dir, predictionlog.Path)
		if err := errors.Join(os.Remove(path), place(path)); err != nil {
			t.Fatal(err)
		}
		if _, err := predictionlog.Open(dir); !errors.Is(err, predictionlog.ErrFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
