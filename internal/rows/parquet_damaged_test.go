package rows_test

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// isKnown reports whether err is one of those of Reader.Next.
func isKnown(err error) bool {
	return err == nil || errors.Is(err, rows.ErrCorrupt) || errors.Is(err, rows.ErrTooLarge) || errors.Is(err, rows.ErrFormat)
}

func TestParquetThatBreaksOff(t *testing.T) {
	data := parquetFile(t, "groups")
	for n := range data {
		if _, err := scan(t, data[:n], parquetOptions(plainInputs...)); !errors.Is(err, rows.ErrCorrupt) {
			t.Fatalf("%d of %d bytes: %v", n, len(data), err)
		}
	}
}

// Every page has a checksum, so that a flipped bit in its bytes cannot go unnoticed.
func TestParquetWithAFlippedBitInAPage(t *testing.T) {
	data := parquetFile(t, "codec-none")
	want := plainRows()
	footer := len(data) - 8 - int(binary.LittleEndian.Uint32(data[len(data)-8:]))
	for at := 4; at < footer; at++ {
		damaged := append([]byte{}, data...)
		damaged[at] ^= 0x10
		got, err := scan(t, damaged, parquetOptions(plainInputs...))
		if !isKnown(err) {
			t.Fatalf("byte %d: %v", at, err)
		}
		if err == nil && len(got) != len(want) {
			t.Fatalf("byte %d: %d rows pass for the whole", at, len(got))
		}
		for i, row := range got { // statistics in a header are nobody's loss
			if row != want[i] {
				t.Fatalf("byte %d: row %d became %s", at, i, row)
			}
		}
	}
}

// lying is a file with a footer of its own.
func lying(footer []byte) []byte {
	data := append([]byte("PAR1"), footer...)
	data = binary.LittleEndian.AppendUint32(data, uint32(len(footer)))
	return append(data, "PAR1"...)
}

// What a footer claims must not be allocated: a list of 2^31 row groups would be a
// terabyte.
func TestParquetFootersThatClaimTooMuch(t *testing.T) {
	huge := []byte{0xff, 0xff, 0xff, 0xff, 0x07}
	for name, footer := range map[string][]byte{
		"a schema of 2^31 elements":         append([]byte{0x15, 0x02, 0x19, 0xfc}, huge...),
		"2^31 row groups":                   append([]byte{0x15, 0x02, 0x39, 0xfc}, huge...),
		"a name of 2^31 bytes":              append([]byte{0x15, 0x02, 0x68}, huge...),
		"structs in structs without end":    repeated(0x1c, 1<<16),
		"lists in lists without end":        append([]byte{0x19}, repeated(0x19, 1<<16)...),
		"a million of the smallest structs": append([]byte{0x39, 0xfc, 0x80, 0x80, 0x40}, make([]byte, 1<<20)...),
	} {
		o := parquetOptions(plainInputs...)
		o.Limits.MaxTensor = 64 << 20
		before := allocated()
		_, err := scan(t, lying(footer), o)
		if err == nil || !isKnown(err) {
			t.Errorf("%s: %v", name, err)
		}
		if grown := allocated() - before; grown > 64<<20 {
			t.Errorf("%s takes %d MiB", name, grown>>20)
		}
	}
	end := lying(nil)
	binary.LittleEndian.PutUint32(end[len(end)-8:], 0xfffffff0)
	if _, err := scan(t, end, parquetOptions(plainInputs...)); !errors.Is(err, rows.ErrCorrupt) {
		t.Errorf("a footer larger than the file: %v", err)
	}
}

func repeated(b byte, n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = b
	}
	return out
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// A page's header is believed by parquet-go, which allocates its sizes.
func TestParquetPagesThatClaimTooMuch(t *testing.T) {
	data := parquetFile(t, "codec-none")
	o := parquetOptions(declared("y", infer.Int64, -1))
	o.Limits.MaxTensor = 32 << 20
	random := rand.New(rand.NewPCG(1, 2))
	footer := len(data) - 8 - int(binary.LittleEndian.Uint32(data[len(data)-8:]))
	for range 3000 {
		damaged := append([]byte{}, data...)
		for range 1 + random.IntN(4) {
			at := 4 + random.IntN(footer-4)
			copy(damaged[at:footer], []byte{0x15, 0xff, 0xff, 0xff, 0xff, 0x0f}[random.IntN(3):])
		}
		before := allocated()
		_, err := scan(t, damaged, o)
		if !isKnown(err) {
			t.Fatal(err)
		}
		if grown := allocated() - before; grown > 128<<20 {
			t.Fatalf("reading takes %d MiB", grown>>20)
		}
	}
}

func FuzzParquet(f *testing.F) {
	for _, name := range []string{"codec-none", "pages-v1", "pages-v2", "delta", "nulls", "deep"} {
		f.Add(parquetFile(f, name))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		o := parquetOptions(declared("x", infer.Float))
		o.Limits = rows.Limits{MaxTensor: 1 << 20, BlockRows: 3}
		got, err := scan(t, data, o)
		if !isKnown(err) {
			t.Fatal(err)
		}
		again, err := scan(t, data, parquetOptions(declared("x", infer.Float)))
		if err == nil && len(got) > len(again) {
			t.Fatalf("%d rows in small blocks, and %d in large ones", len(got), len(again))
		}
	})
}
