package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"

	"github.com/tensorlambda/tensorlambda/internal/libtensorflow/packed"
)

// version is set by the linker.
var version = "unknown"

// versionCommand reads the manifest of the packed library, and does not open the
// library, which would take half a second.
func versionCommand(cfg config, args []string, stdout io.Writer) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("unexpected argument %q", args[0])}
	}
	fmt.Fprintf(stdout, "tensorlambda  %s (%s, linux/%s)\n", version, runtime.Version(), runtime.GOARCH)
	library, err := packed.Open(cfg.LibraryDir)
	if errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(stdout, "tensorflow    not packed in %s; run `make layer`, or set TENSORFLOW_LIB\n", cfg.LibraryDir)
		return nil
	}
	if err != nil {
		return err
	}
	defer library.Close()
	manifest := library.Manifest()
	fmt.Fprintf(stdout, "tensorflow    %s (%s) in %s\n", manifest.TensorFlow, manifest.Arch, cfg.LibraryDir)
	for _, e := range manifest.Libraries {
		fmt.Fprintf(stdout, "%-29s %11d bytes  sha256 %s\n", e.Name, e.Size, e.SHA256)
	}
	return nil
}
