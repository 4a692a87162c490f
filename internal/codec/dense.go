package codec

import (
	"encoding/binary"
	"math"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// maxDenseRank is the rank up to which readDense tries.
const maxDenseRank = 8

// readDense is the short cut for what most requests to a vision model are: one
// input of floats, given as full lists of numbers. It reads the list at
// i in a single pass that checks as it goes, under the signature known so far,
// and reports false for anything else, right or wrong: the two passes then read
// it again and decide what to say.
func (d *document) readDense(i int) (end int, ok bool) {
	sig, err := d.catalog.Signature(string(d.signatureName))
	if err != nil || len(sig.Inputs) != 1 || sig.Inputs[0].DType != infer.Float {
		return 0, false
	}
	in := newInputs(d, d.catalog, sig, d.limits.MaxTensorBytes)
	t := in.slots[0]
	t.expect(d.body[i:])
	end, ok = t.dense(d.body, i, min(maxDenseRank, d.limits.MaxDepth-1))
	if !ok {
		return 0, false
	}
	t.refund()
	t.rows, t.firstShape = t.shape[0], t.shape[1:]
	in.given[0] = true
	d.dense = in
	return end, true
}

// dense reads the list of s at i and returns the offset behind it. ok is false
// where it is not full, nests deeper than maxRank, or holds an empty list or
// anything that does not begin like a number in digits.
func (t *builder) dense(s []byte, i, maxRank int) (end int, ok bool) {
	sc := scanner{s: s, strict: t.strict}
	var counts [maxDenseRank]int64
	level, rank := 0, -1
	for {
		for ; sc.at(i) == '['; level++ {
			if level == rank || level == maxRank {
				return 0, false
			}
			if rank < 0 {
				t.shape = append(t.shape, -1)
			}
			counts[level] = 0
			i = sc.space(i + 1)
		}
		if rank < 0 {
			rank = level
		}
		if level != rank {
			return 0, false
		}
		n, next := t.denseRun(&sc, i)
		if n == 0 {
			return 0, false
		}
		counts[level-1], i = int64(n), next
		for ; sc.at(i) == ']'; i = sc.space(i + 1) {
			level--
			if t.shape[level] < 0 {
				t.shape[level] = counts[level]
			}
			if t.shape[level] != counts[level] {
				return 0, false
			}
			if level == 0 {
				return i + 1, true
			}
			counts[level-1]++
		}
		if sc.at(i) != ',' {
			return 0, false
		}
		i = sc.space(i + 1)
	}
}

// denseRun reads numbers with commas between them, up to the bracket that must
// end them, and returns how many there are, 0 where they are not as hoped, and
// the offset of the bracket.
func (t *builder) denseRun(sc *scanner, i int) (n, end int) {
	buf := t.data
	for {
		f, length := denseFloat(sc, i)
		if length == 0 {
			return 0, 0
		}
		i += length
		if cap(buf)-len(buf) < 4 {
			return 0, 0 // more than expected, so beyond the budget
		}
		buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(f))
		n++
		c := sc.at(i)
		if isSpace(c) {
			i = sc.space(i)
			c = sc.at(i)
		}
		if c == ']' {
			t.data = buf
			return n, i
		}
		if c != ',' {
			return 0, 0
		}
		if i++; isSpace(sc.at(i)) {
			i = sc.space(i)
		}
	}
}

// denseFloat reads the number at i, which has not been checked, and returns its
// length, 0 where it is none. -NaN and -Infinity are numbers here; NaN and
// Infinity are left to the two passes, which read all four alike.
func denseFloat(sc *scanner, i int) (float32, int) {
	if c := sc.at(i); c-'0' > 9 && c != '-' {
		return 0, 0
	}
	s := sc.s[i:]
	d, n := decimalAt(s)
	if n > 0 && d.small() {
		if f := d.scaled(); d.mant>>53 == 0 || narrowsSafely(f) {
			return float32(f), n
		}
	}
	end, err := sc.number(i)
	if err != nil {
		return 0, 0
	}
	f, _ := slowFloat64(s, end-i)
	return float32(f), end - i
}
