package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// publish makes dir the staged folder, which must be on the same file system,
// and removes what dir was. Whoever looks at dir sees the old folder or the
// new one, never a mixture. A folder that has files but not one named mark was
// made by somebody else: it is left alone and is an error.
func publish(staged, dir, mark string) error {
	if err := os.Chmod(staged, 0o755); err != nil { // MkdirTemp's 0700 would go into the layer
		return err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return os.Rename(staged, dir)
	}
	if err != nil {
		return err
	}
	if _, err := os.Lstat(filepath.Join(dir, mark)); len(entries) > 0 && err != nil {
		return fmt.Errorf("%s holds files that this program did not make (no %s among them): empty it or choose another folder", dir, mark)
	}
	if err := exchange(staged, dir); err != nil {
		return fmt.Errorf("replace %s: %w", dir, err)
	}
	return os.RemoveAll(staged)
}

// exchangeByRenames is exchange for systems and file systems that cannot do it
// in one step. Killed between the renames it leaves no dir, which the next run
// makes again.
func exchangeByRenames(a, b string) error {
	aside := a + ".old"
	if err := os.Rename(b, aside); err != nil {
		return err
	}
	if err := os.Rename(a, b); err != nil {
		return errors.Join(err, os.Rename(aside, b))
	}
	return os.Rename(aside, a)
}
