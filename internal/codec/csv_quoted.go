package codec

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"unsafe"
)

// spareFields is how many commas inside quotation marks a record may have before its
// fields are counted.
const spareFields = 4096

// quotedCSV splits single records by encoding/csv. One csv.Reader serves them all: it
// keeps nothing between records but its buffers, and what it would read ahead lies
// in a bufio.Reader of ours, which can be reset.
type quotedCSV struct {
	text   bytes.Reader
	ahead  *bufio.Reader
	reader *csv.Reader
}

// split is the fields of a record, up to the next call.
func (q *quotedCSV) split(record []byte) ([]string, error) {
	if q.reader == nil {
		q.ahead = bufio.NewReader(nil)
		q.reader = csv.NewReader(q.ahead) // uses it as it is
		q.reader.ReuseRecord = true
		q.reader.FieldsPerRecord = -1
	}
	q.text.Reset(record)
	q.ahead.Reset(&q.text)
	start := q.reader.InputOffset()
	fields, err := q.reader.Read()
	read := q.reader.InputOffset() - start
	q.text.Reset(nil)
	if len(record) > spareText {
		q.reader = nil // its buffers are as large
	}
	if err == nil && read != int64(len(record)) {
		err = errSeveral
	}
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		err = parse.Err // where in the record, the lines of the file would not tell
	}
	return fields, err
}

var errSeveral = errors.New("a line ends outside quotation marks")

// bytesOf is s as bytes that nobody changes.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
