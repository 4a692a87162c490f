package event

import (
	"bytes"
	"fmt"
)

// value is one JSON value as it stands in the payload, without the space around
// it. The nil value stands for a member that is absent. Values alias the
// payload, and nothing is decoded until it is asked for: the body of a predict
// request can be megabytes, and most other members are never looked at.
type value []byte

// members calls visit for each member of an object, in order. A key may come
// more than once; the last one counts, as for most JSON readers.
func (v value) members(visit func(key []byte, member value)) error {
	return v.walk(func(key []byte, member value) error {
		visit(key, member)
		return nil
	})
}

// walk is members for a visit that may end the walk by an error.
func (v value) walk(visit func(key []byte, member value) error) error {
	s := &scanner{data: v}
	return s.list('{', '}', func() error {
		key, err := s.key()
		if err != nil {
			return err
		}
		member, err := s.value()
		if err != nil {
			return err
		}
		return visit(key, member)
	})
}

// elements calls visit for each element of an array, in order.
func (v value) elements(visit func(element value)) error {
	s := &scanner{data: v}
	return s.list('[', ']', func() error {
		element, err := s.value()
		if err == nil {
			visit(element)
		}
		return err
	})
}

// object is the members of an object, undecoded and in their order. Events have
// a dozen members, for which a list beats a map.
type object []member

type member struct {
	key   []byte
	value value
}

// maxMembers bounds the list of an object's members. An event's objects have a
// few dozen at the most; a payload of 6 MB could have a million.
const maxMembers = 1 << 14

var errManyMembers = fmt.Errorf("an object with more than %d keys", maxMembers)

func (v value) object() (object, error) {
	o := make(object, 0, 16)
	err := v.walk(func(key []byte, v value) error {
		if len(o) == maxMembers {
			return errManyMembers
		}
		o = append(o, member{key, v})
		return nil
	})
	return o, err
}

// member is the value of the member with the given key, nil where there is none.
func (o object) member(key string) value {
	for i := len(o) - 1; i >= 0; i-- {
		if string(o[i].key) == key {
			return o[i].value
		}
	}
	return nil
}

// member is as for an object; nil where v is none.
func (v value) member(key string) value {
	var found value
	if v.members(func(k []byte, m value) {
		if string(k) == key {
			found = m
		}
	}) != nil {
		return nil
	}
	return found
}

// first is the members of the first element of an array, none where that is no
// object. What stands behind it is not looked at: it can be megabytes.
func (v value) first() object {
	s := &scanner{data: v}
	if s.expect('[') != nil || s.next() != '{' {
		return nil
	}
	element, err := s.value()
	if err != nil {
		return nil
	}
	first, err := element.object()
	if err != nil {
		return nil
	}
	return first
}

// trim takes the space off both ends.
func (v value) trim() value { return bytes.Trim(v, " \t\r\n") }

// null reports whether the member is absent or null, which AWS uses alike.
func (v value) null() bool { return v == nil || string(v) == "null" }

// text is a string, "" where v is none: for members that AWS writes and whose
// absence shows elsewhere.
func (v value) text() string {
	b, err := v.bytes()
	if err != nil {
		return ""
	}
	return string(b)
}

// bytes is the content of a string. Where nothing is escaped it aliases the
// payload.
func (v value) bytes() ([]byte, error) {
	if len(v) < 2 || v[0] != '"' {
		return nil, fmt.Errorf("%s where a string is due", kindOf(v))
	}
	raw := v[1 : len(v)-1]
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw, nil
	}
	return unescape(raw)
}

func kindOf(v value) string {
	if v == nil {
		return "nothing"
	}
	switch v[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	default:
		return "a number"
	}
}
