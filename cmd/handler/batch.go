package main

import (
	"errors"
	"fmt"

	"github.com/tensorlambda/tensorlambda/internal/batch"
	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/coldstart"
	"github.com/tensorlambda/tensorlambda/internal/libtensorflow"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// streaming are the buffers of a job, 28 MiB: Go's collector lets the heap grow to
// twice that. Parts of 5 MiB, the least that S3 takes, bound an output to 48 GiB.
var streaming = blob.S3Options{
	PartSize: 2 << 20, Concurrency: 4,
	UploadPartSize: 5 << 20, UploadConcurrency: 2,
}

// batchOptions wires batch scoring to the settings, the stores and the model of
// this process. It has no queue.
func batchOptions(cfg config, stores blob.Stores) batch.Options {
	if stores.S3 != nil {
		stores.S3 = stores.S3.WithOptions(streaming)
	}
	return batch.Options{
		Store:  stores,
		Model:  coldstart.Model,
		Output: cfg.Output,
		Format: cfg.Format,
		Join:   cfg.Join,
		Limits: rows.Limits{
			BlockRows: cfg.BatchRows, MaxLine: cfg.MaxLineBytes, MaxTensor: cfg.MaxTensorBytes,
			MaxDepth: cfg.MaxJSONDepth, MaxRatio: cfg.MaxInflateRatio,
		},
		ShardBytes: cfg.ShardBytes,
		Trim:       libtensorflow.NewTrimmer(trimHeadroom).Trim,
		Settings:   answerSettings(cfg),
	}
}

// answerSettings are the settings that shape answers, besides those that package
// batch knows, as text: an output that was made with others is made again.
// MAX_TENSOR_BYTES is not among them, although a row may be over it: its default
// follows the memory that is free, and no two functions would agree.
func answerSettings(cfg config) string {
	return fmt.Sprintf("%q %q %q %q %q %d %d", cfg.Tags, cfg.Signature, cfg.Inputs, cfg.Outputs, cfg.ImageScale.String(), cfg.MaxLineBytes, cfg.MaxJSONDepth)
}

// parseFormat reads the format of outputs.
func parseFormat(s string) (rows.Format, error) {
	switch f := rows.Format(s); f {
	case rows.JSONLines, rows.CSV, rows.Parquet, rows.NPY:
		return f, nil
	}
	return "", fmt.Errorf("%q is none of jsonl, csv, parquet and npy", s)
}

// errJoinNPY is a wish for instances in a format that has no place for them.
// trimHeadroom is how far batches may let the process grow beyond what it was when the
// first of them began.
const trimHeadroom = 112 << 20

var errJoinNPY = errors.New("npy holds one array of answers and no instances: choose another format, or do not join")
