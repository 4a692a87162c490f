package test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/libtensorflow/packed"
)

// rawLibrary is a folder with the library unpacked, which the program opens as
// it is. Tests whose matter is not the library use it: a start then costs a
// fifth of the processor time.
func rawLibrary(t *testing.T) string {
	t.Helper()
	dir, err := unpackOnce()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// raw is the setting for rawLibrary.
func raw(t *testing.T) string {
	t.Helper()
	return "TENSORFLOW_LIB=" + rawLibrary(t)
}

var unpackOnce = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(scratch, "library")
	return dir, unpack(dir)
})

func unpack(dir string) (err error) {
	l, err := packed.Open(library)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	var files []*os.File
	defer func() {
		for _, f := range files {
			err = errors.Join(err, f.Close())
		}
	}()
	create := func(e packed.Entry) (io.WriterAt, error) {
		f, err := os.Create(filepath.Join(dir, e.Name))
		if err != nil {
			return nil, err
		}
		files = append(files, f)
		return f, nil
	}
	return l.Inflate(context.Background(), create, packed.InflateOptions{})
}
