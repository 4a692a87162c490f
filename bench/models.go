package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tensorlambda/tensorlambda/internal/archive"
)

// imageModel is a SavedModel made for benchmarks: an image of 224×224×3 floats
// in, ten probabilities out, next to no computation.
const imageModel = "test/models/image"

// pixels is one image for it.
type pixels[T float32 | float64] [1][224][224][3]T

// newPixels is an image whose values are those of bytes, scaled to 0..1 in float32
// as clients do it. As float64, their text is what Python makes of them.
func newPixels[T float32 | float64]() *pixels[T] {
	p := new(pixels[T])
	for y := range p[0] {
		for x := range p[0][y] {
			for c := range p[0][y][x] {
				p[0][y][x][c] = T(float32((y*31+x*7+c*101)%256) / 255)
			}
		}
	}
	return p
}

// rows is a request in TensorFlow Serving's row form.
func rows(instances any) ([]byte, error) {
	return json.Marshal(map[string]any{"instances": instances})
}

// oneDigit is a request with the first of the demo model's samples.
func oneDigit() ([]byte, error) {
	content, err := os.ReadFile(filepath.Join("models", "digits", "samples.json"))
	if err != nil {
		return nil, fmt.Errorf("the demo model: %w", err)
	}
	var samples struct{ Instances []json.RawMessage }
	if err := json.Unmarshal(content, &samples); err != nil {
		return nil, fmt.Errorf("samples of the demo model: %w", err)
	}
	return rows(samples.Instances[:min(1, len(samples.Instances))])
}

// digitsFolder unpacks the demo model, which is in a version folder. The caller
// removes the folder root.
func digitsFolder() (model, root string, err error) {
	if root, err = os.MkdirTemp("", "tensorlambda-bench-*"); err != nil {
		return "", "", err
	}
	if err := unpackDigits(root); err != nil {
		return "", "", errors.Join(err, os.RemoveAll(root))
	}
	return filepath.Join(root, "1"), root, nil
}

func unpackDigits(folder string) error {
	packed, err := os.Open(filepath.Join("models", "digits", modelKey))
	if err != nil {
		return fmt.Errorf("the demo model: %w", err)
	}
	defer packed.Close()
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	_, err = archive.Extract(archive.TarGzip, packed, root, archive.Limits{})
	return err
}
