package predictionlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// serializedRecords is a signature that takes records as they are, as rows reads those
// of a TFRecord file for signatures that take serialized examples.
var serializedRecords = &infer.Catalog{Default: "records", Signatures: map[string]*infer.Signature{
	"records": {Name: "records", Inputs: []infer.TensorInfo{{Name: "record", DType: infer.String, Shape: infer.Shape{-1}}}},
}}

// serialized yields the records of the file, each in memory of its own. An error is
// ErrFile, or an *infer.Error for a record over the limit, and the last.
func (f *File) serialized(ctx context.Context, maxRecord int64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		reader, err := rows.Open(ctx, rows.Source{Size: f.size, Open: f.section}, rows.Options{
			Encoding: rows.Encoding{Format: rows.TFRecord},
			Catalog:  serializedRecords,
			// One record a block: the next is not read while a request runs.
			Limits: rows.Limits{BlockRows: 1, MaxLine: maxRecord, MaxTensor: maxRecord + infer.StringOverhead},
		})
		if err != nil {
			yield(nil, fmt.Errorf("%w: %w", ErrFile, err))
			return
		}
		defer reader.Close()
		var decoder rows.Decoder
		for {
			block, err := reader.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if decoder == nil {
				decoder = reader.Decoder()
			}
			record, err := one(decoder, block, err)
			if !yield(record, err) || err != nil {
				return
			}
		}
	}
}

// one is the record of a block.
func one(decoder rows.Decoder, block *rows.Block, err error) ([]byte, error) {
	var decoded *rows.Decoded
	if err == nil {
		decoded, err = decoder.Decode(block)
	}
	if err != nil {
		return nil, fmt.Errorf("%w, check that it is in TFRecord format: %w", ErrFile, err)
	}
	if len(decoded.Faults) > 0 {
		return nil, decoded.Faults[0].Err
	}
	return decoded.Groups[0].Feeds[0].Value.Element(0), nil
}
