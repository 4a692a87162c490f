package example

import (
	"encoding/binary"
	"errors"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// The kinds of failure of reading an example.
var (
	// ErrMalformed is a message that is no serialized tf.train.Example.
	ErrMalformed = errors.New("no serialized tf.train.Example")
	// ErrTooMany is a feature with more values than Values.Limit.
	ErrTooMany = errors.New("more values than expected")
)

// Entries calls each with the name and the entry of every feature of a serialized
// example, in their order; of entries with the same name the last one counts. What
// each gets aliases the example, and an entry is for Values.Read. It stops at an error
// of each and returns that; else the error is ErrMalformed.
func Entries(serialized []byte, each func(name, entry []byte) error) error {
	return fields(serialized, func(n protowire.Number, features []byte) error {
		if n != content {
			return nil
		}
		return fields(features, func(n protowire.Number, entry []byte) error {
			if n != content {
				return nil
			}
			var name []byte
			if err := fields(entry, func(n protowire.Number, v []byte) error {
				if n == content {
					name = v
				}
				return nil
			}); err != nil {
				return err
			}
			return each(name, entry)
		})
	})
}

// fields calls each for the fields of a message that are messages, strings or bytes,
// and skips others.
func fields(message []byte, each func(n protowire.Number, v []byte) error) error {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return ErrMalformed
		}
		message = message[n:]
		if kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(number, kind, message); n < 0 {
				return ErrMalformed
			}
			message = message[n:]
			continue
		}
		v, n := protowire.ConsumeBytes(message)
		if n < 0 {
			return ErrMalformed
		}
		message = message[n:]
		if err := each(number, v); err != nil {
			return err
		}
	}
	return nil
}

// Values is the values of a feature that is being read, which have one kind. It may be
// used again for another feature, in the same memory.
type Values struct {
	// Limit is how many values are read at most: a value of one byte may take 24 here.
	// 0 is no limit.
	Limit int

	Kind   Kind
	Bytes  [][]byte // alias the example
	Floats []float32
	Int64s []int64
}

// Len is the number of values.
func (v *Values) Len() int { return len(v.Bytes) + len(v.Floats) + len(v.Int64s) }

func (v *Values) reset(k Kind) {
	v.Kind, v.Bytes, v.Floats, v.Int64s = k, v.Bytes[:0], v.Floats[:0], v.Int64s[:0]
}

// Read sets v to the values of an entry. Lists may be packed or not. The error is
// ErrMalformed, or ErrTooMany, behind which v holds values beyond the limit.
func (v *Values) Read(entry []byte) error {
	v.reset(None)
	return fields(entry, func(n protowire.Number, feature []byte) error {
		if n != entryValue {
			return nil
		}
		return fields(feature, func(n protowire.Number, list []byte) error {
			k := Kind(n)
			if k < Bytes || k > Int64s {
				return nil
			}
			if k != v.Kind { // of a oneof the last member counts
				v.reset(k)
			}
			return v.list(list)
		})
	})
}

// list appends the values of a list of v's kind.
func (v *Values) list(list []byte) error {
	for len(list) > 0 {
		number, kind, n := protowire.ConsumeTag(list)
		if n < 0 {
			return ErrMalformed
		}
		list = list[n:]
		switch {
		case number == content && kind == protowire.BytesType:
			var packed []byte
			if packed, n = protowire.ConsumeBytes(list); n >= 0 {
				if err := v.packed(packed); err != nil {
					return err
				}
			}
		case number == content && kind == protowire.Fixed32Type && v.Kind == Floats:
			var bits uint32
			bits, n = protowire.ConsumeFixed32(list)
			v.Floats = append(v.Floats, math.Float32frombits(bits))
		case number == content && kind == protowire.VarintType && v.Kind == Int64s:
			var i uint64
			i, n = protowire.ConsumeVarint(list)
			v.Int64s = append(v.Int64s, int64(i))
		default:
			n = protowire.ConsumeFieldValue(number, kind, list)
		}
		if n < 0 {
			return ErrMalformed
		}
		if v.full() {
			return ErrTooMany
		}
		list = list[n:]
	}
	return nil
}

// full reports whether v is over its limit.
func (v *Values) full() bool { return v.Limit > 0 && v.Len() > v.Limit }

// packed appends one string of bytes, or all the numbers that it packs.
func (v *Values) packed(b []byte) error {
	switch v.Kind {
	case Bytes:
		v.Bytes = append(v.Bytes, b)
	case Floats:
		if len(b)%4 != 0 {
			return ErrMalformed
		}
		for ; len(b) > 0; b = b[4:] {
			v.Floats = append(v.Floats, math.Float32frombits(binary.LittleEndian.Uint32(b)))
		}
	case Int64s:
		for len(b) > 0 {
			i, n := protowire.ConsumeVarint(b)
			if n < 0 {
				return ErrMalformed
			}
			v.Int64s = append(v.Int64s, int64(i))
			if v.full() {
				return ErrTooMany
			}
			b = b[n:]
		}
	}
	return nil
}
