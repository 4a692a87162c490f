package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// plainFloats appends up to n floats of record that are written in digits alone,
// and returns how many these were. It stops at whatever else there is, right or
// wrong. It is where a wide row spends its time.
func (t *builder) plainFloats(record *csvRecord, n int) (int, error) {
	sc := scanner{s: record.text}
	for k := range n {
		if record.done {
			return k, nil
		}
		f, length := denseFloat(&sc, record.i)
		end := record.i + length
		if length == 0 || end < len(record.text) && record.text[end] != ',' {
			return k, nil
		}
		if err := t.room(); err != nil {
			return k, err
		}
		t.data = binary.LittleEndian.AppendUint32(t.data, math.Float32bits(f))
		record.done = end == len(record.text)
		record.i = end + 1
	}
	return n, nil
}

// field appends the element that a field of a record stands for.
func (t *builder) field(text []byte) error {
	d := t.info.DType
	if d == infer.String {
		if err := t.charge(len(text)); err != nil {
			return err
		}
		t.data = append(t.data, text...)
		t.offsets = append(t.offsets, len(t.data))
		return nil
	}
	if err := t.room(); err != nil {
		return err
	}
	text = bytes.Trim(text, " \t")
	if len(text) == 0 {
		if isFloat(d) {
			return invalid("an empty field is not of type %s: a missing value is nan", d)
		}
		return invalid("an empty field is not of type %s", d)
	}
	switch {
	case d == infer.Bool:
		v, ok := textBool(text)
		if !ok {
			return invalid("%q is not of type bool: true, false, 1 or 0", shown(text))
		}
		t.data = append(t.data, v)
	case isFloat(d):
		f, err := textFloat(text, d)
		if err != nil {
			return err
		}
		t.data = narrowFloats(t.data, d, []float64{f})
	default:
		v, err := textInteger(text, d)
		if err != nil {
			return err
		}
		t.data = narrowIntegers(t.data, d, []int64{v})
	}
	return nil
}

func textBool(field []byte) (byte, bool) {
	switch strings.ToLower(alias(field)) {
	case "true", "1":
		return 1, true
	case "false", "0":
		return 0, true
	default:
		return 0, false
	}
}

// textFloat reads a number of JSON, or one of the spellings that NumPy, pandas
// and C have for others.
func textFloat(field []byte, d infer.DType) (float64, error) {
	digits := withoutPlus(field)
	if first := bytes.TrimPrefix(digits, []byte{'-'}); len(first) > 0 && first[0]-'0' < 10 {
		if v, n := decimalAt(digits); n == len(digits) && v.small() && v.mant>>53 == 0 {
			return v.scaled(), nil
		}
		sc := scanner{s: digits}
		if n, err := sc.number(0); err == nil && n == len(digits) {
			f, _ := float64At(digits)
			return f, nil
		}
		if _, err := strconv.ParseFloat(alias(digits), 64); errors.Is(err, strconv.ErrRange) {
			return 0, invalid("%q is out of the range of a double", shown(field))
		}
		return 0, invalid("%q is not of type %s", shown(field), d)
	}
	sign := 1.0
	if digits[0] == '-' {
		sign, digits = -1, digits[1:]
	}
	switch strings.ToLower(alias(digits[:min(len(digits), len("infinity")+1)])) {
	case "nan":
		return math.Copysign(math.NaN(), sign), nil
	case "inf", "infinity":
		return math.Inf(int(sign)), nil
	default:
		return 0, invalid("%q is not of type %s", shown(field), d)
	}
}

// withoutPlus is field without a plus in front, where that is not all.
func withoutPlus(field []byte) []byte {
	if field[0] == '+' && len(field) > 1 && field[1] != '-' {
		return field[1:]
	}
	return field
}

// textInteger reads an integer as JSON writes it, with no fraction and no exponent,
// in two's complement.
func textInteger(field []byte, d infer.DType) (int64, error) {
	number, limits := withoutPlus(field), rangeOf(d)
	if !isInteger(number) {
		return 0, invalid("%q is not of type %s", shown(field), d)
	}
	if digits := bytes.TrimPrefix(number, []byte{'-'}); len(digits) > 1 && digits[0] == '0' {
		return 0, invalid("%q is not of type %s: it begins with 0", shown(field), d)
	}
	var room [24]byte // longer than any that is in range, with a byte behind it
	if len(number) < len(room) {
		copy(room[:], number)
		if v, _, ok := integerAt(room[:], 0, limits); ok {
			return int64(v), nil
		}
	}
	return 0, invalid("%q is out of the range of %s, %s", shown(field), d, limits)
}
