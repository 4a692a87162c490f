package batch

import (
	"context"
	"errors"
	"slices"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// predict asks the model about the records of a block. An error is about the model
// or the invocation; what is wrong with a record is in its row.
func (p *pipeline) predict(ctx context.Context, decoded *rows.Decoded) (*rows.Outcome, error) {
	outcome := &rows.Outcome{Decoded: decoded, Rows: make([]rows.Row, decoded.N)}
	for _, fault := range decoded.Faults {
		outcome.Rows[fault.Record] = rows.Row{Err: fault.Err, Feeds: fault.Feeds}
	}
	for _, group := range decoded.Groups {
		ask := p.group
		if group.Whole {
			ask = p.whole
		}
		if err := ask(ctx, group.Request, group.Records, outcome.Rows); err != nil {
			return nil, err
		}
	}
	return outcome, nil
}

// group runs a request over several records. One that fails is halved until the
// records that fail are alone: a bad one among n costs 2·log2(n) runs.
func (p *pipeline) group(ctx context.Context, request *infer.Request, records []int, out []rows.Row) error {
	p.runs.Add(1)
	p.ran.Add(int64(len(records)))
	results, err := p.model.Predict(ctx, request)
	if err == nil {
		err = checkRows(results, len(records))
	}
	switch {
	case err == nil:
		for i, record := range records {
			out[record] = rows.Row{Results: results, Feeds: request.Feeds, Index: i}
		}
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, infer.ErrUnavailable):
		return err
	case len(records) == 1:
		out[records[0]] = rows.Row{Feeds: request.Feeds, Err: p.told(err)}
		return nil
	}
	half := len(records) / 2
	if err := p.group(ctx, slice(request, 0, half), records[:half], out); err != nil {
		return err
	}
	return p.group(ctx, slice(request, half, len(records)), records[half:], out)
}

// whole runs a request that is one record as a whole. Outputs get its feeds and results as
// those of one row.
func (p *pipeline) whole(ctx context.Context, request *infer.Request, records []int, out []rows.Row) error {
	p.runs.Add(1)
	p.ran.Add(1)
	row := rows.Row{Feeds: slices.Clone(request.Feeds)}
	for i := range row.Feeds {
		row.Feeds[i].Value = asRow(row.Feeds[i].Value)
	}
	results, err := p.model.Predict(ctx, request)
	switch {
	case err == nil:
		for i := range results {
			results[i].Value = asRow(results[i].Value)
		}
		row.Results = results
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, infer.ErrUnavailable):
		return err
	default:
		row.Err = p.told(err)
	}
	out[records[0]] = row
	return nil
}

// asRow is t as the only row of a tensor.
func asRow(t *infer.Tensor) *infer.Tensor {
	row := &infer.Tensor{DType: t.DType, Shape: append([]int64{1}, t.Shape...), Data: t.Data, Offsets: t.Offsets, Prefix: t.Prefix}
	return row.OwnedBy(t)
}

// checkRows checks that every output has one row for each of n records.
func checkRows(results []infer.Result, n int) error {
	for _, r := range results {
		if shape := r.Value.Shape; len(shape) == 0 || shape[0] != int64(n) {
			return infer.Errorf(infer.ErrInvalidArgument, "output %q has shape %s, which has no row for each of %d instances",
				r.Name, infer.FormatShape(shape), n)
		}
	}
	return nil
}

// told is an error as the owner of the data sees it.
func (p *pipeline) told(err error) error {
	if public, ok := errors.AsType[*infer.Error](err); ok {
		return public
	}
	p.s.o.Logger.Error("row", "input", p.in.object.URI.String(), "error", err)
	return infer.Errorf(infer.ErrInternal, "internal error: the reason is in the log of the function")
}

// slice is rows [from, to) of a request, over the same memory.
func slice(request *infer.Request, from, to int) *infer.Request {
	part := *request
	part.Feeds = slices.Clone(request.Feeds)
	for i := range part.Feeds {
		part.Feeds[i].Value = sliceTensor(part.Feeds[i].Value, from, to)
	}
	return &part
}

// sliceTensor is rows [from, to) of a tensor whose first dimension is theirs.
func sliceTensor(t *infer.Tensor, from, to int) *infer.Tensor {
	shape := slices.Clone(t.Shape)
	size := t.Len() / int(shape[0])
	shape[0] = int64(to - from)
	part := &infer.Tensor{DType: t.DType, Shape: shape, Data: t.Data, Prefix: t.Prefix}
	if t.DType == infer.String {
		part.Offsets = t.Offsets[from*size : to*size+1]
	} else {
		bytes := size * t.DType.Size()
		part.Data = t.Data[from*bytes : to*bytes]
	}
	return part.OwnedBy(t)
}
