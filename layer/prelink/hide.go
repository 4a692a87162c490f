package prelink

import (
	"cmp"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"slices"
)

// Names lists the names that a shared library defines for others or wants of them.
func Names(library []byte) (map[string]bool, error) {
	l, err := parse(library)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	count, err := l.count()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	names := make(map[string]bool, count)
	for i := range count {
		s, err := l.symbol(i)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrFormat, err)
		}
		names[s.name] = true
	}
	delete(names, "")
	return names, nil
}

// count is how many symbols there are: those of others come before those of the hash
// table.
func (l *library) count() (uint32, error) {
	first, hashed, err := l.hashed()
	return first + hashed, err
}

// Hide makes the symbols of a shared library that only it uses its own, in place, as
// the linker would have with -fvisibility=hidden: calls of them are bound, and their
// names, a seventh of libtensorflow, become zeros. alone says whether nobody but the
// library has or wants a name.
func Hide(library []byte, alone func(name string) bool) error {
	l, err := parse(library)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	count, err := l.count()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	names := newNames(l)
	hidden := make(map[uint32]symbol)
	for i := range count {
		s, err := l.symbol(i)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrFormat, err)
		}
		if s.fixed() && alone(s.name) {
			hidden[i] = s
			continue
		}
		names.keep(i, s.name)
	}
	if err := names.pin(); err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if len(hidden) == 0 {
		return nil
	}
	// From here on the library is changed.
	for i := range hidden {
		at := l.symbols + uint64(i)*symbolSize
		binary.LittleEndian.PutUint32(l.data[at:], 0)
		l.data[at+5] = l.data[at+5]&^3 | byte(elf.STV_HIDDEN)
	}
	l.bindCalls(hidden)
	names.write()
	return nil
}

// bindCalls writes the addresses of hidden functions to where calls of them read them.
// The loader that binds lazily adds to these only where the library is mapped.
func (l *library) bindCalls(hidden map[uint32]symbol) {
	slot := map[elf.Machine]uint32{elf.EM_X86_64: uint32(elf.R_X86_64_JMP_SLOT), elf.EM_AARCH64: uint32(elf.R_AARCH64_JUMP_SLOT)}[l.machine]
	table, ok := l.offset(l.values[elf.DT_JMPREL])
	size := l.values[elf.DT_PLTRELSZ]
	if !ok || !l.holds(table, size) {
		return
	}
	for at := table; at+relocationSize <= table+size; at += relocationSize {
		info := binary.LittleEndian.Uint64(l.data[at+8:])
		s, ours := hidden[uint32(info>>32)]
		place, ok := l.offset(binary.LittleEndian.Uint64(l.data[at:]))
		if uint32(info) == slot && ours && ok && l.holds(place, 8) {
			binary.LittleEndian.PutUint64(l.data[place:], s.value)
		}
	}
}

// names is the table of names on its way to a smaller one. Names of symbols move to its
// front; the few that something else refers to stay where they are.
type names struct {
	*library
	kept   []keptName
	pinned []span // offsets in the table
}

type keptName struct {
	symbol uint32
	name   string
}

func newNames(l *library) *names { return &names{library: l} }

func (n *names) keep(symbol uint32, name string) {
	if name != "" {
		n.kept = append(n.kept, keptName{symbol, name})
	}
}

// pin finds the names of other libraries and of versions.
func (n *names) pin() error {
	var offsets []uint32
	for at := n.dynamic; at+dynamicEntry <= n.dynamic+n.dynamicSz; at += dynamicEntry {
		switch elf.DynTag(binary.LittleEndian.Uint64(n.data[at:])) {
		case elf.DT_NEEDED, elf.DT_SONAME, elf.DT_RPATH, elf.DT_RUNPATH, elf.DT_AUXILIARY, elf.DT_FILTER, elf.DT_CONFIG, elf.DT_DEPAUDIT, elf.DT_AUDIT:
			offsets = append(offsets, binary.LittleEndian.Uint32(n.data[at+8:]))
		}
	}
	// Both kinds of entries: where their list of names begins, and the next entry; of
	// a name: where its offset is, and the next name.
	for _, kind := range []struct {
		table               elf.DynTag
		file                uint64 // of the entry's own name, 0 for none
		names, next         uint64
		nameAt, nextName    uint64
		entrySize, nameSize uint64
	}{
		{elf.DT_VERNEED, 4, 8, 12, 8, 12, 16, 16},
		{elf.DT_VERDEF, 0, 12, 16, 0, 4, 20, 8},
	} {
		address, ok := n.values[kind.table]
		if !ok {
			continue
		}
		at, ok := n.offset(address)
		for ok {
			if !n.holds(at, kind.entrySize) {
				return fmt.Errorf("%s leads out of the file", kind.table)
			}
			if kind.file > 0 {
				offsets = append(offsets, n.word(at+kind.file))
			}
			for name := at + uint64(n.word(at+kind.names)); ; {
				if !n.holds(name, kind.nameSize) {
					return fmt.Errorf("%s leads out of the file", kind.table)
				}
				offsets = append(offsets, n.word(name+kind.nameAt))
				next := uint64(n.word(name + kind.nextName))
				if next == 0 {
					break
				}
				name += next
			}
			next := uint64(n.word(at + kind.next))
			at, ok = at+next, next != 0
		}
	}
	for _, offset := range offsets {
		name, err := n.string(offset)
		if err != nil {
			return err
		}
		n.pinned = append(n.pinned, span{uint64(offset), uint64(offset) + uint64(len(name)) + 1})
	}
	slices.SortFunc(n.pinned, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	return nil
}

func (l *library) word(at uint64) uint32 { return binary.LittleEndian.Uint32(l.data[at:]) }

// write makes the table anew: an empty name, the symbols' names around those that are
// pinned, and zeros. It is never longer than before: names that were the end of others
// may be written whole, but then those are not hidden, or were longer.
func (n *names) write() {
	table := n.data[n.strings : n.strings+n.stringsSize]
	old := slices.Clone(table)
	clear(table)
	for _, p := range n.pinned {
		copy(table[p.start:p.end], old[p.start:p.end])
	}
	written := make(map[string]uint64)
	at, pinned := uint64(1), n.pinned
	for _, k := range n.kept {
		offset, ok := written[k.name]
		if !ok {
			size := uint64(len(k.name)) + 1
			for len(pinned) > 0 && at+size > pinned[0].start {
				at, pinned = max(at, pinned[0].end), pinned[1:]
			}
			copy(table[at:], k.name)
			offset = at
			written[k.name] = offset
			at += size
		}
		binary.LittleEndian.PutUint32(n.data[n.symbols+uint64(k.symbol)*symbolSize:], uint32(offset))
	}
}
