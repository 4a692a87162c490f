package codec_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// Numbers in every spelling must come out as strconv reads them: as a double,
// and as a double that is then narrowed.
func TestNumbersReadAsStrconvDoes(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	var texts []string
	for range 100_000 {
		texts = append(texts, randomNumber(random))
	}
	list := strings.Join(texts, ",")
	body := []byte(`{"inputs": {"f": [` + list + `], "d": [` + strings.Join(texts, " ,\n") + `]}}`)
	p, err := codec.DecodePredict(body, inputsOf("d:double f:float"), codec.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	// One bare input of floats is read another way.
	bare, err := codec.DecodePredict([]byte(`{"instances": [`+list+`]}`), inputsOf("x:float"), codec.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	doubles, floats := p.Feeds[0].Value, p.Feeds[1].Value
	for i, text := range texts {
		want, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		if got := binary.LittleEndian.Uint64(doubles.Data[8*i:]); got != math.Float64bits(want) {
			t.Fatalf("%s: got %016x, want %016x", text, got, math.Float64bits(want))
		}
		for _, data := range [][]byte{floats.Data, bare.Feeds[0].Value.Data} {
			if got := binary.LittleEndian.Uint32(data[4*i:]); got != math.Float32bits(float32(want)) {
				t.Fatalf("%s: got %08x, want %08x", text, got, math.Float32bits(float32(want)))
			}
		}
	}
}

// randomNumber spells a number with any count of digits before and behind the
// point, an exponent or none, or the exact middle between two floats.
func randomNumber(random *rand.Rand) string {
	if random.IntN(8) == 0 {
		f := random.Float32()
		middle := (float64(f) + float64(math.Nextafter32(f, 2))) / 2
		return strconv.FormatFloat(middle, 'g', 17+random.IntN(30), 64)
	}
	digits := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte('0' + random.IntN(10))
		}
		return string(b)
	}
	text := strings.TrimLeft(digits(random.IntN(25)), "0")
	if text == "" {
		text = "0"
	}
	if random.IntN(2) == 0 {
		text = "-" + text
	}
	if random.IntN(4) > 0 {
		text += "." + digits(1+random.IntN(25))
	}
	if random.IntN(4) == 0 {
		text += fmt.Sprintf("%c%s%d", "eE"[random.IntN(2)], []string{"", "+", "-"}[random.IntN(3)], random.IntN(280))
	}
	return text
}

// What is encoded decodes to the same bits, for every type and shape.
func TestRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	for _, d := range []infer.DType{
		infer.Float, infer.Double, infer.Half, infer.Bfloat16, infer.Bool, infer.String, infer.Int8, infer.Int16,
		infer.Int32, infer.Int64, infer.Uint8, infer.Uint16, infer.Uint32, infer.Uint64,
	} {
		for range 200 {
			want := randomTensor(t, random, d)
			encoded, err := codec.AppendPredict(nil, []infer.Result{{TensorInfo: infer.TensorInfo{Name: "y"}, Value: want}}, false)
			if err != nil {
				t.Fatal(err)
			}
			body := bytes.Replace(encoded, []byte(`{"outputs":`), []byte(`{"inputs":`), 1)
			p, err := codec.DecodePredict(body, oneInput("x", d), codec.Limits{})
			if err != nil {
				t.Fatalf("%s: %v", body, err)
			}
			got := p.Feeds[0].Value
			// JSON cannot say what follows a dimension of size 0.
			shape := want.Shape
			if i := slices.Index(shape, 0); i >= 0 {
				shape = shape[:i+1]
			}
			if !slices.Equal(got.Shape, shape) || !bytes.Equal(got.Data, want.Data) || !slices.Equal(got.Offsets, want.Offsets) {
				t.Fatalf("%s of %s: got %s, want %s", d, body, describe(got), describe(want))
			}
		}
	}
}

// randomTensor has rank 0 to 8, dimensions of 0 to 3 and random bits, except
// that all NaN are alike and a bool is 0 or 1.
func randomTensor(t *testing.T, random *rand.Rand, d infer.DType) *infer.Tensor {
	t.Helper()
	shape := make([]int64, random.IntN(9))
	for i := range shape {
		shape[i] = int64(random.IntN(3) + min(1, random.IntN(12)))
	}
	n, err := infer.Elements(shape)
	if err != nil {
		t.Fatal(err)
	}
	if d == infer.String {
		return randomStrings(t, random, shape, int(n))
	}
	data := make([]byte, int(n)*d.Size())
	for i := range data {
		data[i] = byte(random.Uint32())
	}
	for i := range int(n) {
		element := data[i*d.Size():]
		switch d {
		case infer.Bool:
			element[0] &= 1
		case infer.Float:
			if math.IsNaN(float64(math.Float32frombits(binary.LittleEndian.Uint32(element)))) {
				binary.LittleEndian.PutUint32(element, 0x7fc00000)
			}
		case infer.Double:
			if f := math.Float64frombits(binary.LittleEndian.Uint64(element)); math.IsNaN(f) {
				binary.LittleEndian.PutUint64(element, math.Float64bits(math.NaN()))
			}
		case infer.Half:
			if h := binary.LittleEndian.Uint16(element); h&0x7fff > 0x7c00 {
				binary.LittleEndian.PutUint16(element, 0x7e00)
			}
		case infer.Bfloat16:
			if h := binary.LittleEndian.Uint16(element); h&0x7fff > 0x7f80 {
				binary.LittleEndian.PutUint16(element, 0x7fc0)
			}
		}
	}
	value, err := infer.NewTensor(d, shape, data)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func randomStrings(t *testing.T, random *rand.Rand, shape []int64, n int) *infer.Tensor {
	t.Helper()
	elements := make([]string, n)
	for i := range elements {
		b := make([]byte, random.IntN(20))
		for k := range b {
			b[k] = byte(random.Uint32N(128 << (i % 2)))
		}
		elements[i] = string(b)
	}
	return stringResult(t, "s", shape, elements...).Value
}

// Every binary16 and bfloat16 survives, and what lies between two goes to the
// nearer one, in the middle to the even one.
func TestShortFloats(t *testing.T) {
	for d, widen := range map[infer.DType]func(uint16) float64{
		infer.Half: func(b uint16) float64 {
			exp, frac := int(b>>10), float64(b&0x3ff)
			if exp == 0 {
				return math.Ldexp(frac, -24)
			}
			return math.Ldexp(1024+frac, exp-25)
		},
		infer.Bfloat16: func(b uint16) float64 { return float64(math.Float32frombits(uint32(b) << 16)) },
	} {
		infinity := map[infer.DType]uint16{infer.Half: 0x7c00, infer.Bfloat16: 0x7f80}[d]
		var texts []string
		var want []uint16
		add := func(f float64, bits uint16) {
			texts = append(texts, strconv.FormatFloat(f, 'g', 17, 64), strconv.FormatFloat(-f, 'g', 17, 64))
			want = append(want, bits, bits|0x8000)
		}
		for b := uint16(0); b+1 < infinity; b++ {
			low, high := widen(b), widen(b+1)
			middle := (low + high) / 2
			add(low, b)
			add(middle, b+b&1)
			add(math.Nextafter(middle, 0), b)
			add(math.Nextafter(middle, high), b+1)
		}
		p, err := codec.DecodePredict([]byte(`{"inputs":[`+strings.Join(texts, ",")+`]}`), oneInput("x", d), codec.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range want {
			if got := binary.LittleEndian.Uint16(p.Feeds[0].Value.Data[2*i:]); got != w {
				t.Fatalf("%s %s: got %#04x, want %#04x", d, texts[i], got, w)
			}
		}
	}
}

// A body that encoding/json reads as [][]float64 without a fault and with equal
// rows decodes to the same numbers, and one that is no JSON is refused.
func FuzzDecodePredict(f *testing.F) {
	for _, body := range []string{
		`{"instances": [[1, 2.5e3], [-0.0, 1e-400]]}`,
		`{"instances": [[1.7976931348623157e308]], "x": [{"y": "\u00e9"}]}`,
		`{"instances": [[]]}`, `{"instances": [[1], [2, 3]]}`, `{"instances": [[1,]]}`,
		`{"inputs": {"x": [[1]]}}`, `{"instances": [{"x": 1}, {"x": 2}]}`, `{"instances": [[0.000000000000000000000001234567890123456789]]}`,
		`{"instances": [{"b64": "AA=="}]}`, `[[`, `{"instances": [[NaN, -Infinity]]}`, "\xEF\xBB\xBF{}",
	} {
		f.Add([]byte(body))
	}
	numbers, texts := inputsOf("x:double"), inputsOf("a:string b:string")
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := codec.DecodePredict(body, numbers, codec.Limits{MaxTensorBytes: 1 << 20})
		if err == nil && p.Feeds[0].Value.Len() > len(body) {
			t.Errorf("%d elements out of %d bytes", p.Feeds[0].Value.Len(), len(body))
		}
		_, _ = codec.DecodePredict(body, texts, codec.Limits{MaxTensorBytes: 1 << 20})
		var keys map[string]json.RawMessage
		var rows [][]float64
		if json.Unmarshal(body, &keys) != nil || json.Unmarshal(keys["instances"], &rows) != nil || len(keys) != 1 {
			return
		}
		if err == nil {
			if got, want := describe(p.Feeds[0].Value), matrix(rows); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		} else if plain(body, rows) {
			t.Errorf("refused: %v", err)
		}
	})
}

// plain reports whether nothing in body is what encoding/json takes and this
// codec does not: null, duplicate keys, ragged or no rows.
func plain(body []byte, rows [][]float64) bool {
	if len(rows) == 0 || bytes.Contains(body, []byte("null")) || bytes.Count(body, []byte(":")) != 1 {
		return false
	}
	return !slices.ContainsFunc(rows, func(row []float64) bool { return len(row) != len(rows[0]) })
}

func matrix(rows [][]float64) string {
	text := infer.FormatShape([]int64{int64(len(rows)), int64(len(rows[0]))})
	for _, row := range rows {
		for _, f := range row {
			text += " " + fmt.Sprint(f)
		}
	}
	return text
}

// A bare input of floats has a way of its own through the decoder, which must
// agree with the one that named inputs take.
func FuzzDenseFloats(f *testing.F) {
	for _, value := range []string{
		"[1]", "[[1,2],[3,4]]", "[[1,2],[3]]", "[[1],2]", "[1,[2]]", "[]", "[[]]", "[[1],[]]", "[01]", "[1.]", "[-]", "[.5]", "[1e5,1E-5,1e]",
		"[NaN]", "[[Infinity]]", "[1e400]", "[1e300]", "[[[[[[[[[1]]]]]]]]]", "[ 1 , 2 ]", "[1,]", "[,1]", "[1 2]", "[[1,2]", "[1]]", "[-0,-0.0]",
		"[12345678901234567890.5]", "[1--2]", "[1e-]",
	} {
		f.Add(value)
	}
	catalog := inputsOf("x:float")
	f.Fuzz(func(t *testing.T, value string) {
		if strings.Trim(value, "[]0123456789.,eE+- \nNaIfinty") != "" || !strings.HasPrefix(value, "[") || strings.Count(value, "[") > 60 {
			return
		}
		bare, bareErr := codec.DecodePredict([]byte(`{"inputs": `+value+`}`), catalog, codec.Limits{})
		named, namedErr := codec.DecodePredict([]byte(`{"inputs": {"x": `+value+`}}`), catalog, codec.Limits{})
		if (bareErr == nil) != (namedErr == nil) {
			t.Fatalf("bare: %v; named: %v", bareErr, namedErr)
		}
		if bareErr == nil && described(bare) != described(named) {
			t.Errorf("bare %s, named %s", described(bare), described(named))
		}
	})
}

// However many elements there are, the tensor is one allocation of its size.
func TestDecodePredictAllocatesTheTensorOnce(t *testing.T) {
	for _, inputs := range []string{"x:float", "x:double", "x:int32", "x:bool"} {
		leaf := "1.5"
		switch inputs {
		case "x:int32":
			leaf = "15"
		case "x:bool":
			leaf = "true"
		}
		row := "[" + strings.Repeat(leaf+",", 999) + leaf + "]"
		allocations := func(rows int) float64 {
			body := []byte(`{"instances": [` + strings.Repeat(row+",", rows-1) + row + `]}`)
			catalog := inputsOf(inputs)
			return testing.AllocsPerRun(5, func() {
				if _, err := codec.DecodePredict(body, catalog, codec.Limits{}); err != nil {
					t.Fatal(err)
				}
			})
		}
		if few, many := allocations(2), allocations(50); many > few+1 || few > 40 {
			t.Errorf("%s: %v allocations for 2,000 elements, %v for 50,000", inputs, few, many)
		}
	}
}
