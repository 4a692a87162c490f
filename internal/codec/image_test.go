package codec_test

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// withImages is a catalog whose images are one line of pixels: each byte is one, as a
// row of shape [1,width,1], or as all of an input that takes one image. An image that
// begins with ! is broken.
func withImages(c *infer.Catalog) *infer.Catalog {
	c.Image = func(_ context.Context, input infer.TensorInfo, image []byte) (*infer.Tensor, error) {
		switch {
		case input.DType == infer.String:
			return infer.NewStringTensor([]int64{1}, image, []int{0, len(image)})
		case input.DType != infer.Uint8:
			return nil, infer.Errorf(infer.ErrFailedPrecondition, "input %q takes no image", input.Name)
		case strings.HasPrefix(string(image), "!"):
			return nil, infer.Errorf(infer.ErrInvalidArgument, "broken")
		}
		shape := []int64{1, 1, int64(len(image)), 1}
		if input.OneImage() {
			shape = shape[1:]
		}
		return infer.NewTensor(infer.Uint8, shape, image)
	}
	return c
}

// oneImage is a catalog whose input x has no dimension for a batch.
func oneImage(shape ...int64) *infer.Catalog {
	x := input("x", infer.Uint8)
	x.Shape = shape
	return withImages(catalogOf([]string{"y"}, x))
}

// An image for an input without a batch is its whole value, in every form that has whole
// values.
func TestOneImageIsAWholeInput(t *testing.T) {
	const one, two = "\x01\x02", "\x03\x04"
	for _, tt := range []struct{ name, body, want, fault string }{
		{"the only input", `{"inputs": ` + b64(one) + `}`, "column x=[1,2,1] 1 2", ""},
		{"by name", `{"inputs": {"x": ` + b64(one) + `}}`, "column x=[1,2,1] 1 2", ""},
		{"a list of one", `{"inputs": [` + b64(one) + `]}`, "column x=[1,2,1] 1 2", ""},
		{"pixels, as before", `{"inputs": [[[1],[2]]]}`, "column x=[1,2,1] 1 2", ""},
		{"two", `{"inputs": [` + b64(one) + `, ` + b64(two) + `]}`, "", `shape [?,?,1] takes one image, and there are 2 in input "x"`},
		{"a broken one", `{"inputs": ` + b64("!") + `}`, "", `broken in input "x"`},
		{"no base64", `{"inputs": {"b64": "*"}}`, "", "Unable to base64 decode"},
		{"as a row", `{"instances": [` + b64(one) + `]}`, "", `input "x" of shape [?,?,1] takes one image and has no rows: send {"inputs": {"x": {"b64": …}}}`},
		{"as a named row", `{"instances": [{"x": ` + b64(one) + `}]}`, "", "takes one image and has no rows"},
	} {
		got, err := codec.DecodePredict([]byte(tt.body), oneImage(-1, -1, 1), codec.Limits{})
		switch {
		case tt.fault != "":
			if err == nil || !strings.Contains(err.Error(), tt.fault) {
				t.Errorf("%s: error %v, want %q", tt.name, err, tt.fault)
			}
		case err != nil || described(got) != tt.want || got.Whole != strings.Contains(tt.body, "b64"):
			t.Errorf("%s: got %v (%v), want %s", tt.name, got, err, tt.want)
		}
	}
	for _, tt := range []struct{ shape, data, want, fault string }{
		{"[1]", `["AQI="]`, "x=[1,2,1] 1 2", ""},
		{"[]", `["AQI="]`, "x=[1,2,1] 1 2", ""},
		{"[2]", `["AQI=", "AQI="]`, "", `input "x": shape [?,?,1] takes one image, and there are 2`},
		{"[0]", `[]`, "", `input "x": there is no image`},
	} {
		got, err := codec.DecodeInfer([]byte(inferOf(in("x", "BYTES", tt.shape, tt.data))), codec.WholeBody, oneImage(-1, -1, 1), codec.Limits{})
		if tt.fault == "" && (err != nil || fed(got) != tt.want || !got.Whole) || tt.fault != "" && (err == nil || err.Error() != tt.fault) {
			t.Errorf("v2, shape %s: got %v, error %v", tt.shape, got, err)
		}
	}
	if rows, err := codec.NewJSONRows(oneImage(-1, -1, 1), codec.Limits{}); err != nil {
		t.Error(err)
	} else if err := rows.Add([]byte(b64(one))); err == nil || !strings.Contains(err.Error(), "has no rows") || rows.Len() != 0 {
		t.Errorf("a row of a batch: %v", err)
	}
}

// b64 is an image as JSON has it.
func b64(image string) string {
	return `{"b64": "` + base64.StdEncoding.EncodeToString([]byte(image)) + `"}`
}

// elements is images as the binary extension has them.
func elements(images ...string) string {
	var b []byte
	for _, image := range images {
		b = append(binary.LittleEndian.AppendUint32(b, uint32(len(image))), image...)
	}
	return string(b)
}

func TestImagesStandWhereTheirPixelsWould(t *testing.T) {
	const one, two = "\x01\x02", "\x03\x04"
	for _, tt := range []struct{ name, inputs, body, want, fault string }{
		{"a row each", "x:uint8", `{"instances": [` + b64(one) + `, ` + b64(two) + `]}`, "row x=[2,1,2,1] 1 2 3 4", ""},
		{"named rows", "x:uint8 n:int32", `{"instances": [{"x": ` + b64(one) + `, "n": 5}, {"x": ` + b64(two) + `, "n": 6}]}`, "row n=[2] 5 6 x=[2,1,2,1] 1 2 3 4", ""},
		{"a row of pixels behind an image", "x:uint8", `{"instances": [` + b64(one) + `, [[[3],[4]]]]}`, "row x=[2,1,2,1] 1 2 3 4", ""},
		{"a column of one", "x:uint8", `{"inputs": ` + b64(one) + `}`, "column x=[1,1,2,1] 1 2", ""},
		{"a named column of several", "x:uint8", `{"inputs": {"x": [ ` + b64(one) + ` , ` + b64(two) + ` ]}}`, "column x=[2,1,2,1] 1 2 3 4", ""},
		{"for a model that decodes", "x:string", `{"instances": [` + b64(one) + `]}`, `row x=[1] "\x01\x02"`, ""},
		{"an input that takes none", "x:float", `{"instances": [` + b64(one) + `]}`, "", "takes no image"},
		{"an input of another type", "x:int32", `{"instances": [` + b64(one) + `]}`, "", "is not of expected type: int32"},
		{"a broken one", "x:uint8", `{"instances": [` + b64(one) + `, ` + b64("!") + `]}`, "", "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: broken"},
		{"a broken one in a column", "x:uint8", `{"inputs": [` + b64(one) + `, ` + b64("!") + `]}`, "", `image 1: broken in input "x"`},
		{"no base64", "x:uint8", `{"instances": [{"b64": "*"}]}`, "", "Unable to base64 decode"},
		{"two sizes", "x:uint8", `{"inputs": [` + b64(one) + `, ` + b64("\x01") + `]}`, "", "image 1 has the shape [1,1,1], and the first has [1,2,1]"},
		{"two sizes as rows", "x:uint8", `{"instances": [` + b64(one) + `, ` + b64("\x01") + `]}`, "", "Expecting tensor size: 2 but got: 1"},
		{"something else among them", "x:uint8", `{"inputs": [` + b64(one) + `, [1]]}`, "", `is no {"b64": …}, as the first is`},
	} {
		got, err := codec.DecodePredict([]byte(tt.body), withImages(inputsOf(tt.inputs)), codec.Limits{})
		switch {
		case tt.fault != "":
			if err == nil || !strings.Contains(err.Error(), tt.fault) {
				t.Errorf("%s: error %v, want %q", tt.name, err, tt.fault)
			}
		case err != nil || described(got) != tt.want:
			t.Errorf("%s: got %v (%v), want %s", tt.name, got, err, tt.want)
		}
	}
}

func TestImagesInTheOpenInferenceProtocol(t *testing.T) {
	const one, two = "\x01\x02", "\x03\x04"
	text := func(s string) string { return `"` + base64.StdEncoding.EncodeToString([]byte(s)) + `"` }
	binaryOf := func(shape string, images ...string) (string, string) {
		data := elements(images...)
		return fmt.Sprintf(`{"inputs": [{"name": "x", "shape": %s, "datatype": "BYTES", "parameters": {"binary_data_size": %d}}]}`, shape, len(data)), data
	}
	json, tensors := binaryOf("[2]", one, two)
	for _, tt := range []struct{ name, json, tensors, want, fault string }{
		{"base64", inferOf(in("x", "BYTES", "[2]", "["+text(one)+", "+text(two)+"]")), "", "x=[2,1,2,1] 1 2 3 4", ""},
		{"in binary", json, tensors, "x=[2,1,2,1] 1 2 3 4", ""},
		{"pixels, as before", inferOf(in("x", "UINT8", "[1,1,2,1]", "[1, 2]")), "", "x=[1,1,2,1] 1 2", ""},
		{"not base64", inferOf(in("x", "BYTES", "[1]", `["*"]`)), "", "", "Unable to base64 decode"},
		{"fewer than the shape", inferOf(in("x", "BYTES", "[2]", "["+text(one)+"]")), "", "", "shape [2] has 2 elements, but data has 1"},
		{"none", inferOf(in("x", "BYTES", "[0]", "[]")), "", "", "there is no image"},
		{"a broken one", inferOf(in("x", "BYTES", "[2]", "["+text(one)+", "+text("!")+"]")), "", "", `input "x": image 1: broken`},
	} {
		length := codec.WholeBody
		if tt.tensors != "" {
			length = len(tt.json)
		}
		got, err := codec.DecodeInfer([]byte(tt.json+tt.tensors), length, withImages(inputsOf("x:uint8")), codec.Limits{})
		switch {
		case tt.fault != "":
			if err == nil || !strings.Contains(err.Error(), tt.fault) {
				t.Errorf("%s: error %v, want %q", tt.name, err, tt.fault)
			}
		case err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case fed(got) != tt.want:
			t.Errorf("%s: got %s, want %s", tt.name, fed(got), tt.want)
		}
	}
}

// Pixels count as any other tensor does, also where a row of them is taken back.
func TestImagesAreBounded(t *testing.T) {
	c, limits := withImages(inputsOf("x:uint8")), codec.Limits{MaxTensorBytes: 5}
	for _, body := range []string{`{"instances": [` + b64("123") + `,` + b64("456") + `]}`, `{"inputs": [` + b64("123") + `,` + b64("456") + `]}`} {
		if _, err := codec.DecodePredict([]byte(body), c, limits); !errors.Is(err, infer.ErrTooLarge) {
			t.Errorf("%s: %v", body, err)
		}
	}
	rows, err := codec.NewJSONRows(c, codec.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for record, fault := range map[string]string{b64("!"): "broken", `{"b64": "*"}`: "base64"} {
		if err := rows.Add([]byte(record)); err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("%s: %v", record, err)
		}
	}
	for _, record := range []string{b64("12"), b64("34")} {
		if err := rows.Add([]byte(record)); err != nil {
			t.Fatal(err)
		}
	}
	req, err := rows.Take()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := describe(req.Feeds[0].Value), "[2,1,2,1] 49 50 51 52"; got != want {
		t.Errorf("rows %s, want %s", got, want)
	}
}

func TestDecodeImage(t *testing.T) {
	for _, tt := range []struct {
		name, image string
		c           *infer.Catalog
		want, fault string
	}{
		{"pixels", "\x01\x02", withImages(inputsOf("x:uint8")), "row x=[1,1,2,1] 1 2", ""},
		{"for a model that decodes", "\x01\x02", withImages(inputsOf("x:string")), `row x=[1] "\x01\x02"`, ""},
		{"the whole of an input", "\x01\x02", oneImage(-1, -1, 3), "column x=[1,2,1] 1 2", ""},
		{"grey ones in a batch", "\x01\x02", oneImage(-1, 8, 8), "row x=[1,1,2,1] 1 2", ""},
		{"an input that takes none", "\x01", withImages(inputsOf("x:float")), "", "takes no image"},
		{"two inputs", "\x01", withImages(inputsOf("x:uint8 y:uint8")), "", "an image is for signatures with one input"},
		{"nobody to decode it", "\x01", inputsOf("x:uint8"), "", "takes no images here"},
		{"too large", "123456", withImages(inputsOf("x:uint8")), "", "MAX_TENSOR_BYTES"},
	} {
		got, err := codec.DecodeImage([]byte(tt.image), tt.c, codec.Limits{MaxTensorBytes: 5})
		switch {
		case tt.fault != "":
			if err == nil || !strings.Contains(err.Error(), tt.fault) {
				t.Errorf("%s: error %v, want %q", tt.name, err, tt.fault)
			}
		case err != nil || described(got) != tt.want:
			t.Errorf("%s: got %v (%v), want %s", tt.name, got, err, tt.want)
		}
	}
}
