package libtensorflow

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
)

// Tags of the dynamic section under which deferInit keeps what the loader would run.
// They are in the range for systems (DT_LOOS to DT_HIOS), where glibc's loader reads
// over those that it does not know; libtensorflow_construct finds the first three. What
// would be run when the process ends by exit is hidden for good: it is code, which may not
// be there, and what C++ objects need is registered by the constructors.
var deferred = map[elf.DynTag]uint64{
	elf.DT_INIT: 0x60de0001, elf.DT_INIT_ARRAY: 0x60de0002, elf.DT_INIT_ARRAYSZ: 0x60de0003,
	elf.DT_FINI: 0x60de0004, elf.DT_FINI_ARRAY: 0x60de0005, elf.DT_FINI_ARRAYSZ: 0x60de0006,
}

// deferInit hides a library's constructors from the loader, in the copy of the library
// that is about to be mapped: the code that they are may come later, and construct runs
// them then.
func deferInit(f *os.File) error {
	library, err := elf.NewFile(f)
	if err != nil {
		return fmt.Errorf("%s: %w: %w", f.Name(), err, ErrUnusable)
	}
	for _, p := range library.Progs {
		if p.Type != elf.PT_DYNAMIC {
			continue
		}
		section := make([]byte, p.Filesz)
		if _, err := f.ReadAt(section, int64(p.Off)); err != nil {
			return fmt.Errorf("%s: dynamic section: %w", f.Name(), err)
		}
		const entry = 16
		for at := 0; at+entry <= len(section); at += entry {
			tag := elf.DynTag(binary.LittleEndian.Uint64(section[at:]))
			if tag == elf.DT_NULL {
				break
			}
			if hidden, ok := deferred[tag]; ok {
				binary.LittleEndian.PutUint64(section[at:], hidden)
			}
		}
		if _, err := f.WriteAt(section, int64(p.Off)); err != nil {
			return fmt.Errorf("%s: dynamic section: %w", f.Name(), err)
		}
	}
	return nil
}
