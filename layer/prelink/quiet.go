package prelink

import (
	"debug/elf"
	"fmt"
	"slices"
)

// asksCode reports whether a relocation is by the answer of a function.
func (l *library) asksCode() bool {
	for r := range l.relocations() {
		switch {
		case l.machine == elf.EM_X86_64 && r.kind == uint32(elf.R_X86_64_IRELATIVE),
			l.machine == elf.EM_AARCH64 && r.kind == uint32(elf.R_AARCH64_IRELATIVE):
			return true
		case r.symbol == 0:
			continue
		}
		if s, err := l.symbol(r.symbol); err == nil && s.kind == elf.STT_GNU_IFUNC {
			return true
		}
	}
	return false
}

// Region is a part of a library's file that is mapped as it is, in whole pages.
type Region struct {
	Offset, Size int64
	Address      int64 // from where the library is mapped
	Executable   bool
}

// page is the largest that kernels for these processors have.
const page = 64 << 10

// Quiet finds the large parts of a library that the loader neither reads nor changes
// while it maps and relocates it: code, constants, tables for exceptions. They are in
// the order of their offsets. Constructors are code: who maps a library without these
// parts must keep them from the loader.
//
// A library that is asked for addresses while it is relocated (indirect functions) has
// no such parts.
func Quiet(library []byte) ([]Region, error) {
	l, err := parse(library)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if l.asksCode() {
		return nil, nil
	}
	tables, err := l.loaderTables()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	var regions []Region
	for _, p := range l.segments {
		if p.Flags&elf.PF_W != 0 || (p.Vaddr-p.Off)%4096 != 0 {
			continue
		}
		start, end := p.Vaddr, p.Vaddr+p.Filesz
		for _, table := range tables { // all that is behind the last one
			if table.start >= p.Vaddr && table.start < end {
				start = max(start, table.end)
			}
		}
		// The file's offsets decide about pages: that is how they are mapped.
		first := (start - p.Vaddr + p.Off + page - 1) / page * page
		last := (p.Off + p.Filesz) / page * page
		if first < last {
			regions = append(regions, Region{
				Offset: int64(first), Size: int64(last - first),
				Address: int64(first - p.Off + p.Vaddr), Executable: p.Flags&elf.PF_X != 0,
			})
		}
	}
	slices.SortFunc(regions, func(a, b Region) int { return int(a.Offset - b.Offset) })
	return regions, nil
}

// span is a range of addresses.
type span struct{ start, end uint64 }

// loaderTables are where the loader reads. A table whose size nothing tells reaches to
// the start of the next one whose size is known: linkers put such ones behind.
func (l *library) loaderTables() ([]span, error) {
	tables := []span{{0, uint64(len(l.programs))*programSize + headerSize}}
	for _, p := range l.programs {
		switch p.Type {
		case elf.PT_LOAD, elf.PT_GNU_EH_FRAME, elf.PT_GNU_STACK: // not read while it is mapped
		default:
			tables = append(tables, span{p.Vaddr, p.Vaddr + p.Filesz})
		}
	}
	for _, table := range []struct{ at, size elf.DynTag }{
		{elf.DT_STRTAB, elf.DT_STRSZ}, {elf.DT_RELA, elf.DT_RELASZ}, {elf.DT_JMPREL, elf.DT_PLTRELSZ},
	} {
		if at, ok := l.values[table.at]; ok {
			tables = append(tables, span{at, at + l.values[table.size]})
		}
	}
	known := slices.Clone(tables)
	for _, tag := range []elf.DynTag{elf.DT_SYMTAB, elf.DT_GNU_HASH, elf.DT_HASH, elf.DT_VERSYM, elf.DT_VERNEED, elf.DT_VERDEF} {
		start, ok := l.values[tag]
		if !ok {
			continue
		}
		next, ok := following(known, start)
		if !ok {
			return nil, fmt.Errorf("nothing tells where its %s ends", tag)
		}
		tables = append(tables, span{start, next})
	}
	return tables, nil
}

// Sizes of the 64-bit header of a file and of one of its program headers.
const (
	headerSize  = 64
	programSize = 56
)

// following is the start of the first table behind an address.
func following(tables []span, address uint64) (uint64, bool) {
	var next uint64
	for _, t := range tables {
		if t.start > address && (next == 0 || t.start < next) {
			next = t.start
		}
	}
	return next, next != 0
}
