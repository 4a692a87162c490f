package codec

// Outline is where the parts of a JSON document are. Its syntax has been checked as
// that of a request's body is: with NaN and infinities, and no key twice in the
// outermost object. It aliases the document.
type Outline struct {
	// Value is the document without the white space around it.
	Value []byte
	// Members are those of an outermost object, by unescaped key; nil for others.
	Members map[string][]byte
	// Keys are those of Members in order.
	Keys []string
}

// ReadOutline checks the syntax of a document that is one JSON value. A byte order
// mark may stand before it. The error is an *infer.Error with the offset.
func ReadOutline(doc []byte, l Limits) (*Outline, error) {
	sc := &scanner{s: doc, maxDepth: l.withDefaults().MaxDepth}
	start, err := sc.start()
	if err != nil {
		return nil, err
	}
	out := &Outline{}
	var end int
	if sc.s[start] == '{' {
		out.Members = make(map[string][]byte)
		end, err = sc.object(start, 0, func(key []byte, i int) (int, error) {
			end, err := sc.value(i, 1)
			if err == nil {
				out.Members[string(key)] = doc[i:end]
				out.Keys = append(out.Keys, string(key))
			}
			return end, err
		})
	} else {
		end, err = sc.value(start, 0)
	}
	if err == nil {
		err = behind(sc, end)
	}
	if err != nil {
		return nil, err
	}
	out.Value = doc[start:end]
	return out, nil
}

// Elements goes through the elements of a list.
type Elements struct{ c cursor }

// NewElements makes Elements of a list that is part of an Outline.
func NewElements(list []byte) *Elements {
	e := &Elements{cursor{s: list}}
	e.c.step()
	return e
}

// Next is the next element, which aliases the list; nil at the end.
func (e *Elements) Next() []byte {
	if e.c.peek() == ']' {
		return nil
	}
	start := e.c.i
	e.c.skip()
	element := e.c.s[start:e.c.i]
	e.c.next()
	return element
}
