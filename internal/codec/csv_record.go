package codec

import (
	"bytes"
	"fmt"
	"strconv"
)

// csvLines splits CSV into records. A line feed inside quotation marks is part of
// a field, so a record may take several lines.
//
// encoding/csv would make a string of each field before it is looked at, which
// takes 24 bytes a column: too much for a body of nothing but commas.
type csvLines struct {
	s    []byte
	line int // that s begins with
}

// next is the next record that is no blank line.
func (l *csvLines) next() (record csvRecord, ok bool) {
	for len(l.s) > 0 {
		n, breaks, quoted := recordLength(l.s)
		record = csvRecord{text: l.s[:n], quoted: quoted, line: l.line}
		l.s = l.s[n:]
		l.line += breaks
		record.text = bytes.TrimSuffix(record.text, []byte{'\n'})
		record.text = bytes.TrimSuffix(record.text, []byte{'\r'})
		if len(record.text) > 0 {
			return record, true
		}
	}
	return csvRecord{}, false
}

// countLines is the number of lines of s, with or without a line feed at the end.
func countLines(s []byte) int {
	n := bytes.Count(s, []byte{'\n'})
	if len(s) > 0 && s[len(s)-1] != '\n' {
		n++
	}
	return n
}

// recordLength is the length of the record that s begins with, its line feeds
// included, how many these are, and whether there are quotation marks in it. The
// record ends with the first line feed that an even number of them precedes.
func recordLength(s []byte) (n, breaks int, quoted bool) {
	quotes := 0
	for n < len(s) {
		line := len(s) - n
		if k := bytes.IndexByte(s[n:], '\n'); k >= 0 {
			line = k + 1
			breaks++
		}
		quotes += bytes.Count(s[n:n+line], []byte{'"'})
		n += line
		if quotes%2 == 0 {
			break
		}
	}
	return n, breaks, quotes > 0
}

// csvRecord is a record and how far it has been read.
type csvRecord struct {
	text   []byte // without the end of its last line
	quoted bool   // there are quotation marks in text
	line   int    // 0 where only the caller knows
	i      int
	done   bool // the last field has been read
}

// count is how many fields the record has. It does not move.
func (r csvRecord) count() (int, error) {
	if !r.quoted {
		return 1 + bytes.Count(r.text, []byte{','}), nil
	}
	for n := 0; ; n++ {
		if r.done {
			return n, nil
		}
		if _, err := r.field(); err != nil {
			return n, invalid("CSV %s: %s", r.place(n), err)
		}
	}
}

// place is where a column of the record is, as messages say it.
func (r *csvRecord) place(column int) string {
	if r.line == 0 {
		return "column " + strconv.Itoa(column+1)
	}
	return fmt.Sprintf("line %d, column %d", r.line, column+1)
}

// field reads the next field, of which there must be one more. It aliases the
// record unless it holds quotation marks.
func (r *csvRecord) field() ([]byte, error) {
	rest := r.text[r.i:]
	if len(rest) > 0 && rest[0] == '"' {
		return r.quotedField()
	}
	n := bytes.IndexByte(rest, ',')
	r.done = n < 0
	if r.done {
		n = len(rest)
	}
	r.i += n + 1
	if r.quoted && bytes.IndexByte(rest[:n], '"') >= 0 {
		return nil, invalid("a quotation mark in a field that does not begin with one")
	}
	return rest[:n], nil
}

func (r *csvRecord) quotedField() ([]byte, error) {
	var escaped []byte // what precedes start, where marks have been taken out
	start := r.i + 1
	for i := start; ; {
		n := bytes.IndexByte(r.text[i:], '"')
		if n < 0 {
			return nil, invalid("a field in quotation marks does not end")
		}
		i += n + 1
		switch {
		case i == len(r.text):
			r.done = true
		case r.text[i] == '"': // twice: it stands for one
			escaped = append(escaped, r.text[start:i]...)
			i++
			start = i
			continue
		case r.text[i] != ',':
			return nil, invalid("a field in quotation marks is not followed by a comma")
		}
		r.i = i + 1
		if escaped == nil {
			return r.text[start : i-1], nil
		}
		return append(escaped, r.text[start:i-1]...), nil
	}
}
