package predictionlog_test

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/warmup/predictionlog"
)

// good is a record that can be replayed.
func good() []byte { return predictLog(input("x", dtype(infer.Float), shape(1))) }

func TestDamagedFilesNameTheRecord(t *testing.T) {
	two := tfRecords(good(), good())
	first := len(two) / 2
	changed := func(at int) []byte {
		b := slices.Clone(two)
		b[at] ^= 1
		return b
	}
	for _, tt := range []struct {
		name    string
		content []byte
		record  int
		kind    error
		message string
	}{
		{"ends inside a length", two[:first+4], 2, predictionlog.ErrFile, "inside record 2"},
		{"ends inside a record", two[:first+20], 2, predictionlog.ErrFile, "inside record 2"},
		{"ends inside a checksum", two[:len(two)-1], 2, predictionlog.ErrFile, "inside record 2"},
		{"a wrong checksum of a length", changed(first + 9), 2, predictionlog.ErrFile, "record 2 at byte"},
		{"a wrong checksum of data", changed(len(two) - 1), 2, predictionlog.ErrFile, "record 2"},
		{"no TFRecord", []byte("this is no TFRecord"), 1, predictionlog.ErrFile, "TFRecord format"},
		{"no message", tfRecords(good(), []byte("no message")), 2, predictionlog.ErrMalformed, ""},
		{"no request", tfRecords(bytesField(6, []byte{0x0a, 0xff})), 1, predictionlog.ErrMalformed, ""},
		{"no tensor", tfRecords(predictLog(input("x", []byte{0x80}))), 1, predictionlog.ErrMalformed, ""},
		{"1001 records", bytes.Repeat(tfRecords(good()), 1001), 1001, predictionlog.ErrFile, "more than 1000 records"},
	} {
		got, err := read(t, tt.content, catalog(), predictionlog.Limits{})
		if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.message) || len(got) != tt.record || got[len(got)-1].Number != tt.record {
			t.Errorf("%s: after %d records %v", tt.name, len(got), err)
		}
	}
}

func TestAThousandRecordsAreRead(t *testing.T) {
	got, err := read(t, bytes.Repeat(tfRecords(good()), predictionlog.MaxRecords), catalog(), predictionlog.Limits{})
	if err != nil || len(got) != predictionlog.MaxRecords {
		t.Errorf("%d records, %v", len(got), err)
	}
}

func TestRequestsThatTheModelDoesNotTake(t *testing.T) {
	spec := func(signature string) []byte { return bytesField(1, bytesField(3, []byte(signature))) }
	task := func(signature, method string) []byte {
		return bytesField(1, spec(signature), bytesField(2, []byte(method)))
	}
	examples := func(n int) []byte { return bytesField(2, bytesField(1, bytes.Repeat(bytesField(1), n))) }
	const regress, classify = "tensorflow/serving/regress", "tensorflow/serving/classify"
	for name, record := range map[string][]byte{
		"an unknown signature":           predictLog(spec("nope"), input("x", dtype(infer.Float), shape(1))),
		"an unknown input":               predictLog(input("x", dtype(infer.Float)), input("w", dtype(infer.Float))),
		"a missing input":                predictLog(),
		"an unknown output":              predictLog(input("x", dtype(infer.Float)), bytesField(3, []byte("w"))),
		"no examples":                    bytesField(3, bytesField(1, spec("regress"), examples(0))),
		"examples for another signature": bytesField(3, bytesField(1, spec("classify"), examples(1))),
		"an unknown signature, regress":  bytesField(3, bytesField(1, spec("nope"), examples(1))),
		"a multi-inference of no tasks":  bytesField(4, bytesField(1, examples(1))),
		"a method that is not known":     bytesField(4, bytesField(1, task("regress", "tensorflow/serving/predict"), examples(1))),
		"tasks without examples":         bytesField(4, bytesField(1, task("regress", regress), task("classify", classify))),
		"content of another length":      predictLog(input("x", dtype(infer.Float), shape(2), bytesField(4, make([]byte, 7)))),
		"strings longer than content":    predictLog(input("x", dtype(infer.String), shape(2), bytesField(4, []byte{1, 9, 'a'}))),
		"content behind the strings":     predictLog(input("x", dtype(infer.String), shape(1), bytesField(4, []byte{1, 'a', 'b'}))),
		"a negative dimension":           predictLog(input("x", dtype(infer.Float), shape(-1))),
		"an unknown rank":                predictLog(input("x", dtype(infer.Float), bytesField(2, varintField(3, 1)))),
		"too many dimensions":            predictLog(input("x", dtype(infer.Float), shape(slices.Repeat([]int64{1}, infer.MaxRank+1)...))),
		"a resource":                     predictLog(input("x", dtype(infer.Resource), shape(1))),
		"a type that is none":            predictLog(input("x", dtype(99), shape(1))),
		"no type":                        predictLog(input("x", shape(1))),
	} {
		var refused *infer.Error
		if _, err := read(t, tfRecords(record), catalog(), predictionlog.Limits{}); !errors.As(err, &refused) || errors.Is(err, infer.ErrInternal) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A few bytes can declare terabytes: the limit holds before memory is asked for.
func TestTensorsAreHeldToTheLimit(t *testing.T) {
	const limit = 1 << 10
	value := func(s string) []byte { return bytesField(8, []byte(s)) }
	long := strings.Repeat("s", 100)
	withContext := bytesField(2, bytesField(2, bytes.Repeat(bytesField(1), 20), bytesField(2, bytesField(1, make([]byte, 100)))))
	for name, record := range map[string][]byte{
		"a million million floats":          predictLog(input("x", dtype(infer.Float), shape(1<<40))),
		"dimensions whose product wraps":    predictLog(input("x", dtype(infer.Float), shape(1<<32, 1<<32))),
		"a size that a zero hides":          predictLog(input("x", dtype(infer.Float), shape(1<<40, 0))),
		"strings":                           predictLog(input("x", dtype(infer.String), shape(1<<40))),
		"a string that stands for many":     predictLog(input("x", dtype(infer.String), shape(20), value(long))),
		"content":                           predictLog(input("x", dtype(infer.Float), shape(257), bytesField(4, make([]byte, 4*257)))),
		"a long string":                     predictLog(input("x", dtype(infer.String), shape(1), value(strings.Repeat(long, 11)))),
		"a context that is repeated":        bytesField(3, bytesField(1, bytesField(1, bytesField(3, []byte("regress"))), withContext)),
		"an element when nothing is left":   predictLog(input("a", dtype(infer.Uint8), shape(limit)), input("x", dtype(infer.Uint8), shape(1))),
		"two inputs that each are within":   predictLog(input("a", dtype(infer.Uint8), shape(limit-8)), input("x", dtype(infer.Uint8), shape(9))),
		"a record, which has its own limit": append(good(), bytesField(1, make([]byte, 1<<16))...),
	} {
		c := catalog()
		if bytes.Contains(record, []byte("\x0a\x01a")) { // for the requests with an input a
			s := c.Signatures["serving_default"]
			s.Inputs = append([]infer.TensorInfo{{Name: "a", Tensor: "a:0"}}, s.Inputs...)
		}
		_, err := read(t, tfRecords(record), c, predictionlog.Limits{MaxTensor: limit, MaxRecord: 1 << 15})
		if !errors.Is(err, infer.ErrTooLarge) && name != "dimensions whose product wraps" || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	whole := predictLog(input("x", dtype(infer.Uint8), shape(limit)))
	if _, err := read(t, tfRecords(whole), catalog(), predictionlog.Limits{MaxTensor: limit}); err != nil {
		t.Errorf("a tensor that just fits: %v", err)
	}
}

// What protobuf merges or overrides counts as it does there.
func TestFieldsThatOccurTwice(t *testing.T) {
	float := dtype(infer.Float)
	for name, tt := range map[string]struct {
		record []byte
		shape  []int64
	}{
		"an input":              {predictLog(input("x", float, shape(3)), input("x", float, shape(5))), []int64{5}},
		"a shape":               {predictLog(input("x", float, shape(3), shape(5))), []int64{3, 5}},
		"a log":                 {append(predictLog(bytesField(1)), good()...), []int64{1}},
		"a log of another kind": {append(bytesField(3, bytesField(1)), good()...), []int64{1}},
		"a request":             {bytesField(6, bytesField(1, bytesField(1)), bytesField(1, input("x", float, shape(7)))), []int64{7}},
	} {
		got, err := read(t, tfRecords(tt.record), catalog(), predictionlog.Limits{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if v := got[0].Request.Feeds[0].Value; !slices.Equal(v.Shape, tt.shape) {
			t.Errorf("%s: shape %v, want %v", name, v.Shape, tt.shape)
		}
	}
}

// Whatever a record holds, reading it ends, and its tensors are within the limit.
func FuzzRecord(f *testing.F) {
	content, err := os.ReadFile("testdata/requests.tfrecord")
	if err != nil {
		f.Fatal(err)
	}
	for rest := content; len(rest) > 12; {
		size := int(rest[0]) | int(rest[1])<<8
		f.Add(rest[12 : 12+size])
		rest = rest[12+size+4:]
	}
	const limit = 1 << 16
	f.Fuzz(func(t *testing.T, record []byte) {
		got, err := read(t, tfRecords(record), catalog(), predictionlog.Limits{MaxTensor: limit})
		if err != nil || got[0].Request == nil {
			return
		}
		total := 0
		for _, feed := range got[0].Request.Feeds {
			total += len(feed.Value.Data)
			if n, err := infer.Elements(feed.Value.Shape); err != nil || n != int64(feed.Value.Len()) {
				t.Errorf("shape %v, %d elements", feed.Value.Shape, feed.Value.Len())
			}
		}
		if total > limit {
			t.Errorf("%d bytes of tensors", total)
		}
	})
}
