package tensorflow_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/infer/tensorflow"
)

// images is the folder of test images; make.py in it says what they are.
const images = "testdata/images"

func encoded(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(images, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func parseScale(t *testing.T, text string) tensorflow.ImageScale {
	t.Helper()
	scale, err := tensorflow.ParseImageScale(text)
	if err != nil {
		t.Fatal(err)
	}
	return scale
}

// imageInput is an input; without a shape its rank is unknown.
func imageInput(d infer.DType, shape ...int64) infer.TensorInfo {
	return infer.TensorInfo{Name: "image", DType: d, Shape: infer.Shape(shape)}
}

func TestImagesAreWhatPythonTensorFlowMakesOfThem(t *testing.T) {
	var expected struct {
		Cases []struct {
			Image, DType, Scale string
			Shape               infer.Shape
			Want                struct {
				Shape  []int64
				Values []float64
			}
		}
	}
	if err := json.Unmarshal(encoded(t, "expected.json"), &expected); err != nil {
		t.Fatal(err)
	}
	if len(expected.Cases) < 80 {
		t.Fatalf("only %d cases", len(expected.Cases))
	}
	decoders := make(map[string]*tensorflow.Images)
	for _, c := range expected.Cases {
		decoder := decoders[c.Scale]
		if decoder == nil {
			decoder = tensorflow.NewImages(parseScale(t, c.Scale), 0)
			decoders[c.Scale] = decoder
		}
		dtype := dtypes[c.DType]
		got, err := decoder.Decode(t.Context(), infer.TensorInfo{Name: "x", DType: dtype, Shape: c.Shape}, encoded(t, c.Image))
		if err != nil {
			t.Errorf("%s as %s%s: %v", c.Image, c.DType, c.Shape, err)
			continue
		}
		if got.DType != dtype || !slices.Equal(got.Shape, c.Want.Shape) || got.Len() != len(c.Want.Values) {
			t.Errorf("%s as %s%s: got %s%v, want %v", c.Image, c.DType, c.Shape, got.DType, got.Shape, c.Want.Shape)
			continue
		}
		for i, want := range c.Want.Values {
			if value := floatOf(t, got, i); math.Abs(value-want) > precision(dtype, want) {
				t.Errorf("%s as %s%s %q: element %d is %v, want %v", c.Image, c.DType, c.Shape, c.Scale, i, value, want)
				break
			}
		}
	}
}

// precision is half a unit in the last place of half and bfloat16, and for floats some
// units, since Python's values were scaled as doubles.
func precision(d infer.DType, value float64) float64 {
	switch d {
	case infer.Uint8:
		return 0
	case infer.Half:
		return math.Max(math.Abs(value), 0.1) / (1 << 11)
	case infer.Bfloat16:
		return math.Max(math.Abs(value), 0.1) / (1 << 8)
	default:
		return math.Max(math.Abs(value), 1) * 1e-6
	}
}

func floatOf(t *testing.T, tensor *infer.Tensor, i int) float64 {
	t.Helper()
	b := element(tensor, i)
	defer tensor.KeepAlive()
	switch tensor.DType {
	case infer.Uint8:
		return float64(b[0])
	case infer.Float:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
	case infer.Double:
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	case infer.Bfloat16:
		return float64(math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16))
	case infer.Half: // normal numbers only, and 0
		bits := binary.LittleEndian.Uint16(b)
		if bits&0x7fff == 0 {
			return 0
		}
		f := math.Ldexp(1+float64(bits&0x3ff)/1024, int(bits>>10&0x1f)-15)
		return math.Copysign(f, float64(1)-float64(bits>>15)*2)
	}
	t.Fatalf("a tensor of type %s", tensor.DType)
	return 0
}

func TestImageForStringsIsItsBytes(t *testing.T) {
	decoder := tensorflow.NewImages(tensorflow.ImageScale{}, 0)
	for _, shape := range [][]int64{nil, {-1}} {
		got, err := decoder.Decode(t.Context(), imageInput(infer.String, shape...), []byte("any bytes"))
		if err != nil || !slices.Equal(got.Shape, []int64{1}) || string(got.Element(0)) != "any bytes" {
			t.Errorf("shape %v: got %v, %v", shape, got, err)
		}
	}
}

func TestInputsThatTakeNoImage(t *testing.T) {
	decoder := tensorflow.NewImages(parseScale(t, "mean=0.5,0.5,0.5;std=0.5,0.5,0.5"), 0)
	for _, input := range []infer.TensorInfo{
		imageInput(infer.Int64, -1, 8, 8, 3),
		imageInput(infer.Float, -1, 10),
		imageInput(infer.Float, -1, -1, -1),
		imageInput(infer.Float, -1, -1, 28),
		imageInput(infer.Float, -1, 8, 3), // rows of a sequence
		imageInput(infer.Float, -1, 0, 28),
		imageInput(infer.Float, 8, 8, 8),
		imageInput(infer.Float, 8, 8, -1),
		imageInput(infer.Float, 5, -1, -1),
		imageInput(infer.Float, 0, 8, 3),
		imageInput(infer.Float, -1, 8, 8, 2),
		imageInput(infer.Float, -1, 0, 8, 3),
		imageInput(infer.Float, -1, 8, 8, 3, 1),
		imageInput(infer.String, -1, 1),
		{Name: "image", DType: infer.Float, Shape: infer.Shape{}},
		{Name: "image", DType: infer.String, Shape: infer.Shape{}},
		imageInput(infer.Float, -1, 8, 8, 1), // the scale has three numbers
		imageInput(infer.Float, 8, 8, 4),
	} {
		if got, err := decoder.Decode(t.Context(), input, encoded(t, "rgb.png")); !errors.Is(err, infer.ErrFailedPrecondition) {
			t.Errorf("%s%s: got %v, %v", input.DType, input.Shape, got, err)
		}
	}
}

func TestImagesThatAreNoneOrBroken(t *testing.T) {
	decoder := tensorflow.NewImages(tensorflow.ImageScale{}, 0)
	jpeg, picture := encoded(t, "rgb.jpg"), encoded(t, "rgb.png")
	flipped := bytes.Clone(picture)
	flipped[len(flipped)-20] ^= 0xff
	for name, data := range map[string][]byte{
		"empty":            nil,
		"text":             []byte("not an image"),
		"gif":              []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"),
		"half a jpeg":      jpeg[:len(jpeg)-40],
		"header of jpeg":   jpeg[:300],
		"half a png":       picture[:len(picture)-40],
		"changed png":      flipped,
		"only its header":  picture[:40],
		"sides over PNG's": bomb(1<<31, 1<<31),
		"no sides":         bomb(0, 0),
	} {
		got, err := decoder.Decode(t.Context(), imageInput(infer.Float, -1, 4, 4, 3), data)
		if !errors.Is(err, infer.ErrInvalidArgument) || strings.Contains(err.Error(), "node") {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
}

// bomb is a PNG that says it has so many pixels, and has none.
func bomb(width, height uint32) []byte {
	header := binary.BigEndian.AppendUint32([]byte("IHDR"), width)
	header = binary.BigEndian.AppendUint32(header, height)
	header = append(header, 8, 2, 0, 0, 0)
	data := binary.BigEndian.AppendUint32([]byte("\x89PNG\r\n\x1a\n"), uint32(len(header)-4))
	data = append(data, header...)
	return binary.BigEndian.AppendUint32(data, crc32.ChecksumIEEE(header))
}

func TestImagesAreBoundedByTheirHeader(t *testing.T) {
	for _, tt := range []struct {
		name  string
		limit int64
		input infer.TensorInfo
		image []byte
	}{
		{"a gigapixel", 1 << 40, imageInput(infer.Uint8, -1, 8, 8, 3), bomb(1<<15, 1<<15)},
		{"more than memory has addresses for", 0, imageInput(infer.Uint8, -1, 8, 8, 3), bomb(1<<31-1, 1<<31-1)},
		{"in four inks, over the limit as colours", 1 << 10, imageInput(infer.Uint8, -1, 8, 8, 1), encoded(t, "cmyk.jpg")},
		{"one line of gigapixels", 0, imageInput(infer.Uint8, -1, 8, 8, 1), bomb(1<<31-1, 1)},
		{"pixels over the limit", 1 << 20, imageInput(infer.Float, -1, 8, 8, 3), bomb(1<<10, 1<<10)},
		{"floats over the limit", 1 << 20, imageInput(infer.Float, -1, -1, -1, 3), bomb(1<<9, 1<<8)},
		{"rows over the limit", 1 << 20, imageInput(infer.Uint8, -1, 1<<12, 1, 1), bomb(1<<12, 1)},
		{"an input over the limit", 1 << 20, imageInput(infer.Float, -1, 1<<10, 1<<10, 1), encoded(t, "grey.png")},
	} {
		decoder := tensorflow.NewImages(tensorflow.ImageScale{}, tt.limit)
		if got, err := decoder.Decode(t.Context(), tt.input, tt.image); !errors.Is(err, infer.ErrTooLarge) {
			t.Errorf("%s: got %v, %v", tt.name, got, err)
		}
	}
}

// withChunk is a PNG with a chunk eXIf that says so many bytes of itself.
func withChunk(png []byte, length uint32, body string, damage uint32) []byte {
	const header = 33
	chunk := append([]byte("eXIf"), body...)
	out := binary.BigEndian.AppendUint32(bytes.Clone(png[:header]), length)
	out = append(out, chunk...)
	out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(chunk)^damage)
	return append(out, png[header:]...)
}

// A PNG whose EXIF cannot be read is upright, as for browsers. It has 6 lines of 7 pixels.
func TestEXIFOfPNG(t *testing.T) {
	const turned = "MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00"
	decoder := tensorflow.NewImages(tensorflow.ImageScale{}, 0)
	picture := encoded(t, "rgb.png")
	for _, tt := range []struct {
		name   string
		length int
		body   string
		damage uint32
		want   []int64
	}{
		{"an orientation", len(turned), turned, 0, []int64{1, 7, 6, 3}},
		{"behind the header of a JPEG's", len(turned) + 6, "Exif\x00\x00" + turned, 0, []int64{1, 7, 6, 3}},
		{"with a wrong checksum", len(turned), turned, 1, []int64{1, 6, 7, 3}},
		{"of nothing", 0, "", 0, []int64{1, 6, 7, 3}},
		{"of no TIFF", 4, "text", 0, []int64{1, 6, 7, 3}},
		{"cut off", 20, turned[:20], 0, []int64{1, 6, 7, 3}},
		{"an orientation that there is not", len(turned), strings.Replace(turned, "\x00\x06", "\x00\x09", 1), 0, []int64{1, 6, 7, 3}},
		{"a directory behind the end", len(turned), strings.Replace(turned, "\x00\x00\x00\x08", "\xff\xff\xff\xff", 1), 0, []int64{1, 6, 7, 3}},
		{"longer than the file", 1<<31 - 1, turned, 0, nil},
		{"longer than any chunk", 1<<32 - 1, turned, 0, nil},
	} {
		data := withChunk(picture, uint32(tt.length), tt.body, tt.damage)
		got, err := decoder.Decode(t.Context(), imageInput(infer.Float, -1, -1, -1, 3), data)
		if tt.want == nil {
			if !errors.Is(err, infer.ErrInvalidArgument) {
				t.Errorf("%s: got %v, %v", tt.name, got, err)
			}
		} else if err != nil || !slices.Equal(got.Shape, tt.want) {
			t.Errorf("%s: got %v, %v, want %v", tt.name, got, err, tt.want)
		}
	}
}

func TestImagesFromSeveralGoroutines(t *testing.T) {
	decoder := tensorflow.NewImages(tensorflow.ImageScale{}, 0)
	inputs := []infer.TensorInfo{imageInput(infer.Float, -1, 4, 3, 3), imageInput(infer.Uint8, -1, -1, -1, 1)}
	var want []*infer.Tensor
	for _, input := range inputs {
		value, err := tensorflow.NewImages(tensorflow.ImageScale{}, 0).Decode(t.Context(), input, encoded(t, "rgb.jpg"))
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, value)
	}
	var callers sync.WaitGroup
	for i := range 8 {
		data := encoded(t, "rgb.jpg")
		callers.Go(func() {
			for range 20 {
				got, err := decoder.Decode(t.Context(), inputs[i%2], data)
				if err != nil {
					t.Error(err)
					return
				}
				if !bytes.Equal(got.Data, want[i%2].Data) {
					t.Error("the image is another")
				}
				got.KeepAlive()
			}
		})
	}
	callers.Wait()
}

func TestImageOfEndedContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := tensorflow.NewImages(tensorflow.ImageScale{}, 0).Decode(ctx, imageInput(infer.Float), encoded(t, "rgb.png")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestParseImageScale(t *testing.T) {
	for text, want := range map[string]string{
		"": "0..1", "0..1": "0..1", "-1..1": "-1..1", "0..255": "0..255", "mean=0.5;std=0.5": "mean=0.5;std=0.5",
		"mean=0.1, 0.2,0.3;std=1,1,1": "mean=0.1, 0.2,0.3;std=1,1,1",
	} {
		if scale, err := tensorflow.ParseImageScale(text); err != nil || scale.String() != want {
			t.Errorf("%q: got %s, %v", text, scale, err)
		}
	}
	for _, text := range []string{
		"0..2", "0…1", " 0..1", "mean=0.5", "std=0.5", "std=0.5;mean=0.5", "mean=;std=", "mean=a;std=1", "mean=0.5;std=0", "mean=0.5;std=NaN",
		"mean=0.5,0.5;std=1,1", "mean=0.5;std=1,1,1", "mean=127.5;std=0.5", "mean=0.5;std=58", "mean=-0.1;std=1",
	} {
		if scale, err := tensorflow.ParseImageScale(text); err == nil {
			t.Errorf("%q was accepted as %s", text, scale)
		}
	}
}

// The ends of MNIST's usual normalisation are those that everybody knows, -0.4242 and 2.8215.
func TestImageScaleRange(t *testing.T) {
	for text, want := range map[string]string{
		"": "[0] [1]", "0..1": "[0] [1]", "-1..1": "[-1] [1]", "0..255": "[0] [255]", "mean=0;std=0.5": "[0] [2]",
		"mean=0.5,0.25,0;std=0.5,0.25,0.125": "[-1 -1 0] [1 3 8]",
		"mean=0.1307;std=0.3081":             "[-0.42421296] [2.8214867]",
	} {
		scale, err := tensorflow.ParseImageScale(text)
		if err != nil {
			t.Fatal(err)
		}
		if black, white := scale.Range(); fmt.Sprint(black, white) != want {
			t.Errorf("%q: from %v to %v, want %s", text, black, white, want)
		}
	}
}

// FuzzImages: whatever the bytes, an image or an error of the client comes out.
func FuzzImages(f *testing.F) {
	for _, name := range []string{"turned6.jpg", "turned7.jpg", "turned6.png", "progressive.jpg", "cmyk.jpg", "rgba.png", "rgb16.png"} {
		f.Add(encoded(f, name))
	}
	f.Add(bomb(3, 3))
	decoder := tensorflow.NewImages(tensorflow.ImageScale{}, 1<<20)
	input := imageInput(infer.Uint8, -1, -1, -1, 3)
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := decoder.Decode(t.Context(), input, data)
		if err == nil {
			config, _, err := image.DecodeConfig(bytes.NewReader(data))
			if err != nil || got.Len() != 3*config.Width*config.Height {
				t.Errorf("%v of an image of %d x %d, %v", got.Shape, config.Width, config.Height, err)
			}
		} else if !errors.Is(err, infer.ErrInvalidArgument) && !errors.Is(err, infer.ErrTooLarge) {
			t.Error(err)
		}
	})
}

func BenchmarkImages(b *testing.B) {
	var large bytes.Buffer
	if err := png.Encode(&large, image.NewRGBA(image.Rect(0, 0, 640, 480))); err != nil {
		b.Fatal(err)
	}
	for name, data := range map[string][]byte{"tiny jpeg": encoded(b, "rgb.jpg"), "640x480 png": large.Bytes()} {
		b.Run(name, func(b *testing.B) {
			decoder := tensorflow.NewImages(tensorflow.ImageScale{}, 0)
			for b.Loop() {
				if _, err := decoder.Decode(b.Context(), imageInput(infer.Float, -1, 224, 224, 3), data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
