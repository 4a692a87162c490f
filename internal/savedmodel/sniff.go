package savedmodel

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/tensorlambda/tensorlambda/internal/savedmodel/internal/wire"
)

// notModel is the error for bytes that could not be read as what: the cause,
// and what they look like instead.
func notModel(what string, cause error, looks string) error {
	if looks != "" {
		return fmt.Errorf("%w: %s expected, but this looks like %s", ErrNotModel, what, looks)
	}
	if errors.Is(cause, wire.ErrTruncated) {
		return fmt.Errorf("%w: %s is damaged or cut short: %w", ErrNotModel, what, cause)
	}
	return fmt.Errorf("%w: %s: %w", ErrNotModel, what, cause)
}

// formats are the files that people mistake for a TensorFlow model, by what
// stands at an offset near their start.
var formats = []struct {
	offset int
	magic  string
	looks  string
}{
	{0, "\x89HDF\r\n\x1a\n", "a Keras HDF5 file (.h5): load it with Keras and write a SavedModel with model.export(folder)"},
	{4, "TFL3", "a TensorFlow Lite model (.tflite): deploy the SavedModel that it was converted from"},
	{0, "\x1f\x8b", "a gzip file: end its name in .tar.gz or .tgz if it is an archive, else inflate it"},
	{0, "\x28\xb5\x2f\xfd", "a zstd file: end its name in .tar.zst if it is an archive, else inflate it"},
	{257, "ustar", "a tar archive: end its name in .tar"},
	{0, "\x80\x02", "a Python pickle, as PyTorch writes: export the model as a SavedModel"},
	{0, "version https://git-lfs", "a Git LFS pointer instead of the file: fetch the file with git lfs pull"},
	{0, "SQLite format 3", "an SQLite database"},
	{0, "\x7fELF", "a program or library"},
}

// SniffBytes is how much of the start of a file Sniff wants to see.
const SniffBytes = 4 << 10

// Sniff says what a file of another format looks like, by its first bytes, and how a
// SavedModel is made of it. It is empty where it cannot tell.
func Sniff(head []byte) string { return sniff(head) }

// sniff says what bytes that are no model look like; empty where it cannot tell.
func sniff(b []byte) string {
	if len(b) == 0 {
		return "an empty file"
	}
	for _, f := range formats {
		if len(b) >= f.offset && bytes.HasPrefix(b[f.offset:], []byte(f.magic)) {
			return f.looks
		}
	}
	if bytes.HasPrefix(b, []byte("PK\x03\x04")) {
		return sniffZip(b)
	}
	if isONNX(b) {
		return "an ONNX model: convert it to a SavedModel first"
	}
	return sniffText(b)
}

func sniffZip(b []byte) string {
	if bytes.Contains(b[:min(len(b), SniffBytes)], []byte("config.json")) {
		return "a Keras file (.keras): load it with Keras and write a SavedModel with model.export(folder)"
	}
	return "a zip archive: end its name in .zip"
}

// isONNX recognises a ModelProto: its format version, 3 or more, then the
// producer's name or the operator set.
func isONNX(b []byte) bool {
	return len(b) > 3 && b[0] == 0x08 && b[1] >= 3 && b[1] < 0x20 && (b[2] == 0x12 || b[2] == 0x3a || b[2] == 0x42) &&
		!bytes.HasPrefix(b, []byte{0x08, 0x01})
}

func sniffText(b []byte) string {
	head := bytes.ToLower(bytes.TrimSpace(bytes.TrimPrefix(b[:min(len(b), 1<<10)], []byte("\xef\xbb\xbf"))))
	starts := func(words ...string) bool {
		for _, w := range words {
			if bytes.HasPrefix(head, []byte(w)) {
				return true
			}
		}
		return false
	}
	switch {
	case starts("<!doctype html", "<html", "<head", "<body"):
		return "an HTML page: the download was perhaps answered by a login or error page"
	case starts("<?xml", "<error"):
		return "an XML document: the download was perhaps answered by an error message"
	case starts("node {", "node{", "versions {", "library {", "saved_model_schema_version", "meta_graphs {", "meta_info_def"):
		return "a model in text form (.pbtxt): write it in binary form (.pb), with tf.io.write_graph(…, as_text=False)"
	case starts("{", "["):
		return "a JSON document"
	case isText(head):
		return "a text file"
	}
	return ""
}

func isText(b []byte) bool {
	for i, c := range b {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' {
			return false
		}
		if c >= utf8.RuneSelf && !utf8.FullRune(b[i:]) {
			return true // the sample cut a character
		}
	}
	return len(b) > 0 && utf8.Valid(b)
}

func sniffGraph(b []byte) string {
	if _, err := readSavedModel(b); err == nil {
		return "the saved_model.pb of a SavedModel: name the folder that holds it instead of the file"
	}
	if isMetaGraph(b) {
		return "a training checkpoint's meta graph (.meta): export the model as a SavedModel or a frozen graph"
	}
	return sniff(b)
}

func sniffSavedModel(b []byte) string {
	g := newGraph()
	if g.merge(newReader(), b) == nil && len(g.Nodes) > 0 {
		return "a frozen graph: name the .pb file itself, under a name other than saved_model.pb"
	}
	return sniff(b)
}

func isMetaGraph(b []byte) bool {
	_, err := readMetaGraph(b)
	return err == nil
}
