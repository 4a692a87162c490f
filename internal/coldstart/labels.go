package coldstart

import (
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
	"unicode/utf8"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// ErrLabels is returned for class labels that cannot be used.
var ErrLabels = errors.New("MODEL_LABELS")

// MaxLabelBytes bounds a file of labels: a million of them at 16 bytes.
const MaxLabelBytes = 16 << 20

// labelFolders are where labels lie in a SavedModel's folder, or beside its version.
var labelFolders = []string{".", "assets", "assets.extra", ".."}

// ReadLabels reads the class labels of a model that was fetched: a line of the file
// called name for each. The file is in the model's folder, in one of its folders for
// assets, or beside the model, which for a folder with versions is in it. The error is
// ErrLabels where there is no such file or it has no labels; or it is blob's.
func ReadLabels(ctx context.Context, f *Fetched, o FetchOptions, name string) ([]string, error) {
	file, err := openLabels(ctx, f, o, name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	labels, err := parseLabels(io.LimitReader(file, MaxLabelBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrLabels, name, err)
	}
	return labels, nil
}

// LabelWarning says that labels cannot be the classes of any output, which is no failure:
// the model answers without them. It is empty where they fit an output of floats, whose
// last dimension is that of the classes, or where a shape leaves that open.
func LabelWarning(labels []string, c *infer.Catalog) string {
	var counts []int64
	for _, signature := range c.Signatures {
		for _, t := range signature.Outputs {
			classes, scores := classesOf(t)
			if scores && (classes < 0 || classes == int64(len(labels))) {
				return ""
			}
			if scores {
				counts = append(counts, classes)
			}
		}
	}
	if len(labels) == 0 {
		return ""
	}
	slices.Sort(counts)
	text := fmt.Sprintf("MODEL_LABELS has %s; no output of the model has %s",
		counted(len(labels), "label", "labels"), counted(len(labels), "class", "classes"))
	if counts = slices.Compact(counts); len(counts) > 0 {
		text += ", but " + strings.Trim(strings.Join(strings.Fields(fmt.Sprint(counts)), ", "), "[]")
	}
	return text
}

// classesOf is how many classes an output has scores for, -1 where its shape leaves that
// open. ok is false for an output that has no scores.
func classesOf(t infer.TensorInfo) (classes int64, ok bool) {
	switch t.DType {
	case infer.Float, infer.Double, infer.Half, infer.Bfloat16:
	default:
		return 0, false
	}
	if t.Shape == nil {
		return -1, true
	}
	if len(t.Shape) == 0 {
		return 0, false
	}
	return t.Shape[len(t.Shape)-1], true
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", many)
}

func openLabels(ctx context.Context, f *Fetched, o FetchOptions, name string) (io.ReadCloser, error) {
	if f.Dir != "" {
		for _, folder := range labelFolders {
			file, err := os.OpenInRoot(filepath.Join(f.Dir, folder), filepath.FromSlash(name))
			if err == nil {
				return file, nil
			}
			if !errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("%w: %w", ErrLabels, err)
			}
		}
	}
	beside := besideModel(f, o.URI, name)
	object, err := o.Source.Stat(ctx, beside, "")
	if errors.Is(err, blob.ErrNotFound) {
		return nil, fmt.Errorf("%w: %s is neither in the model nor at %s", ErrLabels, name, beside)
	}
	if err != nil {
		return nil, fmt.Errorf("labels: %w", err)
	}
	return o.Source.Open(ctx, object)
}

// besideModel is where a file beside the model is: for an archive or graph in its folder,
// for a folder in that.
func besideModel(f *Fetched, model blob.URI, name string) blob.URI {
	if f.SHA256 == "" {
		return model.Join(name)
	}
	parent := path.Dir(model.Key)
	if parent == "." {
		parent = ""
	}
	model.Key = parent
	return model.Join(name)
}

var (
	errNoLabels   = errors.New("it has no lines")
	errNoText     = errors.New("it is not UTF-8 text")
	errManyLabels = fmt.Errorf("it has more than %d bytes", MaxLabelBytes)
)

// parseLabels reads a label a line. Empty lines at the end are none, those between others
// are labels, since the line's number is the class.
func parseLabels(r io.Reader) ([]string, error) {
	content, err := io.ReadAll(r)
	switch {
	case err != nil:
		return nil, err
	case len(content) > MaxLabelBytes:
		return nil, errManyLabels
	case !utf8.Valid(content):
		return nil, errNoText
	}
	text := strings.TrimRight(strings.TrimPrefix(string(content), "\ufeff"), "\r\n")
	if text == "" {
		return nil, errNoLabels
	}
	var labels []string
	for line := range strings.SplitSeq(text, "\n") {
		labels = append(labels, strings.TrimSpace(line))
	}
	return labels, nil
}
