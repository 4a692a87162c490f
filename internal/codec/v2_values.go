package codec

import (
	"strconv"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// parameters reads the object of parameters at i, inside depth others.
func (d *inferDocument) parameters(i, depth int, place string, each func(key []byte, i int) (int, error)) (int, error) {
	if d.sc.at(i) != '{' {
		return 0, mustBe(place, "parameters", "an object")
	}
	return d.sc.object(i, depth, func(key []byte, i int) (int, error) {
		if d.sc.at(i) == 'n' {
			return d.sc.value(i, depth+1)
		}
		return each(key, i)
	})
}

// list reads the array of objects at i, which is the value of key.
func (d *inferDocument) list(i int, key string, each func(i int, place string) (int, error)) (int, error) {
	if d.sc.at(i) != '[' {
		return 0, mustBe("", key, "an array")
	}
	if d.sc.maxDepth < 2 { // the request and the array
		return 0, d.sc.tooDeep(i)
	}
	i = d.sc.space(i + 1)
	if d.sc.at(i) == ']' {
		return i + 1, nil
	}
	for n := 0; ; n++ {
		place := key + "[" + strconv.Itoa(n) + "]"
		if n == maxMembers {
			return 0, invalid("%s: there are more than %d elements", place, maxMembers)
		}
		if d.sc.at(i) != '{' {
			return 0, mustBe("", place, "an object")
		}
		end, err := each(i, place)
		if err != nil {
			return 0, err
		}
		i = d.sc.space(end)
		switch d.sc.at(i) {
		case ',':
			i = d.sc.space(i + 1)
		case ']':
			return i + 1, nil
		default:
			return 0, syntaxError(textMissSquare, i)
		}
	}
}

// mustBe says what the value of key must be, in the object called place.
func mustBe(place, key, what string) error {
	if place != "" {
		key = place + ": " + key
	}
	return invalid("%s must be %s", key, what)
}

// text reads the string at i, which is the value of key.
func (d *inferDocument) text(i int, place, key string) ([]byte, int, error) {
	if d.sc.at(i) != '"' {
		return nil, 0, mustBe(place, key, "a string")
	}
	end, err := d.sc.str(i)
	if err != nil {
		return nil, 0, err
	}
	return unquoted(d.sc.s[i:end]), end, nil
}

// flag reads the true or false at i, which is the value of key.
func (d *inferDocument) flag(i int, place, key string) (bool, int, error) {
	c := d.sc.at(i)
	if c != 't' && c != 'f' {
		return false, 0, mustBe(place, key, "true or false")
	}
	end, err := d.sc.atom(i, c)
	return c == 't', end, err
}

// size reads the integer of 0 or more at i, which is the value of key.
func (d *inferDocument) size(i int, place, key string) (int64, int, error) {
	const wanted = "an integer of 0 or more"
	if c := d.sc.at(i); c-'0' > 9 && c != '-' {
		return 0, 0, mustBe(place, key, wanted)
	}
	end, err := d.sc.number(i)
	if err != nil {
		return 0, 0, err
	}
	n, err := strconv.ParseInt(alias(d.sc.s[i:end]), 10, 64)
	if err != nil || n < 0 {
		return 0, 0, mustBe(place, key, wanted+", not "+shown(d.sc.s[i:end]))
	}
	return n, end, nil
}

// shape reads the shape at i.
func (d *inferDocument) shape(i int, place string) ([]int64, int, error) {
	if d.sc.at(i) != '[' {
		return nil, 0, mustBe(place, "shape", "an array")
	}
	if d.sc.maxDepth < 4 { // the request, "inputs", the input and the array
		return nil, 0, d.sc.tooDeep(i)
	}
	shape := make([]int64, 0, 4)
	i = d.sc.space(i + 1)
	if d.sc.at(i) == ']' {
		return shape, i + 1, nil
	}
	for {
		n, end, err := d.size(i, place, "a dimension of shape")
		if err != nil {
			return nil, 0, err
		}
		if len(shape) == infer.MaxRank {
			return nil, 0, invalid("%s: shape has more than %d dimensions", place, infer.MaxRank)
		}
		shape = append(shape, n)
		i = d.sc.space(end)
		switch d.sc.at(i) {
		case ',':
			i = d.sc.space(i + 1)
		case ']':
			return shape, i + 1, nil
		default:
			return nil, 0, syntaxError(textMissSquare, i)
		}
	}
}
