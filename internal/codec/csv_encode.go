package codec

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// spareColumns bounds a header without rows, whose columns cost a request nothing.
const spareColumns = 1 << 20

// EncodeCSV makes a reply with one row a line behind a header: "name" for results
// with one value a row, "name_0" and so on for the elements of others in row-major
// order. Numbers are those of AppendPredict. Strings stand as they are; those that
// are not UTF-8 as base64.
//
// The errors are *infer.Error with ErrInvalidArgument, as those of AppendPredict;
// and ErrTooLarge for a header of millions of columns without rows.
func EncodeCSV(results []infer.Result) (*Reply, error) {
	batch, size, err := checkRows(results)
	if err != nil {
		return nil, err
	}
	columns := make([]int, len(results))
	total := 0
	for i, r := range results {
		n, err := infer.Elements(r.Value.Shape[1:])
		if err != nil {
			return nil, err
		}
		columns[i] = int(n)
		total += columns[i]
	}
	if total == 0 {
		return nil, invalid("the rows of the answer have no elements to write as CSV: accept JSON")
	}
	if batch == 0 && total > spareColumns {
		return nil, infer.Errorf(infer.ErrTooLarge, "the answer has %d columns and no rows to write as CSV: accept JSON", total)
	}
	dst := slices.Grow([]byte(nil), size+8*total)
	dst = appendHeader(dst, results, columns)
	for row := range batch {
		for i := range results {
			dst = appendFields(dst, &results[i], row*columns[i], columns[i])
		}
		dst[len(dst)-1] = '\n'
	}
	return &Reply{ContentType: "text/csv; charset=utf-8", Pieces: [][]byte{dst}}, nil
}

func appendHeader(dst []byte, results []infer.Result, columns []int) []byte {
	for i, r := range results {
		if len(r.Value.Shape) == 1 {
			dst = append(appendField(dst, []byte(r.Name)), ',')
			continue
		}
		name := []byte(r.Name + "_")
		for k := range columns[i] {
			dst = append(appendField(dst, strconv.AppendInt(name, int64(k), 10)), ',')
		}
	}
	dst[len(dst)-1] = '\n'
	return dst
}

// appendFields appends n elements of r from start on, with a comma behind each.
func appendFields(dst []byte, r *infer.Result, start, n int) []byte {
	t := r.Value
	if t.DType == infer.String {
		for i := start; i < start+n; i++ {
			dst = append(appendString(dst, t.Element(i)), ',')
		}
	} else if n > 0 {
		dst = append(appendElements(dst, r, start, n), ',')
	}
	t.KeepAlive()
	return dst
}

func appendString(dst, s []byte) []byte {
	if !utf8.Valid(s) {
		return base64.StdEncoding.AppendEncode(dst, s)
	}
	return appendField(dst, s)
}

// AppendCSVRow appends the fields of row number row of r as EncodeCSV writes them,
// with a comma behind each. CheckRows must have passed.
func AppendCSVRow(dst []byte, r *infer.Result, row int) []byte {
	n := r.Value.Len() / int(r.Value.Shape[0])
	return appendFields(dst, r, row*n, n)
}

// AppendCSVText appends text as one field, in quotation marks where it needs them.
func AppendCSVText(dst, text []byte) []byte { return appendField(dst, text) }

// appendField appends text, in quotation marks where it needs them. An empty field
// does: alone on its line it would be a blank one, which readers skip.
func appendField(dst, s []byte) []byte {
	if len(s) > 0 && !bytes.ContainsAny(s, "\",\r\n") && s[0] != ' ' && s[len(s)-1] != ' ' {
		return append(dst, s...)
	}
	dst = append(dst, '"')
	for {
		n := bytes.IndexByte(s, '"')
		if n < 0 {
			dst = append(dst, s...)
			return append(dst, '"')
		}
		dst = append(append(dst, s[:n+1]...), '"')
		s = s[n+1:]
	}
}
