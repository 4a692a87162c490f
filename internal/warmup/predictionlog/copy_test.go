package predictionlog_test

import (
	"bytes"
	"maps"
	"os"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/warmup/predictionlog"
)

func copyOf(t *testing.T, content []byte, kept *infer.Catalog) (copied []byte, written, left int) {
	t.Helper()
	file, err := predictionlog.Open(model(t, content))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var to bytes.Buffer
	if written, left, err = file.Copy(t.Context(), &to, catalog(), kept, predictionlog.Limits{}); err != nil {
		t.Fatal(err)
	}
	return to.Bytes(), written, left
}

func TestCopyOfAllRecordsIsTheFile(t *testing.T) {
	content, err := os.ReadFile("testdata/requests.tfrecord")
	if err != nil {
		t.Fatal(err)
	}
	copied, _, left := copyOf(t, content, catalog())
	if !bytes.Equal(copied, content) || left != 0 {
		t.Errorf("%d bytes of %d, %d records left out", len(copied), len(content), left)
	}
}

// Requests of a signature that is dropped would fail the load of a model without it.
func TestCopyLeavesOutRequestsOfDroppedSignatures(t *testing.T) {
	content, err := os.ReadFile("testdata/requests.tfrecord")
	if err != nil {
		t.Fatal(err)
	}
	kept := catalog()
	maps.DeleteFunc(kept.Signatures, func(name string, _ *infer.Signature) bool { return name != "classify" })
	before, err := read(t, content, catalog(), predictionlog.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	copied, written, left := copyOf(t, content, kept)
	if written == 0 || left == 0 || written+left != len(before) {
		t.Fatalf("%d records copied and %d left out of %d", written, left, len(before))
	}
	after, err := read(t, copied, kept, predictionlog.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range after {
		if r.Request != nil && r.Request.Signature.Name != "classify" {
			t.Errorf("record %d asks for %q", r.Number, r.Request.Signature.Name)
		}
	}
}
