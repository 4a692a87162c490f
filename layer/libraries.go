package main

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/tensorlambda/tensorlambda/internal/libtensorflow/packed"
)

// libraries are what is packed, in the order in which they are loaded.
var libraries = []string{packed.Framework, packed.CC}

// extractLibraries writes the libraries of a wheel to dir, cut. It returns where each has
// its tables for exceptions.
func extractLibraries(ctx context.Context, files *zip.Reader, w wheel, dir string, p *progress) (map[string][]extent, error) {
	unwinding := make(map[string][]extent)
	for _, name := range libraries {
		path := filepath.Join(dir, name)
		if err := extract(ctx, files, "tensorflow/"+name, path, p); err != nil {
			return nil, fmt.Errorf("extract %s: %w", name, err)
		}
		tables, err := inspect(path)
		if err != nil {
			return nil, err
		}
		unwinding[name] = tables
		if err := cut(path, w.arch); err != nil {
			return nil, err
		}
	}
	return unwinding, nil
}

// extract trusts the sizes that the wheel states: its SHA-256 is pinned.
func extract(ctx context.Context, files *zip.Reader, name, path string, p *progress) (err error) {
	src, err := files.Open(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	info, err := src.Stat()
	if err != nil {
		return err
	}
	dst, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dst.Close()) }()
	step := p.step(info.Size(), "extract %s", filepath.Base(name))
	_, err = io.Copy(dst, &watched{ctx, src, step})
	return err
}

// watched reports what is read and ends with the context.
type watched struct {
	ctx  context.Context
	r    io.Reader
	step func(bytes int64)
}

func (w *watched) Read(b []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := w.r.Read(b)
	w.step(int64(n))
	return n, err
}

// packLibraries packs the libraries in from into the empty folder to, and
// inflates them once to see that they come out again.
func packLibraries(ctx context.Context, w wheel, from, to string, warmth map[string]warmth, p *progress) (packed.Manifest, error) {
	var sources []packed.Source
	var total int64
	for _, name := range libraries {
		f, err := os.Open(filepath.Join(from, name))
		if err != nil {
			return packed.Manifest{}, err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return packed.Manifest{}, err
		}
		late, err := lateRegions(f, info.Size(), warmth[name])
		if err != nil {
			return packed.Manifest{}, fmt.Errorf("%s: %w", name, err)
		}
		sources = append(sources, packed.Source{Name: name, Size: info.Size(), Reader: f, Late: late})
		total += info.Size()
	}
	step, last := p.step(total, "pack libtensorflow %s", w), int64(0)
	m, err := packed.Pack(ctx, to, packed.Build{TensorFlow: w.version, Arch: w.arch}, sources, packed.PackOptions{
		NewEncoder: newEncoder,
		Progress:   func(done, _ int64) { step(done - last); last = done },
	})
	if err != nil {
		return packed.Manifest{}, err
	}
	return m, verify(ctx, to)
}

// verify inflates a packed library to nowhere: every frame's CRC32C is checked.
func verify(ctx context.Context, dir string) error {
	lib, err := packed.Open(dir)
	if err != nil {
		return err
	}
	err = lib.Inflate(ctx, func(packed.Entry) (io.WriterAt, error) { return nowhere{}, nil }, packed.InflateOptions{})
	return errors.Join(err, lib.Close())
}

type nowhere struct{}

func (nowhere) WriteAt(b []byte, _ int64) (int, error) { return len(b), nil }
