package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/tensorlambda/tensorlambda/internal/libtensorflow/packed"
)

// installRaw replaces dir by the unpacked libraries, with their SHA-256 in a
// file that sha256sum -c reads.
func installRaw(ctx context.Context, from, staging, dir string, p *progress) (err error) {
	lib, err := packed.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lib.Close()) }()
	m := lib.Manifest()
	if rawCurrent(dir, m) {
		return nil
	}
	staged, err := os.MkdirTemp(staging, "raw-")
	if err != nil {
		return err
	}
	if err := unpack(ctx, lib, staged, p); err != nil {
		return err
	}
	for _, e := range m.Libraries {
		if err := checkHash(filepath.Join(staged, e.Name), e.SHA256); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(staged, stampName), rawStamp(m), 0o644); err != nil {
		return err
	}
	return publish(staged, dir, stampName)
}

func unpack(ctx context.Context, lib *packed.Library, dir string, p *progress) (err error) {
	var open []*os.File
	defer func() {
		for _, f := range open {
			err = errors.Join(err, f.Close())
		}
	}()
	return lib.Inflate(ctx, func(e packed.Entry) (io.WriterAt, error) {
		f, err := os.Create(filepath.Join(dir, e.Name))
		if err != nil {
			return nil, err
		}
		open = append(open, f)
		return f, nil
	}, packed.InflateOptions{Progress: p.step(lib.Manifest().Size(), "unpack libtensorflow %s", lib.Manifest().TensorFlow)})
}

// rawCurrent reports whether dir holds the libraries of m. It trusts the sums
// that installRaw wrote and looks at sizes only.
func rawCurrent(dir string, m packed.Manifest) bool {
	if !stamped(dir, rawStamp(m)) {
		return false
	}
	for _, e := range m.Libraries {
		if info, err := os.Stat(filepath.Join(dir, e.Name)); err != nil || info.Size() != e.Size {
			return false
		}
	}
	return true
}

func rawStamp(m packed.Manifest) []byte {
	var b bytes.Buffer
	for _, e := range m.Libraries {
		fmt.Fprintf(&b, "%s  %s\n", e.SHA256, e.Name)
	}
	return b.Bytes()
}
