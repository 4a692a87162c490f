package example_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/example"
)

// read is the features of an example, the last of each name.
func read(serialized []byte, limit int) (map[string]string, error) {
	features := make(map[string]string)
	v := example.Values{Limit: limit} // one for all, as readers use it
	err := example.Entries(serialized, func(name, entry []byte) error {
		if err := v.Read(entry); err != nil {
			return err
		}
		text := []string{v.Kind.String()}
		for _, b := range v.Bytes {
			text = append(text, fmt.Sprintf("%q", b))
		}
		for _, f := range v.Floats {
			text = append(text, fmt.Sprint(f))
		}
		for _, i := range v.Int64s {
			text = append(text, fmt.Sprint(i))
		}
		if n := len(text) - 1; n != v.Len() {
			return fmt.Errorf("%d values, but Len is %d", n, v.Len())
		}
		features[string(name)] = strings.Join(text, " ")
		return nil
	})
	return features, err
}

// The bytes are those of Python's SerializeToString, or protobuf by hand.
func TestReadExamples(t *testing.T) {
	tests := []struct {
		name, hex, want string
	}{
		{"nothing", "", "map[]"},
		{"bytes", "0a170a150a056e616d6573120c0a0a0a03666f6f0a000a01ff", `map[names:bytes "foo" "" "\xff"]`},
		{"floats", "0a1b0a190a0172121412120a1000000041000000800000c07f0000807f", "map[r:float 8 -0 NaN +Inf]"},
		{"integers", "0a2c0a2a0a016e12251a230a210001ffffffffffffffffff01ac0280808080808080808001ffffffffffffffff7f",
			fmt.Sprintf("map[n:int64 0 1 -1 300 %d %d]", math.MinInt64, math.MaxInt64)},
		{"a feature without values", "0a070a050a01651200", "map[e:UNKNOWN]"},
		{"an entry without a value", "0a050a030a0165", "map[e:UNKNOWN]"},
		{"an empty name", "0a090a0712051a030a0101", "map[:int64 1]"},
		{"two features", "0a180a0a0a016112051a030a01010a0a0a016212050a030a0178", `map[a:int64 1 b:bytes "x"]`},
		{"floats that are not packed", "0a130a110a0172120c120a0d000080bf0d00000040", "map[r:float -1 2]"},
		{"integers that are not packed", "0a0d0a0b0a016e12061a0408050806", "map[n:int64 5 6]"},
		{"packed and not", "0a0f0a0d0a016e12081a060a0201020803", "map[n:int64 1 2 3]"},
		{"a name twice", "0a180a0a0a016112051a030a01010a0a0a016112051a030a0102", "map[a:int64 2]"},
		{"two kinds: the last counts", "0a140a120a0161120d1a030a010112060a040000803f", "map[a:float 1]"},
		{"one kind twice: lists are joined", "0a110a0f0a0161120a1a030a01011a030a0102", "map[a:int64 1 2]"},
		{"a value twice: likewise", "0a130a110a016112051a030a010112051a030a0102", "map[a:int64 1 2]"},
		{"fields that nobody knows", "0a110a0f0a016112054a017848053d01020304", "map[a:UNKNOWN]"},
	}
	for _, tt := range tests {
		serialized, err := hex.DecodeString(tt.hex)
		if err != nil {
			t.Fatal(err)
		}
		got, err := read(serialized, 0)
		if text := fmt.Sprint(got); err != nil || text != tt.want {
			t.Errorf("%s: %s, %v; want %s", tt.name, text, err, tt.want)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	whole, err := hex.DecodeString("0a170a150a056e616d6573120c0a0a0a03666f6f0a000a01ff")
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n < len(whole); n++ {
		if got, err := read(whole[:n], 0); !errors.Is(err, example.ErrMalformed) {
			t.Errorf("cut at byte %d: %v, %v", n, got, err)
		}
	}
	for name, serialized := range map[string]string{
		"a byte of floats":          "0a0c0a0a0a017212051203" + "0a0101",
		"an integer without end":    "0a0c0a0a0a016e12051a030a01ff",
		"text":                      hex.EncodeToString([]byte("some text")),
		"a group that never ends":   "0b",
		"a length beyond the end":   "0aff01",
		"a tag of field number 0":   "020100",
		"an entry that is no entry": "0a030a01ff",
	} {
		b, err := hex.DecodeString(serialized)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := read(b, 0); !errors.Is(err, example.ErrMalformed) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestReadCountsValues(t *testing.T) {
	three := map[string][]byte{
		"bytes":  serialize(named{"f", []any{[]byte("a"), []byte(""), []byte("b")}}),
		"floats": serialize(named{"f", []any{float32(1), float32(2), float32(3)}}),
		"int64s": serialize(named{"f", []any{int64(1), int64(2), int64(3)}}),
	}
	for name, serialized := range three {
		if got, err := read(serialized, 3); err != nil {
			t.Errorf("three %s, three allowed: %v, %v", name, got, err)
		}
		if got, err := read(serialized, 2); !errors.Is(err, example.ErrTooMany) {
			t.Errorf("three %s, two allowed: %v, %v", name, got, err)
		}
	}
}

func TestEntriesStopsAtAnError(t *testing.T) {
	stop := errors.New("stop")
	var names []string
	err := example.Entries(serialize(named{"a", nil}, named{"b", nil}), func(name, _ []byte) error {
		names = append(names, string(name))
		return stop
	})
	if !errors.Is(err, stop) || !slices.Equal(names, []string{"a"}) {
		t.Errorf("%q, %v", names, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(serialize(named{"a", []any{[]byte("x")}}, named{"b", []any{float32(1), float32(2)}}, named{"c", []any{int64(-1)}}))
	f.Fuzz(func(t *testing.T, serialized []byte) {
		got, err := read(serialized, 1000)
		if err != nil && !errors.Is(err, example.ErrMalformed) && !errors.Is(err, example.ErrTooMany) {
			t.Fatal(got, err)
		}
	})
}
