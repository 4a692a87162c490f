package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
)

// maxFolderDepth ends walks into links that lead back up.
const maxFolderDepth = 32

// Files is the store of file URIs. The zero value is ready and safe for
// concurrent use. Symbolic links are followed: whoever names the URI owns this
// machine's files, and mounted volumes are full of them.
type Files struct {
	// MaxObjects is how many files List returns at most; 0 means
	// DefaultMaxObjects.
	MaxObjects int
}

// Stat looks a regular file up. A directory is ErrNotFound, as a prefix is on
// S3.
func (f *Files) Stat(_ context.Context, u URI, versionID string) (Object, error) {
	if versionID != "" {
		return Object{}, fmt.Errorf("stat %s: version %q: files have no versions: %w", u, versionID, ErrNotFound)
	}
	info, err := os.Stat(u.Key)
	if err != nil {
		return Object{}, fmt.Errorf("stat %s: %w", u, fileError(err))
	}
	if !info.Mode().IsRegular() {
		return Object{}, fmt.Errorf("stat %s: not a regular file: %w", u, ErrNotFound)
	}
	return fileObject(u, info), nil
}

// List returns the regular files under a directory, at any depth.
func (f *Files) List(ctx context.Context, prefix URI) ([]Object, error) {
	prefix = prefix.Prefix()
	w := walk{ctx: ctx, limit: f.MaxObjects}
	if w.limit == 0 {
		w.limit = DefaultMaxObjects
	}
	err := w.folder(prefix, 0)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", prefix, fileError(err))
	}
	slices.SortFunc(w.objects, func(a, b Object) int { return strings.Compare(a.URI.Key, b.URI.Key) })
	return w.objects, nil
}

// Open reads a file, which must still be the one that Stat saw.
func (f *Files) Open(ctx context.Context, o Object) (io.ReadCloser, error) {
	return f.OpenRange(ctx, o, 0, o.Size)
}

// OpenRange reads bytes [from, to) of a file as Open does.
func (f *Files) OpenRange(_ context.Context, o Object, from, to int64) (io.ReadCloser, error) {
	if err := o.checkRange(from, to); err != nil {
		return nil, err
	}
	file, err := openFile(o)
	if err != nil {
		return nil, err
	}
	return &fileReader{file: file, object: o, off: from, end: to}, nil
}

// Download copies a file.
func (f *Files) Download(ctx context.Context, o Object, w io.WriterAt) error {
	r, err := f.Open(ctx, o)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.NewOffsetWriter(w, 0), r)
	return errors.Join(err, r.Close())
}

func openFile(o Object) (*os.File, error) {
	file, err := os.Open(o.URI.Key)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", o.URI, fileError(err))
	}
	info, err := file.Stat()
	if err == nil && fileObject(o.URI, info).ETag != o.ETag {
		err = ErrChanged
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", o.URI, err), file.Close())
	}
	return file, nil
}

func fileObject(u URI, info fs.FileInfo) Object {
	return Object{
		URI:     u,
		Size:    info.Size(),
		ETag:    fmt.Sprintf("%x-%x-%x", info.ModTime().UnixNano(), info.Size(), inode(info)),
		ModTime: info.ModTime(),
	}
}

// inode tells a file from the one that it replaced within a tick of the clock.
func inode(info fs.FileInfo) uint64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return stat.Ino
	}
	return 0
}

// fileReader reads bytes [off, end) and holds the file to the size it had when it was
// opened.
type fileReader struct {
	file   *os.File
	object Object
	off    int64
	end    int64
}

func (r *fileReader) Read(p []byte) (int, error) {
	left := r.end - r.off
	if left == 0 {
		return 0, io.EOF
	}
	n, err := r.file.ReadAt(p[:min(int64(len(p)), left)], r.off)
	r.off += int64(n)
	if errors.Is(err, io.EOF) {
		return n, fmt.Errorf("read %s: ends at byte %d of %d: %w", r.object.URI, r.off, r.object.Size, ErrChanged)
	}
	return n, err
}

func (r *fileReader) Close() error { return r.file.Close() }

type walk struct {
	ctx     context.Context
	limit   int
	objects []Object
}

func (w *walk) folder(prefix URI, depth int) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	if depth > maxFolderDepth {
		return fmt.Errorf("%s: folders nested deeper than %d", prefix, maxFolderDepth)
	}
	entries, err := os.ReadDir(prefix.Key)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := w.entry(prefix.Join(e.Name()), depth); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) entry(u URI, depth int) error {
	info, err := os.Stat(u.Key)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil // removed since ReadDir, or a link to nowhere
	case err != nil:
		return err
	case info.IsDir():
		return w.folder(u.Prefix(), depth+1)
	case !info.Mode().IsRegular():
		return nil
	case len(w.objects) == w.limit:
		return fmt.Errorf("%w: over the limit of %d", ErrTooMany, w.limit)
	}
	u.Key = path.Clean(u.Key)
	w.objects = append(w.objects, fileObject(u, info))
	return nil
}

func fileError(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return ErrNotFound
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w to this process's user", ErrAccessDenied)
	}
	return err
}
