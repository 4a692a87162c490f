package rows

import (
	"errors"
	"fmt"
	"io"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// recordSource is an input whose records are stretches of bytes.
type recordSource interface {
	// next is the next record, nil for one that is over the limit, and io.EOF at the
	// end. Records are not changed afterwards.
	next() ([]byte, error)
	// line is the number of the line, from 1 at the start of the part, in which the last
	// record begins; 0 for records without lines.
	line() int64
	// place is where the record behind the last one begins, and how many bytes of the
	// source have been read for those so far.
	place() (Position, int64)
	io.Closer
}

// recordReader makes blocks of records.
type recordReader struct {
	recordSource
	limits  Limits
	decoder func() Decoder
	joins   Joined // what is known where instances are joined
	first   int64
	err     error // the source's, sticky
}

// maxRoom is for how many records there is room at once, whatever BATCH_ROWS says.
const maxRoom = 4096

func (r *recordReader) joined() Joined { return r.joins }

func (r *recordReader) Decoder() Decoder { return r.decoder() }

func (r *recordReader) Next() (*Block, error) {
	if r.err != nil {
		return nil, r.err
	}
	records := make([][]byte, 0, min(r.limits.BlockRows, maxRoom))
	var lines []int64
	for size := int64(0); len(records) < r.limits.BlockRows && size < r.limits.BlockBytes; {
		record, err := r.next()
		if err != nil {
			r.err = err
			break
		}
		records = append(records, record)
		if line := r.line(); line > 0 {
			if lines == nil {
				lines = make([]int64, 0, cap(records))
			}
			lines = append(lines, line)
		}
		size += int64(len(record))
	}
	if len(records) == 0 {
		return nil, r.err
	}
	b := &Block{First: r.first, N: len(records), records: records, lines: lines}
	b.Next, b.Read = r.place()
	r.first += int64(b.N)
	return b, nil
}

// rowsDecoder decodes records with codec.Rows.
type rowsDecoder struct {
	rows codec.Rows
	err  error // why there are no rows
	// tooLong is the fault of records over the limit.
	tooLong error
	// show is what instances are made of, where they are wanted.
	show func(d *Decoded, records [][]byte)
}

func (d *rowsDecoder) Decode(b *Block) (*Decoded, error) {
	if d.err != nil {
		return nil, d.err
	}
	records := b.records.([][]byte)
	out := &Decoded{N: b.N}
	numbers := make([]int, 0, b.N) // of records in groups; each group has a part of it
	group := 0                     // where the part of the group under way begins
	take := func() error {
		if len(numbers) == group {
			return nil
		}
		req, err := d.rows.Take()
		if err != nil {
			return err
		}
		out.Groups = append(out.Groups, Group{req, numbers[group:len(numbers):len(numbers)]})
		group = len(numbers)
		return nil
	}
	for i, record := range records {
		err := d.tooLong
		if record != nil {
			err = d.rows.Add(record)
		}
		if errors.Is(err, codec.ErrNextBatch) {
			if err := take(); err != nil {
				return nil, err
			}
			err = d.rows.Add(record)
		}
		if err != nil {
			out.Faults = append(out.Faults, Fault{Record: i, Err: err, Feeds: d.readable(record)})
			continue
		}
		numbers = append(numbers, i)
	}
	if err := take(); err != nil {
		return nil, err
	}
	if d.show != nil {
		d.show(out, records)
	}
	return out, nil
}

// readable is what can be read of a record with a fault, nil unless it is to be joined.
func (d *rowsDecoder) readable(record []byte) []infer.Feed {
	if rows, ok := d.rows.(codec.Salvager); ok && d.show != nil && record != nil {
		return rows.Salvage(record)
	}
	return nil
}

// tooLong is the fault of a record over the limit.
func tooLong(l Limits) error {
	return infer.Errorf(infer.ErrTooLarge, "the row has more than %d bytes (MAX_LINE_BYTES)", l.MaxLine)
}

// unreadable is an input of a format that the signature does not take: err, made for
// the owner of the data, says why.
func unreadable(f Format, err error) error {
	return fmt.Errorf("%s input: %w: %w", f, ErrFormat, err)
}

func codecLimits(l Limits) codec.Limits {
	return codec.Limits{MaxTensorBytes: l.MaxTensor, MaxDepth: l.MaxDepth}
}
