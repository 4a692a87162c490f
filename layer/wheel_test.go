package main

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// versionMark stands in the compiled library where newWheel writes a version of
// the same length.
const versionMark = "0.00.0"

// sharedObject compiles a shared library, with debug information to cut off
// and enough data to have a frame of its own.
var sharedObject = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "layer-test-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	source, object := filepath.Join(dir, "answer.c"), filepath.Join(dir, "answer.so")
	const text = "const char version[] = \"" + versionMark + "\";\n" +
		"static int table[] = {1, 2, 39};\nint answer(void) { return table[0] + table[1] + table[2]; }\n"
	if err := os.WriteFile(source, []byte(text), 0o644); err != nil {
		return nil, err
	}
	if out, err := exec.CommandContext(context.Background(), "cc", "-g3", "-shared", "-fPIC", "-o", object, source).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("cc: %w: %s", err, out)
	}
	return os.ReadFile(object)
})

func compile(t *testing.T) []byte {
	t.Helper()
	data, err := sharedObject()
	if err != nil {
		t.Fatalf("these tests need a C compiler: %v", err)
	}
	return data
}

// newWheel writes a wheel of the given version that is laid out like
// TensorFlow's, small, and valid to pip.
func newWheel(t *testing.T, dir, version string) wheel {
	t.Helper()
	machine := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
	w := wheel{version: version, arch: runtime.GOARCH, file: "tensorflow_cpu-" + version + "-cp311-cp311-manylinux_2_17_" + machine + ".whl"}
	object := string(bytes.ReplaceAll(compile(t), []byte(versionMark), []byte(version)))
	info := "tensorflow_cpu-" + version + ".dist-info/"
	files := []struct{ name, text string }{
		{info + "METADATA", "Metadata-Version: 2.1\nName: tensorflow-cpu\nVersion: " + version + "\n"},
		{info + "WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\nTag: cp311-cp311-manylinux_2_17_" + machine + "\n"},
		{info + "RECORD", ""},
		{"tensorflow/libtensorflow_framework.so.2", object},
		{"tensorflow/libtensorflow_cc.so.2", object},
		{"tensorflow/include/tensorflow/c/c_api.h", "#include <stdint.h>\n#include \"tsl/status.h\" // " + version + "\n"},
		{"tensorflow/include/tensorflow/c/c_api_experimental.h", "#include \"tensorflow/c/c_api.h\"\n"},
		{"tensorflow/include/tensorflow/c/eager/c_api.h", "  #  include \"tensorflow/c/c_api.h\"\n"},
		{"tensorflow/include/tensorflow/c/eager/c_api_experimental.h", ""},
		{"tensorflow/include/tsl/status.h", "#include \"tensorflow/c/c_api.h\"\n"},
		{"tensorflow/include/tsl/unused.h", ""},
	}
	f, err := os.Create(filepath.Join(dir, w.file))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sum := sha256.New()
	z := zip.NewWriter(io.MultiWriter(f, sum))
	for _, file := range files {
		e, err := z.Create(file.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(e, file.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	w.sha256 = hex.EncodeToString(sum.Sum(nil))
	return w
}
