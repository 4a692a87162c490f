package libtensorflow

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tensorlambda/tensorlambda/internal/libtensorflow/packed"
	"github.com/tensorlambda/tensorlambda/internal/privatedir"
)

// inTemporary inflates into files of a folder that is named by the libraries'
// checksums, or finds them there whole: a Lambda environment keeps /tmp when it
// is reset.
func inTemporary(ctx context.Context, library *packed.Library, opts Options, info *Info) error {
	base := opts.TempDir
	if base == "" {
		base = os.TempDir()
	}
	manifest := library.Manifest()
	dir := filepath.Join(base, folderName(manifest))
	root, err := privatedir.Open(dir)
	if errors.Is(err, privatedir.ErrUnsafe) {
		return fmt.Errorf("%w: %w", ErrUnusable, err)
	}
	if err != nil {
		return err
	}
	defer root.Close()
	info.Place = Temporary
	if !whole(root, manifest) {
		if err := makeRoom(dir, manifest.Size()); err != nil {
			return err
		}
		start := time.Now()
		if err := inflateInto(ctx, library, dir, packed.InflateOptions{NewDecoder: newDecoder, Workers: opts.Workers, Progress: opts.progress(info.Bytes)}); err != nil {
			return err
		}
		info.Stages = append(info.Stages, Stage{Name: "inflate", Start: start, End: time.Now(), Bytes: info.Bytes})
	}
	return mapFolder(dir, info)
}

// folderName changes with every library of the manifest: packing anew changes
// their bytes and rarely their sizes, which are all that whole compares.
func folderName(manifest packed.Manifest) string {
	h := sha256.New()
	for _, e := range manifest.Libraries {
		fmt.Fprintf(h, "%s %d %s\n", e.Name, e.Size, e.SHA256)
	}
	return "tensorlambda-lib-" + hex.EncodeToString(h.Sum(nil)[:8])
}

// tempPrefix marks files that are being written. A library gets its name when
// all of it is there, so the name is the mark of completeness. There is no sync
// before: it takes 200 ms and more for 634 MB, and /tmp of a Lambda environment
// does not outlive a loss of power. Elsewhere it may, with names and sizes but
// not the bytes: the cure is to remove the folder.
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
		return f, f.Truncate(e.Size) // zeros at its end are not written
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

// whole reports whether root holds every library of the manifest.
func whole(root *os.Root, manifest packed.Manifest) bool {
	for _, e := range manifest.Libraries {
		info, err := root.Lstat(e.Name)
		if err != nil || !info.Mode().IsRegular() || info.Size() != e.Size || !privatedir.Owned(info) {
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
	free, err := privatedir.Free(dir)
	if err != nil {
		return err
	}
	if free < size {
		return fmt.Errorf("%w: it needs %d MB in %s, which has %d MB free: give the function more memory or more EphemeralStorage",
			ErrNoSpace, size/1e6, dir, free/1e6)
	}
	return nil
}
