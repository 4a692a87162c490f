package main

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/coldstart"
	"github.com/tensorlambda/tensorlambda/internal/pack"
)

const savedModelFile = "saved_model.pb"

// layOut writes a packed model to a folder, with what it takes along from the original,
// and lists its files by slash-separated names: the saved_model.pb last, since a
// folder without one is no model. labels, empty or a name, is a file that is there
// already.
func layOut(packed *pack.Packed, original, folder, labels string) ([]string, error) {
	var files []string
	for _, asset := range packed.Assets {
		files = append(files, "assets/"+asset)
	}
	along := []string{"assets.extra"}
	if packed.Variables {
		along = append(along, "variables")
	}
	from, err := os.OpenRoot(original)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	for _, name := range along {
		err := fs.WalkDir(from.FS(), name, func(name string, entry fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err == nil && entry.Type().IsRegular() {
				files = append(files, name)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	beside, err := texts(from.FS())
	if err != nil {
		return nil, err
	}
	files = append(files, beside...)
	to, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	defer to.Close()
	for _, name := range files {
		if err := copyFile(from, to, name); err != nil {
			return nil, fmt.Errorf("copy %s: %w", name, err)
		}
	}
	if labels != "" && !slices.Contains(files, labels) {
		files = append(files, labels)
	}
	return append(files, savedModelFile), to.WriteFile(savedModelFile, packed.Model, 0o600)
}

// texts are the small text files beside the saved_model.pb: labels mostly, which a
// deployment may name by MODEL_LABELS whether or not packing was told so.
func texts(model fs.FS) ([]string, error) {
	entries, err := fs.ReadDir(model, ".")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		if !entry.Type().IsRegular() || !strings.EqualFold(path.Ext(entry.Name()), ".txt") {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			return nil, err
		}
		if info.Size() <= coldstart.MaxLabelBytes {
			names = append(names, entry.Name())
		}
	}
	return names, nil
}

// keepLabels writes the labels that MODEL_LABELS names to folder, under that name,
// wherever a start would find them: beside the original they are not beside the packed
// model. It is the name, or empty where the setting is.
func keepLabels(ctx context.Context, cfg config, fetched *coldstart.Fetched, stores blob.Stores, folder string) (string, error) {
	if cfg.Labels == "" {
		return "", nil
	}
	from, err := fetchOptions(cfg, stores)
	if err != nil {
		return "", err
	}
	labels, err := coldstart.ReadLabels(ctx, fetched, from, cfg.Labels)
	if err != nil {
		return "", err
	}
	to := filepath.Join(folder, filepath.FromSlash(cfg.Labels))
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return "", err
	}
	return cfg.Labels, os.WriteFile(to, []byte(strings.Join(labels, "\n")+"\n"), 0o600)
}

func copyFile(from, to *os.Root, name string) error {
	in, err := from.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := to.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	out, err := to.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// otherForm reports whether the name of an output is that of a model in a form that is
// not written.
func otherForm(output blob.URI) bool { return endsIn(output, ".pb", ".zip", ".tar", ".zst") }

func endsIn(uri blob.URI, extensions ...string) bool {
	return slices.ContainsFunc(extensions, func(e string) bool { return strings.HasSuffix(strings.ToLower(uri.Key), e) })
}

// publish writes the files of a folder below a prefix, or as one archive where the
// output has the name of one, and is their size there.
func publish(ctx context.Context, stores blob.Stores, output blob.URI, folder string, files []string) (int64, error) {
	if endsIn(output, ".tar.gz", ".tgz") {
		return write(ctx, stores, output, func(w io.Writer) error { return writeArchive(w, folder, files) })
	}
	var total int64
	for _, file := range files {
		n, err := write(ctx, stores, output.Prefix().Join(file), func(w io.Writer) error { return copyTo(w, filepath.Join(folder, file)) })
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

func write(ctx context.Context, stores blob.Stores, uri blob.URI, content func(io.Writer) error) (size int64, err error) {
	upload, err := stores.Create(ctx, uri, blob.CreateOptions{ContentType: "application/octet-stream"})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, upload.Abort()) }() // does nothing after Commit
	if err := content(upload); err != nil {
		return 0, fmt.Errorf("write %s: %w", uri, err)
	}
	object, err := upload.Commit(ctx)
	return object.Size, err
}

func copyTo(w io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}

// writeArchive writes files without times and owners, so that one model always gives
// the same archive.
func writeArchive(w io.Writer, folder string, files []string) error {
	compressed := gzip.NewWriter(w)
	archive := tar.NewWriter(compressed)
	for _, file := range files {
		path := filepath.Join(folder, file)
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if err := archive.WriteHeader(&tar.Header{Name: file, Mode: 0o644, Size: info.Size()}); err != nil {
			return err
		}
		if err := copyTo(archive, path); err != nil {
			return err
		}
	}
	return errors.Join(archive.Close(), compressed.Close())
}
