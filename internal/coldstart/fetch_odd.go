package coldstart

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/savedmodel"
)

// What a model's name may be, for those who gave another.
const modelNames = "a model is a .pb, an archive (.tar.gz, .tgz, .tar, .tar.zst, .zip), or a folder that holds " + savedModelFile

// nothing is the error for a folder or prefix without files. Only here it is asked
// whether the URI names a file of another format or an empty folder, so that a start
// that succeeds never pays for the question.
func (f *fetch) nothing(ctx context.Context) error {
	if err := f.oddFile(ctx); err != nil {
		return err
	}
	if info, err := os.Stat(f.uri.Key); f.uri.Scheme == blob.FileScheme && err == nil && info.IsDir() {
		return fmt.Errorf("%s: %w: the folder is empty; %s", f.uri, ErrNoModel, modelNames)
	}
	return fmt.Errorf("%s: %w: there is nothing; %s", f.uri, blob.ErrNotFound, modelNames)
}

// oddFile is the error for a URI that names a file or object that is no model by its
// name; nil where there is none.
func (f *fetch) oddFile(ctx context.Context) error {
	if o, err := f.o.Source.Stat(ctx, f.file(), ""); err == nil {
		return f.odd(ctx, o)
	}
	return nil // no file, or none that can be asked: the error of the caller stays
}

// odd is the error for a file or object that is no model by its name.
func (f *fetch) odd(ctx context.Context, o blob.Object) error {
	head, err := f.head(ctx, o)
	if err != nil {
		return err
	}
	if looks := looksLike(path.Base(o.URI.Key), head); looks != "" {
		return fmt.Errorf("%s: %w: this looks like %s", o.URI, ErrNoModel, looks)
	}
	return fmt.Errorf("%s: %w: it is a file, and its name is not that of a model; %s", o.URI, ErrNoModel, modelNames)
}

// file is the URI as it was given, with no slash for a file of this machine, where a
// file and a folder cannot have one name.
func (f *fetch) file() blob.URI {
	u := f.uri
	if f.uri.Scheme == blob.FileScheme || !f.o.URI.IsPrefix() {
		u.Key = strings.TrimSuffix(u.Key, "/")
	}
	return u
}

func (f *fetch) head(ctx context.Context, o blob.Object) ([]byte, error) {
	r, err := f.o.Source.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	head, err := io.ReadAll(io.LimitReader(r, savedmodel.SniffBytes))
	return head, errors.Join(err, r.Close())
}

// withAdvice adds to the error for files without a model what they look like, or the
// one of them that somebody may have taken for it. head reads the start of a file.
func withAdvice(err error, names []string, head func(name string) ([]byte, error)) error {
	if !errors.Is(err, ErrNoModel) {
		return err
	}
	if looks := looksTogether(names); looks != "" {
		return fmt.Errorf("%w: these look like %s", err, looks)
	}
	name := oddOne(names)
	if name == "" {
		return err
	}
	start, headErr := head(name)
	if headErr != nil {
		return errors.Join(err, headErr)
	}
	if looks := looksLike(path.Base(name), start); looks != "" {
		return fmt.Errorf("%w: %q looks like %s", err, name, looks)
	}
	return err
}

// oddOne is the only file, or the only one with the name of another format's model;
// empty where there is no such one.
func oddOne(names []string) string {
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !isPath(name) || ignored(name) })
	if len(names) > 1 {
		names = slices.DeleteFunc(names, func(name string) bool { return !slices.Contains(otherFormats, strings.ToLower(path.Ext(name))) })
	}
	if len(names) != 1 {
		return ""
	}
	return names[0]
}

// otherFormats is how names of models end that are none of TensorFlow's.
var otherFormats = []string{".keras", ".h5", ".hdf5", ".tflite", ".onnx", ".pbtxt", ".pt", ".pth"}

// checkpointPart is how the names of a checkpoint's files end. Their bytes have no
// mark at the start.
var checkpointPart = regexp.MustCompile(`(\.index|\.data-\d{5}-of-\d{5}|\.ckpt|\.meta)$|^checkpoint$`)

const checkpointAdvice = "a training checkpoint, which holds variables and no graph: restore it in Python and write a SavedModel, with tf.saved_model.save or Keras's model.export(folder)"

func looksLike(name string, head []byte) string {
	if checkpointPart.MatchString(name) {
		return "a part of " + checkpointAdvice
	}
	return savedmodel.Sniff(head)
}

// looksTogether is what files are whose names tell it; empty where they do not.
func looksTogether(names []string) string {
	var bases []string
	for _, name := range names {
		bases = append(bases, path.Base(name))
	}
	switch {
	case slices.Contains(bases, "config.json") && slices.Contains(bases, "model.weights.h5"):
		return "an unpacked Keras file (.keras): load the file with Keras and write a SavedModel with model.export(folder)"
	case len(bases) > 1 && slices.ContainsFunc(bases, checkpointPart.MatchString):
		return checkpointAdvice
	}
	return ""
}
