package archive

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"
)

const (
	encrypted = 0x1 // of a file header's flags
	// directoryBytes is what one entry of a zip's directory may take, on
	// average: 46, its name and its extra fields.
	directoryBytes = 256
)

// ExtractZip unpacks a zip of size bytes. Its directory is at the end, so all of
// it must be there. What stands before, between and behind entries is ignored,
// as every zip tool does.
func ExtractZip(packed io.ReaderAt, size int64, root *os.Root, l Limits) (Summary, error) {
	src := &sourceAt{r: packed}
	x := newExtractor(root, l, func() int64 { return size })
	err := x.zip(src, size)
	if err != nil {
		err = fmt.Errorf("unpack %s: %w", Zip, src.explain(err))
	}
	return x.Summary, err
}

func (x *extractor) zip(src *sourceAt, size int64) error {
	// The package makes a struct of each entry it meets, whatever number the
	// directory declares.
	src.left = int64(x.limits.Entries)*directoryBytes + 1<<20
	z, err := zip.NewReader(src, size)
	if err != nil {
		return err
	}
	src.left = -1
	if len(z.File) > x.limits.Entries {
		return fmt.Errorf("%w: %d entries, the limit is %d (MAX_ARCHIVE_FILES)", ErrTooLarge, len(z.File), x.limits.Entries)
	}
	z.RegisterDecompressor(zip.Deflate, flate.NewReader)
	z.RegisterDecompressor(zstd.ZipMethodWinZip, zstd.ZipDecompressor(zstd.WithDecoderMaxWindow(maxWindow)))
	for _, f := range z.File {
		if err := x.zipEntry(f); err != nil {
			return err
		}
	}
	return nil
}

func (x *extractor) zipEntry(f *zip.File) error {
	switch {
	case f.Flags&encrypted != 0:
		return fmt.Errorf("%w: entry %q is encrypted", ErrUnsupported, short(f.Name))
	case f.Mode().IsDir():
		return x.folder(f.Name)
	case !f.Mode().IsRegular():
		return fmt.Errorf("%w %q: it is %s; only files and folders are unpacked", ErrUnsafe, short(f.Name), modeName(f.Mode()))
	case f.UncompressedSize64 > uint64(x.limits.Bytes):
		return fmt.Errorf("entry %q of %d bytes: %w: over the limit of %d bytes (MAX_MODEL_BYTES)", short(f.Name), f.UncompressedSize64, ErrTooLarge, x.limits.Bytes)
	}
	content, err := f.Open()
	if errors.Is(err, zip.ErrAlgorithm) {
		return fmt.Errorf("%w: entry %q is compressed by method %d", ErrUnsupported, short(f.Name), f.Method)
	}
	if err != nil {
		return fmt.Errorf("entry %q: %w", short(f.Name), err)
	}
	defer func() { _ = content.Close() }() // its checksum is compared at the end of reading
	return x.file(f.Name, int64(f.UncompressedSize64), content)
}

func modeName(m fs.FileMode) string {
	switch {
	case m&fs.ModeSymlink != 0:
		return "a symbolic link"
	case m&fs.ModeDevice != 0:
		return "a device"
	case m&fs.ModeNamedPipe != 0:
		return "a fifo"
	}
	return "neither a file nor a folder"
}

// sourceAt is the packed file. While left is not negative, it bounds the bytes
// that are read.
type sourceAt struct {
	r    io.ReaderAt
	left int64
	err  error
}

func (s *sourceAt) ReadAt(p []byte, off int64) (int, error) {
	if s.left >= 0 {
		if s.left -= int64(len(p)); s.left < 0 {
			s.err = fmt.Errorf("%w: its directory goes beyond the limit of entries", ErrTooLarge)
			s.left = 0
			return 0, s.err
		}
	}
	n, err := s.r.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

func (s *sourceAt) explain(err error) error {
	if s.err != nil {
		return s.err
	}
	return (&source{}).explain(err)
}
