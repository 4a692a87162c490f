package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/tensorlambda/tensorlambda/internal/libtensorflow"
	"github.com/tensorlambda/tensorlambda/internal/libtensorflow/packed"
)

// version is set by the linker.
var version = "unknown"

// versionCommand reads the manifest of a packed library, and does not open the
// library, which would take half a second. A raw one has no manifest: it is
// opened to ask it, and hashed.
func versionCommand(ctx context.Context, cfg config, args []string, stdout io.Writer) error {
	others, err := parseFlags(flag.NewFlagSet("version", flag.ContinueOnError), args)
	if err != nil {
		return err
	}
	if len(others) > 0 {
		return usageError{fmt.Errorf("unexpected argument %q", others[0])}
	}
	fmt.Fprintf(stdout, "tensorlambda  %s (%s, linux/%s)\n", version, runtime.Version(), runtime.GOARCH)
	library, err := packed.Open(cfg.LibraryDir)
	if errors.Is(err, fs.ErrNotExist) {
		return rawVersion(ctx, cfg, stdout)
	}
	if err != nil {
		return err
	}
	defer library.Close()
	manifest := library.Manifest()
	fmt.Fprintf(stdout, "tensorflow    %s (%s, packed) in %s\n", manifest.TensorFlow, manifest.Arch, cfg.LibraryDir)
	for _, e := range manifest.Libraries {
		printLibrary(stdout, e.Name, e.Size, e.SHA256)
	}
	return nil
}

func rawVersion(ctx context.Context, cfg config, stdout io.Writer) error {
	info, err := libtensorflow.Open(ctx, libtensorflow.Options{Dir: cfg.LibraryDir})
	if errors.Is(err, libtensorflow.ErrMissing) {
		fmt.Fprintf(stdout, "tensorflow    none in %s; run `make layer`, or set TENSORFLOW_LIB\n", cfg.LibraryDir)
		return nil
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "tensorflow    %s (%s, raw) in %s\n", info.Version, runtime.GOARCH, cfg.LibraryDir)
	for _, name := range []string{packed.Framework, packed.CC} {
		f, err := os.Open(filepath.Join(cfg.LibraryDir, name))
		if err != nil {
			return err
		}
		sum := sha256.New()
		size, err := io.Copy(sum, f)
		if err := errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("checksum of %s: %w", name, err)
		}
		printLibrary(stdout, name, size, fmt.Sprintf("%x", sum.Sum(nil)))
	}
	return nil
}

func printLibrary(w io.Writer, name string, size int64, sum string) {
	fmt.Fprintf(w, "%-29s %11d bytes  sha256 %s\n", name, size, sum)
}
