package rows

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/jsontext"
)

var null = []byte("null")

// showText makes instances of records that are JSON: themselves, or a string where
// they are none, such as a faulty row, or one with a bare NaN.
func showText(d *Decoded, records [][]byte) {
	d.Instance = func(dst []byte, record int) []byte {
		text := records[record]
		if text == nil {
			return append(dst, null...)
		}
		return appendJSON(dst, bytes.TrimSpace(text))
	}
}

// appendJSON appends text as it is where that is JSON of one line, else as a string.
func appendJSON(dst, text []byte) []byte {
	if bytes.IndexByte(text, '\n') >= 0 {
		var line bytes.Buffer
		if json.Compact(&line, text) == nil {
			text = line.Bytes()
		}
	}
	if json.Valid(text) && utf8.Valid(text) && bytes.IndexByte(text, '\n') < 0 {
		return append(dst, text...)
	}
	return jsontext.AppendQuoted(dst, text)
}

// showFeeds makes instances of what records became as feeds, for records without a
// form in text: the value of the only input, or an object of named ones and of further
// columns; of records with a fault what could be read.
func showFeeds(d *Decoded) {
	values := make([][]infer.Result, len(d.Groups))
	type place struct{ group, row int }
	places := make([]place, d.N)
	for g, group := range d.Groups {
		for _, feed := range group.Feeds {
			values[g] = append(values[g], infer.Result(feed))
		}
		if _, err := codec.CheckRows(values[g]); err != nil {
			continue
		}
		for row, record := range group.Records {
			places[record] = place{g + 1, row}
		}
	}
	faults := make(map[int][]infer.Result)
	for _, fault := range d.Faults {
		if fault.Feeds != nil {
			faults[fault.Record] = feedResults(fault.Feeds)
		}
	}
	d.Instance = func(dst []byte, record int) []byte {
		p := places[record]
		switch {
		case p.group > 0 && d.further == nil:
			return codec.AppendRow(dst, values[p.group-1], p.row)
		case p.group > 0:
			return d.appendObject(dst, values[p.group-1], p.row, record)
		case d.further != nil || len(faults[record]) > 1:
			return d.appendObject(dst, faults[record], 0, record)
		default:
			return append(dst, null...)
		}
	}
}

// appendObject appends a row of values, null where there is none, and the further
// columns of a record.
func (d *Decoded) appendObject(dst []byte, values []infer.Result, row, record int) []byte {
	open := len(dst)
	name := func(name string) {
		dst = append(jsontext.AppendQuoted(append(dst, ','), []byte(name)), ':')
	}
	for k, v := range values {
		name(v.Name)
		if one := values[k : k+1]; v.Value == nil || !hasRows(one) {
			dst = append(dst, null...)
		} else {
			dst = codec.AppendRow(dst, one, row)
		}
	}
	if d.further != nil {
		for k, v := range d.further(nil, record) {
			name(d.columns[k].name)
			dst = appendJSONCell(dst, d.columns[k].typ, v)
		}
	}
	if len(dst) == open {
		return append(dst, "{}"...)
	}
	dst[open] = '{'
	return append(dst, '}')
}

func hasRows(values []infer.Result) bool {
	_, err := codec.CheckRows(values)
	return err == nil
}
