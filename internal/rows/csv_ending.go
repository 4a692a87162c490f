package rows

import "bytes"

// csvEnding ends records where encoding/csv does. A quotation mark opens a field only
// at the field's start; a stray one makes the record wrong, which then ends with its
// line.
//
// A field in quotation marks that does not end within the longest record, or at all,
// is wrong too. Its record is taken to end with its first line, and the text goes on
// behind that: one mark too many must not cost the rest of the object.
type csvEnding struct {
	seen   int  // text[:seen] has been looked at
	quoted bool // seen lies inside quotation marks
	stray  bool // the record is wrong: only its line's end counts
	marked bool // a field of the record is in quotation marks
	had    bool // marked, of the record before
	// mark is the next quotation mark at seen or behind it where found, else as far as
	// there is none. Text without marks is so searched for them only once.
	mark  int
	found bool
}

func (e *csvEnding) next(text []byte) int {
	for {
		look := e.line
		if e.quoted {
			look = e.closing
		}
		n := look(text)
		if n > 0 {
			e.begin(n)
			return n
		}
		if n < 0 {
			return 0
		}
	}
}

// begin makes ready for the record behind n bytes.
func (e *csvEnding) begin(n int) {
	e.seen, e.quoted, e.stray, e.marked, e.had = 0, false, false, false, e.marked
	if e.mark -= n; e.mark < 0 {
		e.mark, e.found = 0, false
	}
}

// nextMark is the next quotation mark, len(text) if there is none.
func (e *csvEnding) nextMark(text []byte) int {
	if e.mark < e.seen {
		e.mark, e.found = e.seen, false
	}
	if !e.found {
		k := bytes.IndexByte(text[e.mark:], '"')
		if e.found = k >= 0; !e.found {
			k = len(text) - e.mark
		}
		e.mark += k
	}
	return e.mark
}

// line goes on outside of quotation marks: to the end of the record, whose length it
// returns, or to a field in marks, for which it returns 0. -1 means that text ends
// before either.
func (e *csvEnding) line(text []byte) int {
	end := bytes.IndexByte(text[e.seen:], '\n')
	if end < 0 {
		end = len(text)
	} else {
		end += e.seen
	}
	if !e.stray {
		if mark := e.nextMark(text); mark < end {
			if mark == 0 || text[mark-1] == ',' {
				e.seen, e.quoted, e.marked = mark+1, true, true
				return 0
			}
			e.stray = true
		}
	}
	if end == len(text) {
		e.seen = end
		return -1
	}
	return end + 1
}

// closing goes on inside of quotation marks, to what follows them. Its results are
// those of line.
func (e *csvEnding) closing(text []byte) int {
	mark := e.nextMark(text)
	behind := mark + 1
	if behind >= len(text) || text[behind] == '\r' && behind+1 == len(text) {
		e.seen = mark // what follows decides
		return -1
	}
	switch {
	case text[behind] == '"': // twice: it stands for one
		e.seen = behind + 1
		return 0
	case text[behind] == '\n':
		return behind + 1
	case text[behind] == '\r' && text[behind+1] == '\n':
		return behind + 2
	case text[behind] != ',':
		e.stray = true
	}
	e.seen, e.quoted = behind, false
	return 0
}

// last is the first line of a record whose last field has no end, else all of text. A
// mark at the end of the text does end a field.
func (e *csvEnding) last(text []byte) int {
	n := len(text)
	if behind := string(text[e.seen:]); e.quoted && behind != `"` && behind != "\"\r" {
		if k := bytes.IndexByte(text, '\n'); k >= 0 {
			n = k + 1
		}
	}
	e.reset()
	return n
}

// reset forgets the marks too: what is behind has been looked at, but as part of this
// record.
func (e *csvEnding) reset() { *e = csvEnding{} }

// lines looks only where there can be more than one: line feeds are in quotation marks.
func (e *csvEnding) lines(record []byte) int64 {
	if !e.had {
		return 1
	}
	return int64(bytes.Count(record, []byte{'\n'}))
}
