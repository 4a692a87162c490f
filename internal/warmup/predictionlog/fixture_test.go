package predictionlog_test

import (
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/warmup/predictionlog"
)

// catalog has the signatures that testdata/make.py asks for.
func catalog() *infer.Catalog {
	examples := []infer.TensorInfo{{Name: "inputs", Tensor: "examples:0", DType: infer.String, Shape: infer.Shape{-1}}}
	return &infer.Catalog{
		Default: "regress", // MODEL_SIGNATURE, which the records know nothing of
		Signatures: map[string]*infer.Signature{
			"serving_default": {
				Name:    "serving_default",
				Inputs:  []infer.TensorInfo{{Name: "x", Tensor: "in:0"}},
				Outputs: []infer.TensorInfo{{Name: "y", Tensor: "out:0"}, {Name: "z", Tensor: "out:1"}},
			},
			"classify": {
				Name: "classify", Inputs: examples,
				Outputs: []infer.TensorInfo{{Name: "classes", Tensor: "classes:0"}, {Name: "scores", Tensor: "scores:0"}},
			},
			"regress": {Name: "regress", Inputs: examples, Outputs: []infer.TensorInfo{{Name: "outputs", Tensor: "outputs:0"}}},
		},
	}
}

// model is the folder of a SavedModel with warm-up requests.
func model(t testing.TB, content []byte) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, predictionlog.Path)
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// read reads all records up to an error.
func read(t testing.TB, content []byte, c *infer.Catalog, l predictionlog.Limits) ([]predictionlog.Record, error) {
	t.Helper()
	file, err := predictionlog.Open(model(t, content))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var all []predictionlog.Record
	for r, err := range file.Records(t.Context(), c, l) {
		if err != nil {
			return append(all, r), err
		}
		all = append(all, r)
	}
	return all, nil
}

// tfRecords are records as a TFRecord file has them.
func tfRecords(records ...[]byte) []byte {
	var b []byte
	for _, r := range records {
		length := binary.LittleEndian.AppendUint64(nil, uint64(len(r)))
		b = append(b, length...)
		b = binary.LittleEndian.AppendUint32(b, masked(length))
		b = append(b, r...)
		b = binary.LittleEndian.AppendUint32(b, masked(r))
	}
	return b
}

func masked(b []byte) uint32 {
	sum := crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
	return (sum>>15 | sum<<17) + 0xa282ead8
}

// bytesField is a string, bytes or message field; parts are put together.
func bytesField(n protowire.Number, parts ...[]byte) []byte {
	var content []byte
	for _, p := range parts {
		content = append(content, p...)
	}
	return protowire.AppendBytes(protowire.AppendTag(nil, n, protowire.BytesType), content)
}

func varintField(n protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, n, protowire.VarintType), v)
}

// predictLog is a PredictionLog with a PredictRequest that has these fields.
func predictLog(request ...[]byte) []byte { return bytesField(6, bytesField(1, request...)) }

// input is an entry of a PredictRequest's inputs.
func input(alias string, tensor ...[]byte) []byte {
	return bytesField(2, bytesField(1, []byte(alias)), bytesField(2, tensor...))
}

func dtype(d infer.DType) []byte { return varintField(1, uint64(d)) }

func shape(sizes ...int64) []byte {
	var dims [][]byte
	for _, size := range sizes {
		dims = append(dims, bytesField(2, varintField(1, uint64(size))))
	}
	return bytesField(2, dims...)
}
