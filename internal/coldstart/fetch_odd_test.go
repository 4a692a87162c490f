package coldstart_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/coldstart"
)

// The starts of files of other formats, as their specifications have them.
const (
	hdf5   = "\x89HDF\r\n\x1a\n\x00\x00"
	tflite = "\x1c\x00\x00\x00TFL3\x14\x00"
	onnx   = "\x08\x07\x12\x07pytorch\x1a\x052.1.0:\x10"
)

// keras is a Keras 3 file: a zip of these three, none of them compressed.
func keras(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range []string{"metadata.json", "config.json", "model.weights.h5"} {
		f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte("{}")); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestFilesOfOtherFormatsAreRecognised(t *testing.T) {
	b := newBucket(t)
	dir := t.TempDir()
	files := tree{
		"house.keras": keras(t), "house.h5": hdf5, "house.tflite": tflite, "house.onnx": onnx, "house.zip": keras(t), "empty.bin": "",
		"house": "\x00\x01 something else", "model.ckpt.index": "\x00\x00", "graph.pbtxt": "node {\n}\n",
		"folder/house.keras": keras(t), "mixed/house.tflite": tflite, "mixed/readme.md": "x", "training/checkpoint": "x", "training/model.ckpt-1.index": "x",
		"packed.tar.gz": tarGzip(t, tree{"m/house.h5": hdf5}),
	}
	write(t, dir, files)
	for name, content := range files {
		b.put(name, content)
	}
	for _, tt := range []struct{ name, looks string }{
		{"house.keras", "looks like a Keras file (.keras)"},
		{"house.h5", "looks like a Keras HDF5 file (.h5)"},
		{"house.tflite", "looks like a TensorFlow Lite model"},
		{"house.onnx", "looks like an ONNX model"},
		{"house.zip", "look like an unpacked Keras file (.keras)"},
		{"graph.pbtxt", "looks like a model in text form (.pbtxt)"},
		{"empty.bin", "looks like an empty file"},
		{"house", "it is a file, and its name is not that of a model; a model is a .pb"},
		{"model.ckpt.index", "looks like a part of a training checkpoint"},
		{"folder", `"house.keras" looks like a Keras file (.keras)`},
		{"folder/", `"house.keras" looks like a Keras file (.keras)`},
		{"mixed", `"house.tflite" looks like a TensorFlow Lite model`},
		{"training", "look like a training checkpoint"},
		{"packed.tar.gz", `"m/house.h5" looks like a Keras HDF5 file (.h5)`},
	} {
		for place, base := range map[string]string{"file": dir + "/", "s3": "s3://models/"} {
			t.Run(place+" "+tt.name, func(t *testing.T) {
				cache := filepath.Join(t.TempDir(), "models")
				_, err := coldstart.Fetch(t.Context(), coldstart.FetchOptions{URI: uri(t, base+tt.name), Source: b.source(), CacheDir: cache})
				if !errors.Is(err, coldstart.ErrNoModel) || !strings.Contains(err.Error(), tt.looks) {
					t.Errorf("error is %v, want ErrNoModel and %q", err, tt.looks)
				}
				if n := strings.Count(err.Error(), "look"); n != 1 && tt.name != "house" {
					t.Errorf("error %q says %d times what it looks like", err, n)
				}
				if left := cached(t, cache); len(left) > 0 {
					t.Errorf("the cache holds %q", left)
				}
			})
		}
	}
}

// A pin does not make a folder of a file.
func TestAPinnedFileOfAnotherFormatIsRecognised(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, tree{"house.h5": hdf5})
	_, err := coldstart.Fetch(t.Context(), coldstart.FetchOptions{URI: uri(t, dir+"/house.h5"), SHA256: sum(hdf5), Source: blob.Stores{Files: &blob.Files{}}})
	if !errors.Is(err, coldstart.ErrNoModel) || !strings.Contains(err.Error(), "Keras HDF5") {
		t.Errorf("error is %v", err)
	}
}

func TestAnEmptyFolderIsNotAMissingOne(t *testing.T) {
	dir := t.TempDir()
	source := blob.Stores{Files: &blob.Files{}}
	_, err := coldstart.Fetch(t.Context(), coldstart.FetchOptions{URI: uri(t, dir), Source: source})
	if !errors.Is(err, coldstart.ErrNoModel) || !strings.Contains(err.Error(), "the folder is empty") {
		t.Errorf("error for an empty folder is %v", err)
	}
	_, err = coldstart.Fetch(t.Context(), coldstart.FetchOptions{URI: uri(t, dir+"/none"), Source: source})
	if !errors.Is(err, blob.ErrNotFound) || !strings.Contains(err.Error(), "there is nothing") {
		t.Errorf("error for a missing folder is %v", err)
	}
}

// What cannot be read is said, instead of that it is not there.
func TestAFileOfAnotherFormatThatCannotBeRead(t *testing.T) {
	b := newBucket(t)
	b.put("house.h5", hdf5)
	b.put("folder/house.h5", hdf5)
	lost := errors.New("connection lost")
	for _, key := range []string{"house.h5", "folder/"} {
		_, err := coldstart.Fetch(t.Context(), coldstart.FetchOptions{URI: uri(t, "s3://models/"+key), Source: &breaking{b.source(), lost}})
		if !errors.Is(err, lost) {
			t.Errorf("%s: error is %v", key, err)
		}
	}
}

// A folder that holds a model is read for the model only.
func TestRecognitionCostsAGoodStartNothing(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, join(savedModel("m/"), tree{"m/house.h5": hdf5}))
	source := &counting{Source: blob.Stores{Files: &blob.Files{}}}
	got, err := coldstart.Fetch(t.Context(), coldstart.FetchOptions{URI: uri(t, dir), Source: source})
	if err != nil {
		t.Fatal(err)
	}
	got.Close()
	if n := source.reads.Load(); n != 0 {
		t.Errorf("%d files were read", n)
	}
	if entries, err := os.ReadDir(got.Dir); err != nil || !slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == "saved_model.pb" }) {
		t.Errorf("the model is in %s: %v, %v", got.Dir, entries, err)
	}
}
