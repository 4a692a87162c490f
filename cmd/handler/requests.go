package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/warmup"
	"github.com/tensorlambda/tensorlambda/internal/warmup/predictionlog"
)

func warmUpLimits(cfg config) predictionlog.Limits {
	return predictionlog.Limits{MaxRecord: cfg.MaxLineBytes, MaxTensor: cfg.MaxTensorBytes}
}

// ownRequests are the warm-up requests of a model that is being packed.
type ownRequests struct {
	dir    string // of the original
	limits predictionlog.Limits
}

// copy writes the requests that the packed model in folder takes there, in the place of
// the file that came along, and reports whether that is gone since none is left: with no
// requests of its own a model is warmed up on zeros, with an empty file it is not.
func (o ownRequests) copy(ctx context.Context, folder string, all, kept *infer.Catalog) (gone bool, err error) {
	from, err := predictionlog.Open(o.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer from.Close()
	path := filepath.Join(folder, filepath.FromSlash(predictionlog.Path))
	to, err := os.Create(path)
	if err != nil {
		return false, err
	}
	written, left, err := from.Copy(ctx, to, all, kept, o.limits)
	if err = errors.Join(err, to.Close()); err != nil {
		return false, fmt.Errorf("warm-up requests: %w", err)
	}
	if written > 0 || left == 0 {
		return false, nil
	}
	return true, os.Remove(path)
}

// all are the requests in folder, as the packed model takes them.
func (o ownRequests) all(ctx context.Context, c *infer.Catalog, folder string) iter.Seq2[*infer.Request, error] {
	return func(yield func(*infer.Request, error) bool) {
		file, err := predictionlog.Open(folder)
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		if err != nil {
			yield(nil, err)
			return
		}
		defer file.Close()
		for record, err := range file.Records(ctx, c, o.limits) {
			if err != nil {
				yield(nil, fmt.Errorf("%w: %w", warmup.ErrRequest, err))
				return
			}
			if record.Request != nil && !yield(record.Request, nil) {
				return
			}
		}
	}
}
