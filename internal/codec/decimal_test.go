package codec_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// writeDecimal is TensorFlow Serving's rule written with fmt, whose %g agrees
// with C's.
func writeDecimal(f float64, bitSize, precision int) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 0):
		return strings.Replace(fmt.Sprintf("%vinity", f), "+", "", 1)
	}
	text := fmt.Sprintf("%.6g", f)
	if back, _ := strconv.ParseFloat(text, bitSize); back != f {
		text = fmt.Sprintf("%.*g", precision, f)
	}
	if !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	return text
}

// outputs is the text of each element of a column reply.
func outputs(t *testing.T, r infer.Result) []string {
	t.Helper()
	reply, err := codec.AppendPredict(nil, []infer.Result{r}, false)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.TrimSuffix(strings.TrimPrefix(string(reply), `{"outputs":[`), "]}")
	return strings.Split(text, ",")
}

// The worked values of WriteDecimal.
func TestFloatText(t *testing.T) {
	floats := []struct {
		f    float32
		want string
	}{
		{9000000, "9e+06"}, {999999, "999999.0"}, {1.0 / 3, "0.333333343"}, {123456789, "123456792.0"},
		{1435774380, "1.43577434e+09"}, {float32(math.Copysign(0, -1)), "-0.0"}, {0, "0.0"}, {-2.5, "-2.5"},
		{1e-45, "1.4013e-45"}, {math.MaxFloat32, "3.40282347e+38"}, {100000, "100000.0"}, {1000000, "1e+06"},
		{0.0001, "0.0001"}, {0.00001, "1e-05"}, {16777216, "16777216.0"}, {1e10, "1e+10"},
		// Right in the middle of two numbers of 9 digits, which goes to the even one.
		{0.5 + 1.0/1024, "0.500976562"},
	}
	for _, tt := range floats {
		got := outputs(t, result(t, "y", infer.Float, []int64{1}, tt.f))[0]
		if got != tt.want {
			t.Errorf("float %g: got %s, want %s", tt.f, got, tt.want)
		}
	}
	doubles := []struct {
		f    float64
		want string
	}{
		{1.0 / 3, "0.33333333333333331"}, {1435774380, "1435774380.0"}, {0.1, "0.1"}, {5e-324, "4.94066e-324"},
		{math.MaxFloat64, "1.7976931348623157e+308"}, {1e22, "1e+22"}, {123456.5, "123456.5"}, {-1e-5, "-1e-05"},
	}
	for _, tt := range doubles {
		got := outputs(t, result(t, "y", infer.Double, []int64{1}, tt.f))[0]
		if got != tt.want {
			t.Errorf("double %g: got %s, want %s", tt.f, got, tt.want)
		}
	}
}

func TestFloatTextReadsBack(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var floats []float32
	for i := range 200_000 {
		f := math.Float32frombits(random.Uint32())
		if i%4 == 0 { // what models return
			f = random.Float32()
		}
		if i%4 == 1 { // few digits
			f = float32(random.IntN(1_000_000)) * float32(math.Pow10(random.IntN(60)-40))
		}
		if i%8 == 2 { // 10 digits, in the middle of two numbers of 9
			f = float32(random.IntN(1<<10)|1) / (1 << 10)
		}
		floats = append(floats, f)
	}
	texts := outputs(t, result(t, "y", infer.Float, []int64{int64(len(floats))}, floats...))
	for i, f := range floats {
		if want := writeDecimal(float64(f), 32, 9); texts[i] != want {
			t.Fatalf("%08x: got %s, want %s", math.Float32bits(f), texts[i], want)
		}
		back, err := strconv.ParseFloat(texts[i], 32)
		if err != nil || math.Float32bits(float32(back)) != math.Float32bits(f) && f == f {
			t.Fatalf("%08x: %s reads back as %v, %v", math.Float32bits(f), texts[i], back, err)
		}
	}
}

func TestDoubleTextReadsBack(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	var doubles []float64
	for i := range 200_000 {
		f := math.Float64frombits(random.Uint64())
		if i%4 == 0 {
			f = random.Float64()
		}
		if i%4 == 1 {
			f = float64(random.IntN(1_000_000)) * math.Pow10(random.IntN(60)-40)
		}
		if i%8 == 2 { // 18 digits, in the middle of two numbers of 17
			f = float64(random.IntN(1<<18)|1) / (1 << 18)
		}
		if i%8 == 6 { // of every size from 1e-30 to 1e30
			f = (1 + random.Float64()) * math.Ldexp(1, random.IntN(200)-100)
		}
		doubles = append(doubles, f)
	}
	texts := outputs(t, result(t, "y", infer.Double, []int64{int64(len(doubles))}, doubles...))
	for i, f := range doubles {
		if want := writeDecimal(f, 64, 17); texts[i] != want {
			t.Fatalf("%016x: got %s, want %s", math.Float64bits(f), texts[i], want)
		}
		back, err := strconv.ParseFloat(texts[i], 64)
		if err != nil || math.Float64bits(back) != math.Float64bits(f) && f == f {
			t.Fatalf("%016x: %s reads back as %v, %v", math.Float64bits(f), texts[i], back, err)
		}
	}
}
