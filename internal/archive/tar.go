package archive

import (
	"archive/tar"
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const (
	// maxWindow is what a zstd stream may ask to be remembered; zstd's own tool
	// stops at this size too, unless told otherwise.
	maxWindow = 128 << 20
	// maxPadding is how many zeros may follow the end of a tar.
	maxPadding = 16 << 20
	blockSize  = 512
	// headerBytes is what the headers of one entry may take, on average, with
	// padding: 512, its name and its PAX records.
	headerBytes = 4096
)

// Extract unpacks a tar, plain or compressed, while it arrives. It reads packed
// to its end, so a checksum taken of what it read is that of the whole. Packed
// data may consist of several gzip members or zstd frames; anything else behind
// them is ErrCorrupt, and so is a tar without its end marker, which cannot be
// told from one that was cut off.
func Extract(f Format, packed io.Reader, root *os.Root, l Limits) (Summary, error) {
	src := &source{r: packed}
	x := newExtractor(root, l, src.offset)
	err := extract(f, src, x)
	if err != nil {
		err = fmt.Errorf("unpack %s: %w", f, src.explain(err))
	}
	return x.Summary, err
}

func extract(f Format, src *source, x *extractor) error {
	switch f {
	case Tar:
		return x.tar(src)
	case TarGzip:
		z, err := gzip.NewReader(bufio.NewReaderSize(src, copyBuffer))
		if err != nil {
			return err
		}
		return x.tar(z)
	case TarZstd:
		z, err := zstd.NewReader(src, zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return err
		}
		defer z.Close()
		return x.tar(z)
	}
	return fmt.Errorf("%w: no stream format", ErrUnsupported)
}

func (x *extractor) tar(r io.Reader) error {
	blocks := &blocks{source: source{r: r}, x: x}
	for entries := tar.NewReader(blocks); ; {
		// archive/tar does not say whether the end it reports was marked by a
		// block of zeros, or was only the end of the stream.
		next := (blocks.offset() + blockSize - 1) / blockSize * blockSize
		h, err := entries.Next()
		if errors.Is(err, io.EOF) {
			if blocks.offset() < next+blockSize {
				return fmt.Errorf("%w: it ends after %d bytes without an end marker", ErrCorrupt, blocks.offset())
			}
			return padding(r)
		}
		if err != nil {
			return err
		}
		if err := x.tarEntry(h, entries); err != nil {
			return err
		}
	}
}

func (x *extractor) tarEntry(h *tar.Header, content io.Reader) error {
	switch h.Typeflag {
	case tar.TypeXGlobalHeader:
		return x.count(h.Name) // git archive writes the commit there
	case tar.TypeDir:
		return x.folder(h.Name)
	case tar.TypeReg:
		if isSparse(h) {
			break
		}
		return x.file(h.Name, h.Size, content)
	}
	return fmt.Errorf("%w %q: it is %s; only files and folders are unpacked", ErrUnsafe, short(h.Name), typeName(h.Typeflag))
}

// isSparse finds files with holes in PAX headers, where they look like ordinary
// files: a few bytes can declare terabytes.
func isSparse(h *tar.Header) bool {
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}

func typeName(flag byte) string {
	switch flag {
	case tar.TypeLink:
		return "a hard link"
	case tar.TypeSymlink:
		return "a symbolic link"
	case tar.TypeChar, tar.TypeBlock:
		return "a device"
	case tar.TypeFifo:
		return "a fifo"
	case tar.TypeReg, tar.TypeGNUSparse:
		return "a sparse file"
	}
	return fmt.Sprintf("of the unknown type %q", flag)
}

// padding reads on behind the end of a tar, so that the checks at the end of the
// compressed stream happen. Only zeros may be there.
func padding(r io.Reader) error {
	buf := make([]byte, 32<<10)
	for left := maxPadding; left > 0; {
		n, err := r.Read(buf)
		if !allZero(buf[:n]) {
			return fmt.Errorf("%w: data behind its end", ErrCorrupt)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		left -= n
	}
	return fmt.Errorf("%w: more than %d zeros behind its end", ErrTooLarge, maxPadding)
}

func allZero(p []byte) bool {
	for _, b := range p {
		if b != 0 {
			return false
		}
	}
	return true
}

// blocks is an unpacked tar. It bounds what is not content of files:
// archive/tar reads PAX headers and long names by itself, any number of them
// before it reports one entry.
type blocks struct {
	source
	x *extractor
}

func (b *blocks) Read(p []byte) (int, error) {
	// Content that was read and is not yet written counts here too; it fits into
	// the second term.
	if b.offset()-b.x.Bytes > int64(b.x.limits.Entries)*headerBytes+1<<20 {
		return 0, fmt.Errorf("%w: its headers go beyond the limit of %d entries (MAX_ARCHIVE_FILES)", ErrTooLarge, b.x.limits.Entries)
	}
	return b.source.Read(p)
}

// source counts the bytes of a stream and keeps its own error, since some
// decompressors replace it.
type source struct {
	r   io.Reader
	off atomic.Int64 // zstd reads ahead in a goroutine of its own
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.off.Add(int64(n))
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

func (s *source) offset() int64 { return s.off.Load() }

// explain finds out whose fault an error is.
func (s *source) explain(err error) error {
	var w *writeError
	var p *os.PathError
	switch {
	case s.err != nil:
		return s.err
	case errors.Is(err, ErrCorrupt), errors.Is(err, ErrUnsafe), errors.Is(err, ErrTooLarge), errors.Is(err, ErrUnsupported), errors.As(err, &w), errors.As(err, &p):
		return err
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return fmt.Errorf("%w: %w (a window of at most %d bytes)", ErrTooLarge, err, maxWindow)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: it breaks off: more was expected after byte %d", ErrCorrupt, s.offset())
	}
	return fmt.Errorf("%w: near byte %d: %w", ErrCorrupt, s.offset(), err)
}
