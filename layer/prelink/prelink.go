// Package prelink binds a shared library to itself when it is packed, so that
// the loader need not do it at each start.
//
// libtensorflow exports every C++ function and table it has, and refers to its
// own by name: the loader looks up 400 000 names to fill pointer tables, on one
// core, while nothing else can go on. The answers are always the same where
// nobody else defines the name. Bind writes them down, as the linker would have
// with -Bsymbolic: a relocation by name becomes one by address.
package prelink

import (
	"cmp"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// ErrFormat is returned for bytes that are not a shared library of the kind that
// Bind knows. The bytes are then as they were.
var ErrFormat = errors.New("not a shared library that can be bound")

// Stats says what Bind did.
type Stats struct {
	ByName int // relocations that named a symbol before
	Bound  int // of them, that have an address now
}

// relocation types that Bind reads and writes, by machine.
var types = map[elf.Machine]struct{ absolute, globDat, relative uint32 }{
	elf.EM_X86_64:  {uint32(elf.R_X86_64_64), uint32(elf.R_X86_64_GLOB_DAT), uint32(elf.R_X86_64_RELATIVE)},
	elf.EM_AARCH64: {uint32(elf.R_AARCH64_ABS64), uint32(elf.R_AARCH64_GLOB_DAT), uint32(elf.R_AARCH64_RELATIVE)},
}

// Bind changes the relocations of a 64-bit little-endian shared library in place.
// It binds a relocation to the library's own symbol where own says that no other
// library of the process has that name. Functions that are called through the
// procedure linkage table stay: the loader binds them lazily. So do thread-local,
// indirect and unique symbols, whose binding is more than an address.
//
// It is not safe to use library for anything else meanwhile.
func Bind(library []byte, own func(name string) bool) (Stats, error) {
	l, err := parse(library)
	if err != nil {
		return Stats{}, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return l.bind(own)
}

// Exports lists the names that a shared library defines for others.
func Exports(library []byte) (map[string]bool, error) {
	l, err := parse(library)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return l.exports()
}

const (
	symbolSize     = 24
	relocationSize = 24
)

// symbol is an entry of the dynamic symbol table.
type symbol struct {
	name  string
	bind  elf.SymBind
	kind  elf.SymType
	index elf.SectionIndex
	value uint64
}

// relocation is an entry with an addend.
type relocation struct {
	offset uint64
	symbol uint32
	kind   uint32
	addend uint64
}

func (l *library) bind(own func(string) bool) (Stats, error) {
	known, ok := types[l.machine]
	if !ok {
		return Stats{}, fmt.Errorf("%w: it is for %s", ErrFormat, l.machine)
	}
	var stats Stats
	var relative, rest []relocation
	for r := range l.relocations() {
		switch r.kind {
		case known.relative:
			relative = append(relative, r)
			continue
		case known.absolute, known.globDat:
		default:
			rest = append(rest, r)
			continue
		}
		s, err := l.symbol(r.symbol)
		if err != nil {
			return Stats{}, fmt.Errorf("%w: %w", ErrFormat, err)
		}
		stats.ByName++
		if !s.fixed() || !own(s.name) {
			rest = append(rest, r)
			continue
		}
		stats.Bound++
		addend := s.value + r.addend
		if r.kind == known.globDat && l.machine == elf.EM_X86_64 {
			addend = s.value // the psABI gives this type no addend
		}
		relative = append(relative, relocation{offset: r.offset, kind: known.relative, addend: addend})
	}
	// The loader takes those at the front, as many as DT_RELACOUNT says, in a
	// tight loop; in the order of their places it touches each page once.
	slices.SortFunc(relative, func(a, b relocation) int { return cmp.Compare(a.offset, b.offset) })
	l.write(relative, rest)
	return stats, nil
}

// fixed reports whether a symbol is one address in this library and no more.
func (s symbol) fixed() bool {
	defined := s.index != elf.SHN_UNDEF && s.index < elf.SHN_LORESERVE
	global := s.bind == elf.STB_GLOBAL || s.bind == elf.STB_WEAK
	plain := s.kind == elf.STT_NOTYPE || s.kind == elf.STT_OBJECT || s.kind == elf.STT_FUNC
	return defined && global && plain
}

// write puts relocations back and counts the relative ones.
func (l *library) write(relative, rest []relocation) {
	at := l.rela
	for _, list := range [][]relocation{relative, rest} {
		for _, r := range list {
			binary.LittleEndian.PutUint64(l.data[at:], r.offset)
			binary.LittleEndian.PutUint64(l.data[at+8:], uint64(r.symbol)<<32|uint64(r.kind))
			binary.LittleEndian.PutUint64(l.data[at+16:], r.addend)
			at += relocationSize
		}
	}
	binary.LittleEndian.PutUint64(l.data[l.relaCount:], uint64(len(relative)))
}
