package codec

import (
	"bytes"
	"errors"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// DecodeJSONLines reads a request with one row a line, each as an element of
// "instances" is in DecodePredict, for the default signature: a value or list for
// the only input, or an object of named inputs. Blank lines are skipped. The
// tensors are copies. Errors are those of DecodePredict and name the line.
func DecodeJSONLines(body []byte, c *infer.Catalog, l Limits) (*Predict, error) {
	l = l.withDefaults()
	p, err := newPlain(c, "a line with a value or list", l)
	if err != nil {
		return nil, err
	}
	p.instead = "send JSON, or an object that names the inputs"
	r := jsonRows{plain: p, in: newInputs(nil, c, p.sig, p.limit), maxDepth: l.MaxDepth}
	rest := bytes.TrimPrefix(body, byteOrderMark)
	for n := 1; len(rest) > 0; n++ {
		var line []byte
		line, rest = cutLine(rest)
		if isBlank(line) {
			continue
		}
		if err := r.row(line); err != nil {
			return nil, atLine(n, err)
		}
		if r.rows == 1 {
			r.expect(line, rest)
		}
	}
	if r.rows == 0 {
		return nil, invalid("JSON lines: the body has no rows")
	}
	return p.requestOf(r.in)
}

// cutLine splits s behind its first line feed. The line has one in any case, since
// cursors rely on something behind a value: a copy of the last line gets one.
func cutLine(s []byte) (line, rest []byte) {
	if n := bytes.IndexByte(s, '\n'); n >= 0 {
		return s[:n+1], s[n+1:]
	}
	return append(bytes.Clone(s), '\n'), nil
}

func isBlank(line []byte) bool {
	sc := scanner{s: line}
	return sc.space(0) == len(line)
}

// jsonRows reads lines of JSON into the tensors of a signature's inputs.
type jsonRows struct {
	*plain
	in       *inputs
	maxDepth int
	rows     int64
	named    bool // rows are objects; decided by the first
}

// row reads line, which ends in a line feed, as one more row.
func (r *jsonRows) row(line []byte) error {
	sc := scanner{s: line, maxDepth: r.maxDepth}
	i := sc.space(0)
	if r.dense(line, i) {
		r.rows++
		return nil
	}
	if err := only(&sc, i); err != nil {
		return err
	}
	c := cursor{s: line, i: i}
	named := isNamed(&c)
	switch {
	case r.rows > 0 && named && !r.named:
		return invalid("expecting value/list but got object, unlike the first row")
	case r.rows > 0 && !named && r.named:
		return invalid("expecting object but got value/list, unlike the first row")
	}
	if err := r.values(&c, named); err != nil {
		return err
	}
	r.named = named
	r.rows++
	return nil
}

// only checks that the value at i is all there is.
func only(sc *scanner, i int) error {
	end, err := sc.value(i, 0)
	if err != nil {
		return err
	}
	return behind(sc, end)
}

// dense reads a row of the only input in one pass where that is a list of floats
// with nothing unusual in it. Where it reports false, nothing has been read.
func (r *jsonRows) dense(line []byte, i int) bool {
	t := r.in.slots[0]
	if len(r.in.slots) > 1 || r.named || t.info.DType != infer.Float || i == len(line) || line[i] != '[' {
		return false
	}
	before := len(t.data)
	need := 4 * (bytes.Count(line, comma) + 1)
	if free := cap(t.data) - before; free < need {
		t.reserve(free + max(before, need))
	}
	t.shape = t.shape[:0]
	end, ok := t.dense(line, i, min(maxDenseRank, r.maxDepth))
	if ok && isBlank(line[end:]) && t.endRow(before/4) == nil {
		r.in.given[0] = true
		return true
	}
	t.data = t.data[:before]
	return false
}

func (r *jsonRows) values(c *cursor, named bool) error {
	if named {
		return r.namedRow(c)
	}
	return r.plainRow(c)
}

func (r *jsonRows) plainRow(c *cursor) error {
	if _, err := r.input(); err != nil {
		return err
	}
	r.in.given[0] = true
	return r.in.slots[0].row(c)
}

func (r *jsonRows) namedRow(c *cursor) error {
	key, err := r.in.readNamedRow(c, r.rows)
	if key != nil && !errors.Is(err, infer.ErrTooLarge) {
		return invalid("input %q: %s", shown(key), err)
	}
	return err
}

// expect makes room for as many rows like the first as the rest can hold.
func (r *jsonRows) expect(first, rest []byte) {
	lines := countLines(rest)
	rows := 1 + min(lines, (bytes.Count(rest, comma)+lines)/(bytes.Count(first, comma)+1))
	for _, t := range r.in.slots {
		t.refund() // what the first row did not need
	}
	r.in.expectRows(rows, len(rest))
}

// atLine names the line of a fault. Limits are the whole body's.
func atLine(n int, err error) error {
	if errors.Is(err, infer.ErrTooLarge) {
		return err
	}
	return invalid("JSON line %d: %s", n, err)
}
