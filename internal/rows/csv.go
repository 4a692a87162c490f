package rows

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// csvRecords are the records of a CSV that are no blank lines.
type csvRecords struct {
	*stream
	text  *splitter
	first []byte // a row that has been read already
}

func (c *csvRecords) next() ([]byte, error) {
	if record := c.first; record != nil {
		c.first = nil
		return record, nil
	}
	for {
		record, err := c.text.next()
		if err != nil || record == nil || len(content(record)) > 0 {
			return record, err
		}
	}
}

// line is right for first too, behind which nothing has been read then.
func (c *csvRecords) line() int64 { return c.text.line }

func (c *csvRecords) place() (Position, int64) { return c.stream.place(c.text.offset()) }

// openCSV reads CSV. The first record of the object says what the columns are, for parts
// of it too.
func openCSV(ctx context.Context, src Source, o Options) (Reader, error) {
	records, err := openRecords(ctx, src, o, o.Part.From.Offset, o.Part.To.Offset)
	if err != nil {
		return nil, err
	}
	first, err := firstRecord(ctx, src, o, records)
	if err == nil {
		var layout *codec.CSVLayout
		var header bool
		layout, header, err = codec.NewCSVLayout(o.Catalog, first, o.Header, codecLimits(o.Limits))
		if err == nil {
			if !header && o.Part.From.Offset == 0 {
				records.first = first
				warnOfText(o)
			}
			shown := newCSVInstances(o, layout, header)
			return &recordReader{recordSource: records, limits: o.Limits, decoder: csvDecoder(o, layout, shown), joins: shown.joined(o)}, nil
		}
		err = unreadable(CSV, err)
	}
	if errors.Is(err, io.EOF) { // no record, so nobody needs to know the columns
		return &recordReader{recordSource: records, limits: o.Limits, err: io.EOF, decoder: func() Decoder { return &rowsDecoder{} }}, nil
	}
	return nil, errors.Join(err, records.Close())
}

// warnOfText warns of a first line that nothing tells from a header with a wrong name:
// of numbers it would be an error row, but as a string anything is right.
func warnOfText(o Options) {
	sig, err := o.Catalog.Signature("")
	if err != nil || len(sig.Inputs) != 1 || sig.Inputs[0].DType != infer.String || o.Header != "" || o.Warn == nil {
		return
	}
	o.Warn(fmt.Sprintf("the first line of the CSV does not name the input %q and is scored as a row; if it is a header, give the column that name", sig.Inputs[0].Name))
}

func openRecords(ctx context.Context, src Source, o Options, from, to int64) (*csvRecords, error) {
	s, err := openStream(ctx, src, o, from, to)
	if err != nil {
		return nil, err
	}
	return &csvRecords{stream: s, text: newSplitter(s, new(csvEnding), from, to, o.Limits)}, nil
}

// firstRecord is the first record of the object, taken from records where these begin
// there. io.EOF means that there is none.
func firstRecord(ctx context.Context, src Source, o Options, records *csvRecords) ([]byte, error) {
	if o.Part.From.Offset > 0 {
		var err error
		if records, err = openRecords(ctx, src, o, 0, firstStep); err != nil {
			return nil, err
		}
		defer records.Close()
	}
	first, err := records.next()
	if err == nil && first == nil {
		err = fmt.Errorf("the first line of the CSV has more than %d bytes (MAX_LINE_BYTES): %w", o.Limits.MaxLine, ErrTooLarge)
	}
	return first, err
}

func csvDecoder(o Options, layout *codec.CSVLayout, shown *csvInstances) func() Decoder {
	return func() Decoder {
		d := &rowsDecoder{rows: layout.Rows(), tooLong: tooLong(o.Limits)}
		if o.Join {
			d.show = shown.show
		}
		return d
	}
}
