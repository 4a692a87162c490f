// Package archive unpacks models from tar and zip archives that nobody vouches
// for: into one folder and never beside it, within limits, files and folders
// only.
package archive

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// The kinds of failure. What was written until then stays in the folder: the
// caller removes it. Errors of the packed stream and of the file system come
// back as they are, wrapped.
var (
	// ErrCorrupt is an archive that is damaged, cut off, or none at all.
	ErrCorrupt = errors.New("corrupt archive")
	// ErrUnsafe is an entry that a model has no need of and an attacker has:
	// a link, a device, a name that leads out of the folder.
	ErrUnsafe = errors.New("unsafe archive entry")
	// ErrTooLarge is an archive over one of the limits.
	ErrTooLarge = errors.New("archive too large")
	// ErrUnsupported is a feature of the format that is not implemented:
	// encryption, rare compression.
	ErrUnsupported = errors.New("unsupported archive")
)

// Format is a kind of archive, named by its usual extension.
type Format string

// The formats that can be unpacked.
const (
	Tar     Format = ".tar"
	TarGzip Format = ".tar.gz"
	TarZstd Format = ".tar.zst"
	Zip     Format = ".zip"
)

var extensions = []struct {
	extension string
	format    Format
}{
	{".tar.gz", TarGzip}, {".tgz", TarGzip}, {".tar.zst", TarZstd}, {".tar", Tar}, {".zip", Zip},
}

// FormatOf tells the format from a file's name and returns the name without the
// extension; the format is empty where there is none of these.
func FormatOf(name string) (Format, string) {
	lower := strings.ToLower(name)
	for _, e := range extensions {
		if strings.HasSuffix(lower, e.extension) {
			return e.format, name[:len(name)-len(e.extension)]
		}
	}
	return "", name
}

// Limits bound what an archive may unpack to. The zero value means defaults.
type Limits struct {
	Bytes int64 // of all files together; 0 means 8 GiB
	// Entries is how many files and folders there may be, also folders that only
	// names of others imply; every header counts, even one that yields neither.
	// 0 means 100 000.
	Entries int
	// Ratio is how many bytes each packed byte may become; 0 means 1000. It is
	// first looked at after a MiB.
	Ratio int64
}

const (
	maxName = 1024 // bytes of an entry's name
	// maxDepth is how many folders an entry may lie in. A model needs a few; each
	// folder costs the disk a block and the archive two bytes.
	maxDepth = 32
	// ratioFloor is how much may be unpacked before the ratio counts: small
	// files of zeros are no attack.
	ratioFloor = 1 << 20
	copyBuffer = 256 << 10
)

func (l Limits) withDefaults() Limits {
	if l.Bytes == 0 {
		l.Bytes = 8 << 30
	}
	if l.Entries == 0 {
		l.Entries = 100_000
	}
	if l.Ratio == 0 {
		l.Ratio = 1000
	}
	return l
}

// Summary is what an archive held.
type Summary struct {
	Files   int
	Folders int   // those with an entry of their own
	Bytes   int64 // of all files
}

// extractor writes entries below root and keeps to the limits.
type extractor struct {
	root   *os.Root
	limits Limits
	packed func() int64 // bytes of the archive used so far
	isFile map[string]bool
	// entries is what counts against the limit, so more than Files and Folders.
	entries int
	buf     []byte
	Summary
}

func newExtractor(root *os.Root, l Limits, packed func() int64) *extractor {
	return &extractor{
		root:   root,
		limits: l.withDefaults(),
		packed: packed,
		isFile: map[string]bool{".": false},
		buf:    make([]byte, copyBuffer),
	}
}

// folder makes a folder. Many tools write entries for a folder twice, so that
// is no error.
func (x *extractor) folder(raw string) error {
	name, err := x.claim(raw, false)
	if err != nil || name == "." {
		return err
	}
	x.Folders++
	return x.root.MkdirAll(name, 0o700)
}

// file writes a file of the given size, which has been declared and need not be
// true.
func (x *extractor) file(raw string, size int64, content io.Reader) error {
	name, err := x.claim(raw, true)
	if err != nil {
		return err
	}
	if size < 0 || size > x.limits.Bytes-x.Bytes {
		return fmt.Errorf("entry %q of %d bytes: %w: over the limit of %d bytes (MAX_MODEL_BYTES)", raw, size, ErrTooLarge, x.limits.Bytes)
	}
	if err := x.root.MkdirAll(parent(name), 0o700); err != nil {
		return err
	}
	f, err := x.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	x.Files++
	_, err = io.CopyBuffer(&metered{f: f, x: x}, content, x.buf)
	if err == nil {
		return f.Close()
	}
	f.Close()
	return fmt.Errorf("entry %q: %w", raw, err)
}

// metered writes a file and ends it where a limit is passed.
type metered struct {
	f *os.File
	x *extractor
}

func (m *metered) Write(p []byte) (int, error) {
	m.x.Bytes += int64(len(p))
	if m.x.Bytes > m.x.limits.Bytes {
		return 0, fmt.Errorf("%w: over the limit of %d bytes (MAX_MODEL_BYTES)", ErrTooLarge, m.x.limits.Bytes)
	}
	if packed := m.x.packed(); m.x.Bytes > ratioFloor && m.x.Bytes/m.x.limits.Ratio > packed {
		return 0, fmt.Errorf("%w: %d bytes out of %d packed ones, the limit is %d for each (MAX_INFLATE_RATIO)", ErrTooLarge, m.x.Bytes, packed, m.x.limits.Ratio)
	}
	n, err := m.f.Write(p)
	if err != nil {
		err = &writeError{err}
	}
	return n, err
}

// writeError keeps a full disk from being taken for a corrupt archive.
type writeError struct{ err error }

func (e *writeError) Error() string { return e.err.Error() }
func (e *writeError) Unwrap() error { return e.err }
