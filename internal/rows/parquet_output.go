package rows

import (
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/parquet-go/parquet-go"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// Row groups end at whichever comes first. They are in memory, compressed, until then.
const (
	groupRows  = 64 << 10
	groupBytes = 32 << 20 // of values
)

// parquetOutput writes Parquet: a column for each input where instances are joined, one
// for each output, and the error. Their types and how deep their lists are follow from
// the signature where it knows the shapes, else from the first rows; rows that do not
// fit are error rows.
type parquetOutput struct {
	sink            io.Writer
	signature       *infer.Signature
	inputs, outputs int // how many columns
	joined          Joined
	declared        parquetColumns // of the inputs; nil where the signature does not know them
	chunks          sync.Pool      // of *parquetChunk

	// What only Write and Close touch.
	instance parquetColumns // nil as long as it is not known
	results  parquetColumns // likewise
	writer   *parquet.GenericWriter[any]
	start    beginning[*parquetChunk]
	rows     int // of the row group
	bytes    int // of their values
}

func newParquetOutput(sink Sink, o OutputOptions) (Output, error) {
	s, err := o.Catalog.Signature("")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOutput, err)
	}
	p := &parquetOutput{sink: sink, signature: s, outputs: len(s.Outputs), chunks: sync.Pool{New: func() any { return new(parquetChunk) }}}
	written := s.Outputs
	p.instance = parquetColumns{}
	if o.Join {
		written = slices.Concat(s.Inputs, s.Outputs)
		p.inputs = len(s.Inputs)
		p.instance = knownColumns(s.Inputs)
		p.declared, p.joined = p.instance, o.Joined
	}
	if err := checkTypes(Parquet, written); err != nil {
		return nil, err
	}
	if n := len(p.joined.further); n > maxFurther {
		return nil, fmt.Errorf("%w: the input has %d further columns, and %d is the most: use csv or jsonl, or do not join", ErrOutput, n, maxFurther)
	}
	p.results = knownColumns(s.Outputs)
	if _, err := newParquetSchema(p.instance, p.results, p.joined); err != nil { // names are known, if nothing else is
		return nil, err
	}
	return p, nil
}

// knownColumns are the columns of infos, nil where a signature does not say enough.
func knownColumns(infos []infer.TensorInfo) parquetColumns {
	columns, known := declaredColumns(infos)
	if !known {
		return nil
	}
	return columns
}

func (o *parquetOutput) Write(c Chunk) (failed int, err error) {
	return o.start.add(o, c.(*parquetChunk))
}

// learn takes columns that are not known yet from the first row that has them.
func (o *parquetOutput) learn(chunk *parquetChunk) (known bool) {
	for i := range chunk.rows {
		row := &chunk.rows[i]
		if o.instance == nil && row.instance != nil {
			o.instance = *row.instance
		}
		if o.results == nil && row.results != nil {
			o.results = *row.results
		}
	}
	return o.instance != nil && o.results != nil
}

// begin starts the file.
func (o *parquetOutput) begin() error {
	schema, err := newParquetSchema(o.instance, o.results, o.joined)
	if err != nil {
		return err
	}
	o.writer = parquet.NewGenericWriter[any](o.sink, schema, parquet.Compression(&parquet.Snappy))
	return nil
}

// write writes a chunk. unfit is how many rows with results did not fit into the
// columns.
func (o *parquetOutput) write(chunk *parquetChunk) (unfit int, err error) {
	defer o.chunks.Put(chunk)
	unfit = o.fit(chunk)
	for i, column := range o.writer.ColumnWriters() {
		values := chunk.columns[i].values
		if len(values) == 0 {
			continue
		}
		if _, err := column.WriteRowValues(values); err != nil {
			return 0, fmt.Errorf("write rows: %w", err)
		}
		o.bytes += valueSize * len(values)
	}
	o.bytes += len(chunk.text)
	if o.rows += len(chunk.rows); o.rows >= groupRows || o.bytes >= groupBytes {
		o.rows, o.bytes = 0, 0
		if err := o.writer.Flush(); err != nil {
			return 0, fmt.Errorf("write rows: %w", err)
		}
	}
	return unfit, nil
}

// fit makes error rows of those that do not fit into the columns, and reports how many
// of them had results.
func (o *parquetOutput) fit(chunk *parquetChunk) (unfit int) {
	var instance, results *parquetColumns // that have been compared
	var reasons [2]error
	misfits := make(map[int][2]error)
	for i, row := range chunk.rows {
		if row.instance != instance && row.instance != nil {
			instance, reasons[0] = row.instance, o.instance.differ(*row.instance)
		}
		if row.results != results && row.results != nil {
			results, reasons[1] = row.results, o.results.differ(*row.results)
		}
		var of [2]error
		if row.instance != nil {
			of[0] = reasons[0]
		}
		if row.results != nil {
			of[1] = reasons[1]
		}
		if of != [2]error{} {
			misfits[i] = of
			if row.results != nil {
				unfit++
			}
		}
	}
	if len(misfits) > 0 {
		o.replace(chunk, misfits)
	}
	return unfit
}

// replace puts nulls in place of the values of rows that do not fit, and the reasons in
// place of their errors.
func (o *parquetOutput) replace(chunk *parquetChunk, misfits map[int][2]error) {
	last, results := len(chunk.columns)-1, o.inputs+len(o.joined.further)
	for c := range chunk.columns {
		column := &chunk.columns[c]
		var values []parquet.Value
		for i := range chunk.rows {
			reason, bad := misfits[i]
			switch {
			case !bad, c < o.inputs && reason[0] == nil, c >= o.inputs && c < results, c == last && chunk.rows[i].results == nil:
				values = append(values, column.row(i)...)
			case c < last:
				values = append(values, parquet.NullValue().Level(0, 0, c))
			default:
				text := message(cmpError(reason[1], reason[0]))
				values = append(values, parquet.ByteArrayValue([]byte(text)).Level(0, 1, c))
			}
		}
		column.values = values
	}
}

// cmpError is the first of two errors that is one.
func cmpError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// Close writes what belongs behind the rows. Without any row that says the columns they
// are those that the signature knows, and scalars.
func (o *parquetOutput) Close() error {
	if !o.start.begun {
		if o.instance == nil {
			o.instance, _ = declaredColumns(o.signature.Inputs)
		}
		if o.results == nil {
			o.results, _ = declaredColumns(o.signature.Outputs)
		}
		if _, err := o.start.begin(o); err != nil {
			return err
		}
	}
	if err := o.writer.Close(); err != nil {
		return fmt.Errorf("write the footer: %w", err)
	}
	return nil
}
