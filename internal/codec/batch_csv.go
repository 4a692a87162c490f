package codec

import (
	"bytes"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// Rows makes Rows of CSV records. Fields in quotation marks are those of
// encoding/csv.
func (l *CSVLayout) Rows() Rows {
	b := &csvBatch{batch: batch{plain: l.plain}, reader: csvRows{CSVLayout: l}}
	b.begin()
	return b
}

// csvBatch collects rows of CSV.
type csvBatch struct {
	batch
	reader csvRows // into batch.in
	quoted quotedCSV
}

func (b *csvBatch) begin() {
	b.batch.begin(b.reader.newInputs())
	b.reader.in = b.in
}

func (b *csvBatch) Add(record []byte) error {
	b.mark()
	if b.Len() == 0 {
		b.reader.expectRow(len(record))
	}
	return b.settle(len(record), b.row(record))
}

func (b *csvBatch) row(text []byte) error {
	record := batchRecord(text)
	if !record.quoted {
		return b.reader.row(&record)
	}
	if err := b.split(text, &record); err != nil {
		return err
	}
	return b.reader.place(&record)
}

// split sets the reader's fields to those of record, which is text with quotation
// marks. A field takes 40 bytes in encoding/csv, so what has many commas is counted
// first: most of them should be inside the marks.
func (b *csvBatch) split(text []byte, record *csvRecord) error {
	if bytes.Count(text, comma) >= b.reader.columns+spareFields {
		if n, err := record.count(); err != nil || n != b.reader.columns {
			return b.reader.ragged(record)
		}
	}
	fields, err := b.quoted.split(text)
	if err != nil {
		if _, err := record.count(); err != nil {
			return err // the same, with the column
		}
		return invalid("CSV: %s", err)
	}
	if len(fields) != b.reader.columns {
		return b.reader.ragged(record)
	}
	b.reader.fields = b.reader.fields[:0]
	for _, field := range fields {
		b.reader.fields = append(b.reader.fields, bytesOf(field))
	}
	return nil
}

func (b *csvBatch) Take() (*infer.Request, error) {
	req, err := b.take()
	b.begin()
	return req, err
}
