package libtensorflow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tensorlambda/tensorlambda/internal/libtensorflow/packed"
)

// inTemporary inflates into files of a folder that is named by the library's
// checksum, or finds them there whole: a Lambda environment keeps /tmp when it
// is reset.
func inTemporary(ctx context.Context, library *packed.Library, opts Options, info *Info) error {
	base := opts.TempDir
	if base == "" {
		base = os.TempDir()
	}
	dir := filepath.Join(base, "tensorlambda-lib-"+info.SHA256[:16])
	if err := privateDir(dir); err != nil {
		return err
	}
	info.Place = Temporary
	if manifest := library.Manifest(); !whole(dir, manifest) {
		if err := makeRoom(dir, manifest.Size()); err != nil {
			return err
		}
		start := time.Now()
		if err := inflateInto(ctx, library, dir, packed.InflateOptions{Workers: opts.Workers, Progress: opts.progress(info.Bytes)}); err != nil {
			return err
		}
		info.Stages = append(info.Stages, Stage{Name: "inflate", Start: start, End: time.Now(), Bytes: info.Bytes})
	}
	return mapFolder(dir, info)
}

// tempPrefix marks files that are being written. A library gets its name when
// all of it is there, so the name is the mark of completeness.
const tempPrefix = ".tmp-"

func inflateInto(ctx context.Context, library *packed.Library, dir string, opts packed.InflateOptions) error {
	files := make(map[string]*os.File)
	defer func() {
		for _, f := range files {
			f.Close()
			os.Remove(f.Name()) // gone already where it got its name
		}
	}()
	dst := func(e packed.Entry) (io.WriterAt, error) {
		f, err := os.CreateTemp(dir, tempPrefix+"*")
		if err != nil {
			return nil, err
		}
		files[e.Name] = f
		return f, nil
	}
	err := library.Inflate(ctx, dst, opts)
	if errors.Is(err, unix.ENOSPC) {
		return fmt.Errorf("%w in %s: %w", ErrNoSpace, dir, err)
	}
	if err != nil {
		return err
	}
	for name, f := range files {
		if err := os.Rename(f.Name(), filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// privateDir makes dir, or accepts one that only we can write to: code is run
// from it, and /tmp is everybody's.
func privateDir(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() || info.Mode().Perm() != 0o700 || !ours(dir) {
		return fmt.Errorf("%s is not a folder of mode 0700 that belongs to this user: remove it: %w", dir, ErrUnusable)
	}
	return nil
}

func ours(path string) bool {
	var stat unix.Stat_t
	return unix.Lstat(path, &stat) == nil && int(stat.Uid) == os.Geteuid()
}

// whole reports whether dir holds every library of the manifest.
func whole(dir string, manifest packed.Manifest) bool {
	for _, e := range manifest.Libraries {
		path := filepath.Join(dir, e.Name)
		info, err := os.Lstat(path)
		if err != nil || !info.Mode().IsRegular() || info.Size() != e.Size || !ours(path) {
			return false
		}
	}
	return true
}

// stale is the age after which a half-written file has no living writer.
const stale = 15 * time.Minute

// makeRoom removes what killed processes left behind and checks that size bytes
// fit.
func makeRoom(dir string, size int64) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err == nil && strings.HasPrefix(entry.Name(), tempPrefix) && time.Since(info.ModTime()) > stale {
			os.Remove(filepath.Join(dir, entry.Name()))
		}
	}
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return fmt.Errorf("free space of %s: %w", dir, err)
	}
	if free := int64(stat.Bavail) * stat.Bsize; free < size {
		return fmt.Errorf("%w: it needs %d MB in %s, which has %d MB free: give the function more memory or more EphemeralStorage",
			ErrNoSpace, size/1e6, dir, free/1e6)
	}
	return nil
}
