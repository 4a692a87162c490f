// Package predictionlog reads the warm-up requests that travel in a SavedModel: a
// TFRecord file of PredictionLog messages, as TensorFlow Serving defines it
// (tensorflow_serving/apis/prediction_log.proto). It makes requests of them and runs
// none.
package predictionlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

const (
	// Path is where a SavedModel has its requests, from its folder on.
	Path = "assets.extra/tf_serving_warmup_requests"
	// MaxRecords is how many TensorFlow Serving takes.
	MaxRecords = 1000
)

// The kinds of failure, besides those of a record's request, which are package
// infer's.
var (
	// ErrFile is a file that cannot be read as records, or has too many of them.
	ErrFile = errors.New("no file of warm-up requests")
	// ErrMalformed is a record that is no PredictionLog.
	ErrMalformed = errors.New("no serialized PredictionLog")
)

// Limits bounds what a file can make its reader do. A zero field means the default.
type Limits struct {
	// MaxRecord is the bytes of one record at most: MAX_LINE_BYTES. 0 means 64 MiB.
	MaxRecord int64
	// MaxTensor is the bytes of all tensors of one request, MAX_TENSOR_BYTES; an
	// element of a string tensor counts its bytes and infer.StringOverhead. 0 means
	// 256 MiB.
	MaxTensor int64
}

func (l Limits) withDefaults() Limits {
	if l.MaxRecord <= 0 {
		l.MaxRecord = 64 << 20
	}
	if l.MaxTensor <= 0 {
		l.MaxTensor = 256 << 20
	}
	return l
}

// Record is one record of the file as a request.
type Record struct {
	Number int    // from 1
	Kind   string // the field of PredictionLog: "predict_log"; empty where none is known
	// Request asks for what the record asks for. It is nil for a record that does
	// not apply here, and then Skipped says why.
	Request *infer.Request
	Skipped string
}

// File is an open file of warm-up requests. It is for one goroutine.
type File struct {
	file *os.File
	size int64
}

// Open opens the file of a SavedModel. The error is fs.ErrNotExist where the model has
// none, and ErrFile where it is a link out of the model's folder or no regular file.
func Open(dir string) (*File, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	// Looked at before it is opened: opening a named pipe waits for its writer.
	info, err := root.Stat(Path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("it is a %s", info.Mode().Type())
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", Path, ErrFile, err)
	}
	file, err := root.Open(Path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", Path, ErrFile, err)
	}
	return &File{file, info.Size()}, nil
}

// Close closes the file. Records stay valid.
func (f *File) Close() error { return f.file.Close() }

// Records yields the records in their order, decoded against c. It ends with an
// error, together with the record that is at fault: ErrFile, ErrMalformed, or an
// *infer.Error for a request that c does not take or that is over the limits. A record
// is in memory for as long as its request is.
func (f *File) Records(ctx context.Context, c *infer.Catalog, l Limits) iter.Seq2[Record, error] {
	l = l.withDefaults()
	return func(yield func(Record, error) bool) {
		number := 0
		for serialized, err := range f.serialized(ctx, l.MaxRecord) {
			number++
			r := Record{Number: number}
			if err == nil && number > MaxRecords {
				err = fmt.Errorf("%w: it has more than %d records", ErrFile, MaxRecords)
			}
			if err == nil {
				d := decoder{catalog: c, budget: budget{l.MaxTensor, l.MaxTensor}}
				err = d.record(serialized, &r)
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// section reads from from up to but without to.
func (f *File) section(_ context.Context, from, to int64) (io.ReadCloser, error) {
	return io.NopCloser(io.NewSectionReader(f.file, from, to-from)), nil
}
