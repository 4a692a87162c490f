package main

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tensorlambda/tensorlambda/layer/abi"
)

// Where the section table is described in the header of a 64-bit ELF file.
const (
	offsetShoff    = 0x28 // 8 bytes
	offsetShnum    = 0x3c // 2 bytes, then 2 bytes of e_shstrndx
	lengthShnumStr = 4
)

var errELF = errors.New("not the shared library that was expected")

// cut removes from a shared library what the loader never maps: symbols and
// debug information for linkers, a quarter of libtensorflow. It truncates the
// file after its last segment and removes the section table from the header,
// as strip -s would, but for any architecture and without binutils. It fails
// with errELF where the file is not a 64-bit little-endian shared library for
// arch, and then leaves it as it is.
func cut(path, arch string) (err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	end, err := mappedEnd(f, abi.Machines[arch])
	if err != nil {
		return fmt.Errorf("cut %s: %w", path, err)
	}
	for offset, length := range map[int64]int{offsetShoff: 8, offsetShnum: lengthShnumStr} {
		if _, err := f.WriteAt(make([]byte, length), offset); err != nil {
			return err
		}
	}
	return f.Truncate(end)
}

// mappedEnd is the offset behind the last byte of any segment. Segments other
// than PT_LOAD lie within one of those, but nothing forces them to.
func mappedEnd(f *os.File, machine elf.Machine) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	lib, err := elf.NewFile(f)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errELF, err)
	}
	switch {
	case lib.Class != elf.ELFCLASS64 || lib.Data != elf.ELFDATA2LSB:
		return 0, fmt.Errorf("%w: %s %s", errELF, lib.Class, lib.Data)
	case lib.Type != elf.ET_DYN:
		return 0, fmt.Errorf("%w: its type is %s", errELF, lib.Type)
	case lib.Machine != machine:
		return 0, fmt.Errorf("%w: it is for %s, not %s", errELF, lib.Machine, machine)
	}
	var end uint64
	for _, p := range lib.Progs {
		end = max(end, p.Off+p.Filesz)
	}
	if end == 0 || end > uint64(info.Size()) {
		return 0, fmt.Errorf("%w: its segments end at %d of %d bytes", errELF, end, info.Size())
	}
	return int64(end), nil
}

// extent is a range of a file, from its first byte to behind its last.
type extent struct{ from, to int64 }

// inspect looks at a library that is not cut yet: it must find on provided.al2023 what it
// needs. The extents are the sections that nothing but an exception reads.
func inspect(path string) ([]extent, error) {
	lib, err := elf.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", path, errELF, err)
	}
	defer lib.Close()
	if err := abi.Check(lib, filepath.Base(path), libraries...); err != nil {
		return nil, err
	}
	var tables []extent
	for _, name := range []string{".gcc_except_table", ".eh_frame_hdr", ".eh_frame"} {
		s := lib.Section(name)
		if s == nil || s.Type == elf.SHT_NOBITS {
			continue
		}
		from, to := int64(s.Offset), int64(s.Offset+s.FileSize)
		const padding = 64 // the most between two sections that lie side by side
		if n := len(tables); n > 0 && from >= tables[n-1].to && from-tables[n-1].to < padding {
			tables[n-1].to = to
			continue
		}
		tables = append(tables, extent{from, to})
	}
	return tables, nil
}
