package rows

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/tensorlambda/tensorlambda/internal/codec"
)

// lineRecords are the lines of a text that are not blank.
type lineRecords struct {
	*stream
	text *splitter
}

func (l *lineRecords) next() ([]byte, error) {
	for {
		line, err := l.text.next()
		if err != nil || line == nil || line[0] > ' ' || len(bytes.TrimLeft(line, " \t\r\n")) > 0 {
			return line, err
		}
	}
}

func (l *lineRecords) line() int64 { return l.text.line }

func (l *lineRecords) place() (Position, int64) { return l.stream.place(l.text.offset()) }

// openLines reads JSON lines. A part that does not begin where a line does begins with
// the next one.
func openLines(ctx context.Context, src Source, o Options) (Reader, error) {
	if _, err := codec.NewJSONRows(o.Catalog, codecLimits(o.Limits)); err != nil {
		return nil, unreadable(JSONLines, err)
	}
	from, to := o.Part.From.Offset, o.Part.To.Offset
	if from > 0 {
		from-- // if a line feed is here, a line begins at From
	}
	s, err := openStream(ctx, src, o, from, to)
	if err != nil {
		return nil, err
	}
	lines := newSplitter(s, new(lineEnding), from, to, o.Limits)
	var further jsonFurther
	if o.Join {
		first, err := firstLine(ctx, src, o)
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		further = *newJSONFurther(o, first)
	}
	r := &recordReader{recordSource: &lineRecords{s, lines}, limits: o.Limits, decoder: jsonDecoder(o, &further), joins: Joined{further: further.columns}}
	if o.Part.From.Offset > 0 {
		if err := lines.skipLine(to); err != nil && !errors.Is(err, io.EOF) {
			return nil, errors.Join(err, s.Close())
		}
	}
	return r, nil
}

// jsonDecoder makes decoders of records that are JSON values.
func jsonDecoder(o Options, further *jsonFurther) func() Decoder {
	return func() Decoder {
		d := &rowsDecoder{tooLong: tooLong(o.Limits)}
		if d.rows, d.err = codec.NewJSONRows(o.Catalog, codecLimits(o.Limits)); d.err != nil {
			d.err = unreadable(o.Encoding.Format, d.err)
		}
		if o.Join {
			d.show = further.show
		}
		return d
	}
}
