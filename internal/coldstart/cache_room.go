package coldstart

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"
)

// makeRoom removes unused entries, the longest unused first, until need bytes
// are free. It reports what is free then, which may be less.
func (c *cache) makeRoom(need int64) (free int64, err error) {
	free, err = c.free()
	if err != nil || free >= need {
		return free, err
	}
	names, err := c.oldestFirst()
	for _, name := range names {
		removed, removeErr := c.removeUnused(name)
		if err = errors.Join(err, removeErr); err != nil || !removed {
			continue
		}
		if free, err = c.free(); err != nil || free >= need {
			break
		}
	}
	return free, err
}

func (c *cache) oldestFirst() ([]string, error) {
	names, err := c.names()
	if err != nil {
		return nil, err
	}
	used := make(map[string]time.Time, len(names))
	names = slices.DeleteFunc(names, func(name string) bool {
		info, err := c.root.Lstat(name)
		if err != nil || strings.HasPrefix(name, unfinished) {
			return true
		}
		used[name] = info.ModTime()
		return false
	})
	slices.SortFunc(names, func(a, b string) int { return used[a].Compare(used[b]) })
	return names, nil
}

// noSpace says how much is missing where the disk is full; other errors stay.
func (c *cache) noSpace(err error, need int64) error {
	if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) {
		return err
	}
	free, _ := c.free() // a second error says nothing new
	return fmt.Errorf("%w: %w", c.spaceError(need, free), err)
}

func (c *cache) spaceError(need, free int64) error {
	return fmt.Errorf("%w: it needs at least %d bytes in %s, %d are free: raise EphemeralStorage or remove files", ErrNoSpace, need, c.dir, free)
}
