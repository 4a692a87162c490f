package blob

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// maxTemporaryName is how much of a file's name its temporary name repeats: names have
// 255 bytes at most.
const maxTemporaryName = 200

// fileUpload writes a file under another name in the same folder, ".NAME.tmp-…", and
// renames it. The file of a killed process stays under that name.
type fileUpload struct {
	ctx     context.Context
	uri     URI
	options CreateOptions
	path    string // of the file, behind links
	file    *os.File
	size    int64
	err     error // final
}

// Create starts to write a file, in a folder that is made if missing. A link is
// followed, and the file that it leads to replaced.
func (f *Files) Create(ctx context.Context, u URI, o CreateOptions) (Upload, error) {
	file, path, err := createTemporary(u, o)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", u, err)
	}
	return &fileUpload{ctx: ctx, uri: u, options: o, path: path, file: file}, nil
}

func createTemporary(u URI, o CreateOptions) (file *os.File, path string, err error) {
	if err := o.check(u); err != nil {
		return nil, "", err
	}
	if path, err = target(u.Key); err != nil {
		return nil, "", err
	}
	folder, name := filepath.Split(path)
	if err := os.MkdirAll(filepath.Clean(folder), 0o755); err != nil {
		return nil, "", writeFileError(err)
	}
	name = name[:min(len(name), maxTemporaryName)]
	temporary := filepath.Join(folder, "."+name+".tmp-"+rand.Text()[:10])
	// Made with the mode that it will keep, since only the kernel knows the umask.
	file, err = os.OpenFile(temporary, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, "", writeFileError(err)
	}
	return file, path, nil
}

// target is the path of the file that is to be written.
func target(path string) (string, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return path, nil
	case err != nil:
		return "", writeFileError(err)
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("there is something else than a regular file: %v", info.Mode().Type())
	}
	return filepath.EvalSymlinks(path)
}

// Write implements io.Writer.
func (w *fileUpload) Write(p []byte) (int, error) {
	if err := w.alive(); err != nil {
		return 0, err
	}
	n, err := w.file.Write(p)
	w.size += int64(n)
	if err != nil {
		return n, w.fail(err)
	}
	return n, nil
}

// Rewrite implements Upload.
func (w *fileUpload) Rewrite(head []byte) error {
	if err := w.alive(); err != nil {
		return err
	}
	if int64(len(head)) > w.size {
		return fmt.Errorf("rewrite %s: %w: %d bytes of %d", w.uri, errHead, len(head), w.size)
	}
	if _, err := w.file.WriteAt(head, 0); err != nil {
		return w.fail(err)
	}
	return nil
}

// Commit implements Upload.
func (w *fileUpload) Commit(ctx context.Context) (Object, error) {
	if err := errors.Join(w.alive(), context.Cause(ctx)); err != nil {
		return Object{}, err
	}
	err := w.file.Sync()
	info, statErr := w.file.Stat()
	if err := errors.Join(err, statErr, w.file.Close()); err != nil {
		return Object{}, w.fail(err)
	}
	if err := w.publish(); err != nil {
		return Object{}, w.fail(err)
	}
	w.err = errDone
	return fileObject(w.uri, info), nil
}

// Abort implements Upload.
func (w *fileUpload) Abort() error {
	if errors.Is(w.err, errDone) || errors.Is(w.err, errAborted) {
		return nil
	}
	w.err = errAborted
	w.file.Close() // Commit may have closed it already
	if err := os.Remove(w.file.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("abort %s: %w", w.uri, writeFileError(err))
	}
	return nil
}

// publish gives the file its name, if the condition holds. The lock keeps other
// uploads of this package from changing the file between a look at it and the rename;
// where a file system has no such locks, two of them at the same moment may both win.
func (w *fileUpload) publish() error {
	folder, err := os.Open(filepath.Dir(w.path))
	if err != nil {
		return err
	}
	defer folder.Close() // ends the lock
	_ = unix.Flock(int(folder.Fd()), unix.LOCK_EX)
	if err := w.place(); err != nil {
		return err
	}
	if err := folder.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) { // some file systems have none for folders
		return err
	}
	return nil
}

func (w *fileUpload) place() error {
	if w.options.Absent {
		err := os.Link(w.file.Name(), w.path)
		if errors.Is(err, fs.ErrExist) {
			return ErrConflict
		}
		if err != nil {
			return err
		}
		return os.Remove(w.file.Name())
	}
	if w.options.Replaces != "" {
		info, err := os.Stat(w.path)
		if errors.Is(err, fs.ErrNotExist) || err == nil && fileObject(w.uri, info).ETag != w.options.Replaces {
			return ErrConflict
		}
		if err != nil {
			return err
		}
	}
	return os.Rename(w.file.Name(), w.path)
}

// alive is why nothing more can be written.
func (w *fileUpload) alive() error {
	if w.err == nil && w.ctx.Err() != nil {
		return w.fail(context.Cause(w.ctx))
	}
	return w.err
}

// fail makes an error the last word.
func (w *fileUpload) fail(err error) error {
	w.err = fmt.Errorf("create %s: %w", w.uri, writeFileError(err))
	return w.err
}

// Delete removes files.
func (f *Files) Delete(ctx context.Context, uris []URI) error {
	var errs []error
	for _, u := range uris {
		if err := context.Cause(ctx); err != nil {
			return errors.Join(append(errs, err)...)
		}
		// os.Remove would take an empty folder too.
		if err := syscall.Unlink(u.Key); err != nil && !errors.Is(fileError(err), ErrNotFound) {
			errs = append(errs, fmt.Errorf("delete %s: %w", u, writeFileError(err)))
		}
	}
	return errors.Join(errs...)
}

// writeFileError is fileError where a path that cannot be made is no missing object.
func writeFileError(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fileError(err)
	}
	return err
}
