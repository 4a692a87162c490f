package main

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// asked is a model with these inputs, of which those called "image" take images.
func asked(inputs ...infer.TensorInfo) *infer.Model {
	catalog := &infer.Catalog{
		Default: "s", Signatures: map[string]*infer.Signature{"s": {Name: "s", Inputs: inputs}},
		Image: func(_ context.Context, input infer.TensorInfo, image []byte) (*infer.Tensor, error) {
			if input.Name != "image" || !strings.HasPrefix(string(image), "\x89PNG") {
				return nil, infer.ErrFailedPrecondition
			}
			return new(infer.Tensor), nil
		},
	}
	return &infer.Model{Name: "m", Runner: catalogue{catalog: catalog}}
}

type catalogue struct {
	infer.Runner
	catalog *infer.Catalog
}

func (c catalogue) Catalog() *infer.Catalog { return c.catalog }

func TestWhatToTry(t *testing.T) {
	const url = "http://127.0.0.1:8080/v1/models/m"
	x := func(name string, dtype infer.DType, shape ...int64) infer.TensorInfo {
		return infer.TensorInfo{Name: name, DType: dtype, Shape: shape}
	}
	const image, file = "curl --data-binary @image.jpg -H 'Content-Type: image/jpeg' ", "curl --data-binary @input.npy -H 'Content-Type: application/x-npy' "
	for name, c := range map[string]struct {
		model *infer.Model
		want  string
	}{
		"a few numbers":            {asked(x("x", infer.Float, -1, 2)), `curl -d '{"inputs":{"x":[[0.0,0.0]]}}' ` + url + ":predict"},
		"a small image":            {asked(x("image", infer.Float, -1, 1, 1, 1)), `curl -d '{"inputs":{"image":[[[[0.0]]]]}}' ` + url + ":predict"},
		"an image":                 {asked(x("image", infer.Float, -1, 224, 224, 3)), image + url + ":predict"},
		"a small but long one":     {asked(x("image", infer.Float, -1, 16, 16, 3)), image + url + ":predict"},
		"many numbers":             {asked(x("x", infer.Float, -1, 224, 224, 3)), file + url + ":predict"},
		"a name with a quote":      {asked(x("x'", infer.Float, -1, 2)), file + url + ":predict"},
		"many strings":             {asked(x("image", infer.String, -1, 224, 224, 3)), "curl " + url},
		"many without a form":      {asked(x("x", infer.Bfloat16, -1, 224, 224, 3)), "curl " + url},
		"an image beside a number": {asked(x("image", infer.Float, -1, 224, 224, 3), x("k", infer.Int32, 1)), "curl " + url},
	} {
		if got := curl("127.0.0.1:8080", c.model); got != c.want || len(got) > maxLine {
			t.Errorf("%s: to try is %q, want %q", name, got, c.want)
		}
	}
}

// An address that a browser can open is said where the server listens on all.
func TestOpenedAddress(t *testing.T) {
	for listen, want := range map[string]string{
		"[::]:80": "127.0.0.1:80", "0.0.0.0:80": "127.0.0.1:80", "127.0.0.2:80": "127.0.0.2:80", "[::1]:80": "[::1]:80",
	} {
		addr, err := net.ResolveTCPAddr("tcp", listen)
		if err != nil {
			t.Fatal(err)
		}
		if got := opened(addr); got != want {
			t.Errorf("%s is opened at %s, want %s", listen, got, want)
		}
	}
}
