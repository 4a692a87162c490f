package example_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/example"
)

// named is a feature and its name.
type named struct {
	name   string
	values []any // []byte, float32 or int64
}

func serialize(features ...named) []byte {
	var encoded []byte
	var f example.Feature // one for all, as readers use it
	for _, n := range features {
		f.Reset()
		for _, v := range n.values {
			switch v := v.(type) {
			case []byte:
				f.AppendBytes(v)
			case float32:
				f.AppendFloat(v)
			case int64:
				f.AppendInt64(v)
			}
		}
		encoded = example.AppendFeature(encoded, []byte(n.name), &f)
	}
	return example.Append(nil, encoded)
}

// The bytes are those of Python's SerializeToString(deterministic=True).
func TestExamplesAreThoseOfPython(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	tests := []struct {
		name     string
		features []named
		want     string
	}{
		{"bytes", []named{{"names", []any{[]byte("foo"), []byte{}, []byte{0xff}}}}, "0a170a150a056e616d6573120c0a0a0a03666f6f0a000a01ff"},
		{"floats", []named{{"r", []any{float32(8), float32(math.Copysign(0, -1)), nan, inf}}}, "0a1b0a190a0172121412120a1000000041000000800000c07f0000807f"},
		{"integers", []named{{"n", []any{int64(0), int64(1), int64(-1), int64(300), int64(math.MinInt64), int64(math.MaxInt64)}}},
			"0a2c0a2a0a016e12251a230a210001ffffffffffffffffff01ac0280808080808080808001ffffffffffffffff7f"},
		{"a feature without values", []named{{"e", nil}}, "0a070a050a01651200"},
		{"an empty name", []named{{"", []any{int64(1)}}}, "0a0b0a090a0012051a030a0101"},
		{"two features", []named{{"a", []any{int64(1)}}, {"b", []any{[]byte("x")}}}, "0a180a0a0a016112051a030a01010a0a0a016212050a030a0178"},
		{"nothing", nil, ""},
	}
	for _, tt := range tests {
		if got := hex.EncodeToString(serialize(tt.features...)); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

// Lengths that take more than one byte, at every level.
func TestLongExamples(t *testing.T) {
	floats := make([]any, 1000)
	for i := range floats {
		floats[i] = float32(1.5)
	}
	got := serialize(named{"long", floats}, named{strings.Repeat("name", 50), []any{bytes.Repeat([]byte("y"), 300)}})
	const want = "017da557a6276d8bae60cb545d08d61730d60e690a42af8d7ff851b5de6b7911" // of Python's 4536 bytes
	if sum := sha256.Sum256(got); hex.EncodeToString(sum[:]) != want || len(got) != 4536 {
		t.Errorf("got %d bytes, %x", len(got), sum)
	}
}

func TestSizeIsWhatAppendAppends(t *testing.T) {
	for _, n := range []int{0, 1, 126, 127, 128, 1 << 14, 1 << 21} {
		features := make([]byte, n)
		if got, want := len(example.Append([]byte("before"), features))-len("before"), example.Size(features); got != want {
			t.Errorf("%d bytes of features: %d appended, Size is %d", n, got, want)
		}
	}
}

func TestAFeatureTakesOneKind(t *testing.T) {
	var f example.Feature
	kinds := []example.Kind{example.Bytes, example.Floats, example.Int64s}
	for _, k := range kinds {
		if !f.Takes(k) || f.Kind() != example.None {
			t.Errorf("an empty feature refuses %s, has kind %s", k, f.Kind())
		}
	}
	for i, fill := range []func(){func() { f.AppendBytes(nil) }, func() { f.AppendFloat(0) }, func() { f.AppendInt64(0) }} {
		f.Reset()
		fill()
		for _, k := range kinds {
			if f.Takes(k) != (k == kinds[i]) {
				t.Errorf("a feature of %s takes %s: %v", f.Kind(), k, f.Takes(k))
			}
		}
		if f.Size() == 0 {
			t.Errorf("a value of %s takes no room", f.Kind())
		}
	}
}
