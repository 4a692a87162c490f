package main

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/libtensorflow/packed"
)

// build does what the options ask for, each step only where its result is not
// there yet, and prints the summary.
func build(ctx context.Context, o options, stdout io.Writer, p *progress) (err error) {
	start := time.Now()
	if err := os.MkdirAll(o.cache, 0o755); err != nil {
		return err
	}
	held, err := lock(ctx, o.cache, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, held.Close()) }()
	staging, err := newStaging(o.cache)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(staging)) }()

	b := &builder{options: o, staging: staging, progress: p}
	defer func() { err = errors.Join(err, b.close()) }()
	if err := b.headers(ctx); err != nil {
		return fmt.Errorf("headers of TensorFlow %s: %w", o.wheel, err)
	}
	if o.headersOnly {
		return printHeaders(stdout, o.include)
	}
	m, err := b.layer(ctx)
	if err != nil {
		return fmt.Errorf("layer of TensorFlow %s: %w", o.wheel, err)
	}
	return printSummary(stdout, o, m, time.Since(start))
}

// newStaging makes the folder where everything grows before it is published.
// Under the lock, older ones were left by runs that were killed.
func newStaging(cache string) (string, error) {
	left, err := filepath.Glob(filepath.Join(cache, "staging-*"))
	if err != nil {
		return "", err
	}
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			return "", err
		}
	}
	return os.MkdirTemp(cache, "staging-")
}

// builder is one run under the lock.
type builder struct {
	options
	staging  string
	progress *progress
	opened   *zip.ReadCloser // the wheel, once a step needed it
}

// files opens the wheel, fetching it first where the cache has none.
func (b *builder) files(ctx context.Context) (*zip.Reader, error) {
	if b.opened == nil {
		path, err := fetch(ctx, b.python, b.wheel, b.cache, b.staging, b.progress)
		if err != nil {
			return nil, err
		}
		if b.opened, err = zip.OpenReader(path); err != nil {
			return nil, fmt.Errorf("open %s: %w", path, err)
		}
	}
	return &b.opened.Reader, nil
}

func (b *builder) close() error {
	if b.opened == nil {
		return nil
	}
	return b.opened.Close()
}

func (b *builder) headers(ctx context.Context) error {
	if headersCurrent(b.include, b.wheel) {
		return nil
	}
	files, err := b.files(ctx)
	if err != nil {
		return err
	}
	return installHeaders(files, b.wheel, b.staging, b.include)
}

// layer brings the packed library of the wheel to its place, and the raw one
// where it is wanted.
func (b *builder) layer(ctx context.Context) (packed.Manifest, error) {
	cached := packedPath(b.cache, b.wheel)
	m, err := b.packedLibrary(ctx, cached)
	if err != nil {
		return packed.Manifest{}, err
	}
	if err := installPacked(cached, b.staging, b.out, m); err != nil {
		return packed.Manifest{}, err
	}
	if b.raw != "" {
		if err := installRaw(ctx, cached, b.staging, b.raw, b.progress); err != nil {
			return packed.Manifest{}, err
		}
	}
	return m, nil
}

// packedPath is where the cache has the packed library of a wheel, or will have it. One
// that cannot be profiled has a name of its own: it is made again when it can be.
func packedPath(cache string, w wheel) string {
	path := filepath.Join(cache, "packed", w.version+"-"+w.arch+"-"+recipe())
	if _, ok := readPacked(path); ok {
		return path
	}
	if _, err := toolchainFor(w.arch); err != nil {
		return path + "-unprofiled"
	}
	return path
}

// packedLibrary makes the packed library in the cache where it is not there.
func (b *builder) packedLibrary(ctx context.Context, cached string) (packed.Manifest, error) {
	if m, ok := readPacked(cached); ok {
		return m, nil
	}
	files, err := b.files(ctx)
	if err != nil {
		return packed.Manifest{}, err
	}
	cutDir, err := os.MkdirTemp(b.staging, "cut-")
	if err != nil {
		return packed.Manifest{}, err
	}
	packDir, err := os.MkdirTemp(b.staging, "packed-")
	if err != nil {
		return packed.Manifest{}, err
	}
	tables, err := extractLibraries(ctx, files, b.wheel, cutDir, b.progress)
	if err != nil {
		return packed.Manifest{}, err
	}
	if err := bindLibraries(cutDir); err != nil {
		return packed.Manifest{}, err
	}
	hot, err := b.profile(ctx, cutDir)
	if err != nil {
		return packed.Manifest{}, err
	}
	known := make(map[string]warmth)
	for name := range tables {
		known[name] = warmth{hot[name], tables[name]}
	}
	m, err := packLibraries(ctx, b.wheel, cutDir, packDir, known, b.progress)
	if err != nil {
		return packed.Manifest{}, err
	}
	if err := b.forgetPacked(); err != nil {
		return packed.Manifest{}, err
	}
	return m, publish(packDir, cached, packed.ManifestName)
}

// profile finds which code a start needs, where that can be found here.
func (b *builder) profile(ctx context.Context, dir string) (map[string]map[int64]bool, error) {
	scratch, err := os.MkdirTemp(b.staging, "profile-")
	if err != nil {
		return nil, err
	}
	hot, err := profile(ctx, b.wheel.arch, dir, scratch)
	if errors.Is(err, errNotProfiled) && ctx.Err() == nil {
		b.progress.say("%v", err)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return hot, nil
}

// forgetPacked empties the cache of the wheel's packed libraries: one that cannot
// be read, and those of other recipes, which nobody asks for again.
func (b *builder) forgetPacked() error {
	old, err := filepath.Glob(filepath.Join(b.cache, "packed", b.wheel.version+"-"+b.wheel.arch+"-*"))
	if err != nil {
		return err
	}
	for _, dir := range old {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}
