package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
)

// headerRoots are the headers that C programs include. What these include
// differs from version to version (tsl moved into xla) and is followed.
var headerRoots = []string{
	"tensorflow/c/c_api.h",
	"tensorflow/c/c_api_experimental.h",
	"tensorflow/c/eager/c_api.h",
	"tensorflow/c/eager/c_api_experimental.h",
}

// stampName is the file in a folder of headers or raw libraries that says, as
// sha256sum would, what they came from.
const stampName = "SHA256SUMS"

var quotedInclude = regexp.MustCompile(`(?m)^[ \t]*#[ \t]*include[ \t]*"([^"]+)"`)

// extractHeaders writes the C headers of a wheel, and all they include, to dir.
func extractHeaders(files fs.FS, dir string) error {
	done := make(map[string]bool)
	todo := append([]string(nil), headerRoots...)
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		if done[name] {
			continue
		}
		done[name] = true
		text, err := fs.ReadFile(files, path.Join("tensorflow/include", name))
		if err != nil {
			return fmt.Errorf("header %s in the wheel: %w", name, err)
		}
		if err := writeHeader(dir, name, text); err != nil {
			return err
		}
		for _, m := range quotedInclude.FindAllSubmatch(text, -1) {
			todo = append(todo, string(m[1]))
		}
	}
	return nil
}

func writeHeader(dir, name string, text []byte) error {
	if !filepath.IsLocal(name) {
		return fmt.Errorf("header %q is not inside the wheel", name)
	}
	to := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o644)
}

// headersCurrent reports whether dir holds the headers of w.
func headersCurrent(dir string, w wheel) bool {
	return stamped(dir, headerStamp(w))
}

func headerStamp(w wheel) []byte { return fmt.Appendf(nil, "%s  %s\n", w.sha256, w.file) }

func stamped(dir string, stamp []byte) bool {
	got, err := os.ReadFile(filepath.Join(dir, stampName))
	return err == nil && bytes.Equal(got, stamp)
}

// installHeaders replaces dir by the headers of the wheel.
func installHeaders(files *zip.Reader, w wheel, staging, dir string) error {
	staged, err := os.MkdirTemp(staging, "include-")
	if err != nil {
		return err
	}
	if err := extractHeaders(files, staged); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(staged, stampName), headerStamp(w), 0o644); err != nil {
		return err
	}
	return publish(staged, dir, stampName)
}
