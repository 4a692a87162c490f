package archive

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"
)

// claim checks an entry's name against the ones before and returns it cleaned.
func (x *extractor) claim(raw string, isFile bool) (string, error) {
	if err := x.count(raw); err != nil {
		return "", err
	}
	name, err := cleanName(raw)
	if err != nil {
		return "", err
	}
	if was, seen := x.isFile[name]; seen && (was || isFile) {
		if was && isFile {
			return "", fmt.Errorf("%w %q: it is there twice", ErrUnsafe, raw)
		}
		return "", fmt.Errorf("%w %q: it is both a file and a folder", ErrUnsafe, raw)
	}
	x.isFile[name] = isFile
	for dir := parent(name); dir != "."; dir = parent(dir) {
		was, seen := x.isFile[dir]
		if was {
			return "", fmt.Errorf("%w %q: %q is both a file and a folder", ErrUnsafe, raw, dir)
		}
		if seen {
			break
		}
		if err := x.count(raw); err != nil {
			return "", err
		}
		x.isFile[dir] = false
	}
	return name, nil
}

// count takes one of the entries that the limit allows, for the header of that
// name or for a folder that it implies.
func (x *extractor) count(raw string) error {
	if x.entries >= x.limits.Entries {
		return fmt.Errorf("entry %q: %w: over the limit of %d entries (MAX_ARCHIVE_FILES)", short(raw), ErrTooLarge, x.limits.Entries)
	}
	x.entries++
	return nil
}

// cleanName refuses a name that could mean another place, here or on another
// system, instead of making a harmless one of it: what a hostile name was meant
// to be is anybody's guess.
func cleanName(raw string) (string, error) {
	reason := ""
	switch {
	case raw == "":
		reason = "its name is empty"
	case len(raw) > maxName:
		reason = fmt.Sprintf("its name has %d bytes, the limit is %d", len(raw), maxName)
	case strings.ContainsRune(raw, 0):
		reason = "its name holds NUL"
	case strings.Contains(raw, `\`):
		reason = "its name holds a backslash"
	case strings.HasPrefix(raw, "/"):
		reason = "its name is absolute"
	case hasDotDot(raw):
		reason = "its name holds .."
	case !filepath.IsLocal(path.Clean(raw)):
		reason = "its name leads out of the folder"
	case strings.Count(path.Clean(raw), "/") > maxDepth:
		reason = fmt.Sprintf("it lies %d folders deep, the limit is %d", strings.Count(path.Clean(raw), "/"), maxDepth)
	}
	if reason != "" {
		return "", fmt.Errorf("%w %q: %s", ErrUnsafe, short(raw), reason)
	}
	return path.Clean(raw), nil
}

func hasDotDot(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return true
		}
	}
	return false
}

func parent(name string) string { return path.Dir(name) }

// short keeps a name of megabytes out of the logs.
func short(name string) string {
	const most = 128
	if len(name) > most {
		return name[:most] + "…"
	}
	return name
}
