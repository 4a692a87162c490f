package prelink

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
)

// library is a shared library, seen as the loader sees it: through its program
// headers and dynamic section. The section table may be gone.
type library struct {
	data     []byte
	machine  elf.Machine
	programs []*elf.Prog
	segments []*elf.Prog           // of programs, those that are mapped
	values   map[elf.DynTag]uint64 // of the dynamic section

	// Offsets in data.
	symbols, strings   uint64
	hash               uint64
	stringsSize        uint64
	rela, relaSize     uint64
	relaCount          uint64 // where the value of DT_RELACOUNT stands
	dynamic, dynamicSz uint64
}

func parse(data []byte) (*library, error) {
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	if f.Class != elf.ELFCLASS64 || f.Data != elf.ELFDATA2LSB || f.Type != elf.ET_DYN {
		return nil, fmt.Errorf("%s %s %s", f.Class, f.Data, f.Type)
	}
	l := &library{data: data, machine: f.Machine, programs: f.Progs, values: make(map[elf.DynTag]uint64)}
	for _, p := range f.Progs {
		switch p.Type {
		case elf.PT_LOAD:
			l.segments = append(l.segments, p)
		case elf.PT_DYNAMIC:
			l.dynamic, l.dynamicSz = p.Off, p.Filesz
		}
	}
	return l, l.readDynamic()
}

const dynamicEntry = 16

// readDynamic finds the tables. Values are addresses, as the loader wants them.
func (l *library) readDynamic() error {
	if l.dynamicSz == 0 || !l.holds(l.dynamic, l.dynamicSz) {
		return errors.New("no dynamic section")
	}
	values := l.values
	for at := l.dynamic; at+dynamicEntry <= l.dynamic+l.dynamicSz; at += dynamicEntry {
		tag := elf.DynTag(binary.LittleEndian.Uint64(l.data[at:]))
		if tag == elf.DT_NULL {
			break
		}
		values[tag] = binary.LittleEndian.Uint64(l.data[at+8:])
		if tag == elf.DT_RELACOUNT {
			l.relaCount = at + 8
		}
	}
	if l.relaCount == 0 || values[elf.DT_RELAENT] != relocationSize || values[elf.DT_SYMENT] != symbolSize {
		return errors.New("its relocations are not in the usual form")
	}
	l.relaSize, l.stringsSize = values[elf.DT_RELASZ], values[elf.DT_STRSZ]
	for _, table := range []struct {
		tag    elf.DynTag
		offset *uint64
		size   uint64
	}{
		{elf.DT_RELA, &l.rela, l.relaSize},
		{elf.DT_STRTAB, &l.strings, l.stringsSize},
		{elf.DT_SYMTAB, &l.symbols, symbolSize},
		{elf.DT_GNU_HASH, &l.hash, 16},
	} {
		offset, ok := l.offset(values[table.tag])
		if !ok || !l.holds(offset, table.size) {
			return fmt.Errorf("%s leads out of the file", table.tag)
		}
		*table.offset = offset
	}
	return nil
}

// offset is the place in the file of an address.
func (l *library) offset(address uint64) (uint64, bool) {
	for _, p := range l.segments {
		if address >= p.Vaddr && address-p.Vaddr < p.Filesz {
			return p.Off + address - p.Vaddr, true
		}
	}
	return 0, false
}

func (l *library) holds(offset, size uint64) bool {
	return offset <= uint64(len(l.data)) && size <= uint64(len(l.data))-offset
}

func (l *library) relocations() iter.Seq[relocation] {
	return func(yield func(relocation) bool) {
		for at := l.rela; at+relocationSize <= l.rela+l.relaSize; at += relocationSize {
			info := binary.LittleEndian.Uint64(l.data[at+8:])
			r := relocation{
				offset: binary.LittleEndian.Uint64(l.data[at:]),
				symbol: uint32(info >> 32),
				kind:   uint32(info),
				addend: binary.LittleEndian.Uint64(l.data[at+16:]),
			}
			if !yield(r) {
				return
			}
		}
	}
}

// symbol reads an entry of the symbol table. How many there are is told by the
// hash table only; an index beyond them reads other bytes of the file, whose
// name then is not one that anybody owns.
func (l *library) symbol(index uint32) (symbol, error) {
	at := l.symbols + uint64(index)*symbolSize
	if !l.holds(at, symbolSize) {
		return symbol{}, fmt.Errorf("symbol %d leads out of the file", index)
	}
	name, err := l.string(binary.LittleEndian.Uint32(l.data[at:]))
	if err != nil {
		return symbol{}, fmt.Errorf("symbol %d: %w", index, err)
	}
	info := l.data[at+4]
	return symbol{
		name:  name,
		bind:  elf.ST_BIND(info),
		kind:  elf.ST_TYPE(info),
		index: elf.SectionIndex(binary.LittleEndian.Uint16(l.data[at+6:])),
		value: binary.LittleEndian.Uint64(l.data[at+8:]),
	}, nil
}

func (l *library) string(at uint32) (string, error) {
	if uint64(at) >= l.stringsSize {
		return "", io.ErrUnexpectedEOF
	}
	table := l.data[l.strings : l.strings+l.stringsSize]
	end := bytes.IndexByte(table[at:], 0)
	if end < 0 {
		return "", io.ErrUnexpectedEOF
	}
	return string(table[at : int(at)+end]), nil
}
