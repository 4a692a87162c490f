package prelink

import (
	"encoding/binary"
	"errors"
)

// exports walks the GNU hash table, which holds exactly the symbols that others
// can find, and is what tells how many there are.
func (l *library) exports() (map[string]bool, error) {
	first, count, err := l.hashed()
	if err != nil {
		return nil, err
	}
	names := make(map[string]bool, count)
	for i := range count {
		s, err := l.symbol(first + i)
		if err != nil {
			return nil, err
		}
		names[s.name] = true
	}
	return names, nil
}

// hashed is the range of the symbol table that the hash table covers. Its
// format: four words (buckets, first symbol, bloom words, shift), the bloom
// filter, the buckets, and for each symbol a hash whose lowest bit ends a
// bucket's chain.
func (l *library) hashed() (first, count uint32, err error) {
	bad := errors.New("its hash table is not in the usual form")
	if !l.holds(l.hash, 16) {
		return 0, 0, bad
	}
	word := func(at uint64) uint32 { return binary.LittleEndian.Uint32(l.data[at:]) }
	buckets, first, bloom := uint64(word(l.hash)), word(l.hash+4), uint64(word(l.hash+8))
	at := l.hash + 16 + 8*bloom
	if !l.holds(at, 4*buckets) {
		return 0, 0, bad
	}
	last := uint32(0)
	for i := range buckets {
		last = max(last, word(at+4*i))
	}
	if last < first {
		return first, 0, nil
	}
	chain := at + 4*buckets
	for ; ; last++ {
		hash := chain + 4*uint64(last-first)
		if !l.holds(hash, 4) {
			return 0, 0, bad
		}
		if word(hash)&1 != 0 {
			return first, last - first + 1, nil
		}
	}
}
