package rows_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

func gzipped(data []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(data)
	w.Close()
	return out.Bytes()
}

func zstded(data []byte) []byte {
	w, _ := zstd.NewWriter(nil)
	defer w.Close()
	return w.EncodeAll(data, nil)
}

func TestReadingCompressed(t *testing.T) {
	inputs := divisibleInputs(t)
	document := scalars(rows.JSON)
	inputs["json"] = struct {
		data []byte
		o    rows.Options
	}{[]byte("[1, 2, 3]"), document}
	archive := inputsOf(rows.NPZ, declared("x", infer.Float, -1, 2))
	inputs["npz"] = struct {
		data []byte
		o    rows.Options
	}{file(t, "two.npz"), archive}
	for name, input := range inputs {
		want, err := readAll(t, input.data, input.o)
		if err != nil {
			t.Fatal(err)
		}
		half := len(input.data) / 2
		for _, packed := range []struct {
			compression rows.Compression
			data        []byte
		}{
			{rows.Gzip, gzipped(input.data)},
			{rows.Gzip, slices.Concat(gzipped(input.data[:half]), gzipped(nil), gzipped(input.data[half:]))},
			{rows.Zstd, zstded(input.data)},
			{rows.Zstd, slices.Concat(zstded(input.data[:half]), zstded(input.data[half:]))},
		} {
			o := input.o
			o.Encoding.Compression = packed.compression
			o.Limits.BlockRows = 2
			for _, step := range []int{1, 1 << 20} {
				got, err := readFrom(t, sourceOf(packed.data, step), o)
				if err != nil {
					t.Errorf("%s, %s: %v", name, packed.compression, err)
				}
				sameRecords(t, name, got, want)
			}
			for cut := 1; cut < len(packed.data); cut += 7 {
				if _, err := readAll(t, packed.data[:cut], o); errors.Is(err, rows.ErrCorrupt) {
					continue
				} else if err == nil && (len(packed.data) > len(gzipped(input.data)) || packed.compression == rows.Zstd) {
					continue // between two members
				} else {
					t.Errorf("%s, %s cut at byte %d of %d: %v", name, packed.compression, cut, len(packed.data), err)
				}
			}
			if _, err := readAll(t, append(slices.Clone(packed.data), "and more"...), o); !errors.Is(err, rows.ErrCorrupt) {
				t.Errorf("%s, %s with bytes behind: %v", name, packed.compression, err)
			}
		}
	}
}

func TestReadingNothingCompressed(t *testing.T) {
	for _, c := range []rows.Compression{rows.Gzip, rows.Zstd} {
		o := scalars(rows.JSONLines)
		o.Encoding.Compression = c
		for _, data := range [][]byte{nil, gzipped(nil), zstded([]byte("\n"))} {
			if c == rows.Gzip && len(data) > 0 && data[0] != 0x1f || c == rows.Zstd && len(data) > 0 && data[0] == 0x1f {
				continue
			}
			if got, err := readAll(t, data, o); len(got) > 0 || err != nil {
				t.Errorf("%s of %d bytes: %q, %v", c, len(data), got, err)
			}
		}
	}
}

func TestReadingStopsAtTheRatio(t *testing.T) {
	spaces := bytes.Repeat([]byte{' '}, 66<<20)
	for _, packed := range []struct {
		compression rows.Compression
		data        []byte
	}{{rows.Gzip, gzipped(spaces)}, {rows.Zstd, zstded(spaces)}} {
		o := scalars(rows.JSONLines)
		o.Encoding.Compression = packed.compression
		o.Limits.MaxRatio = 100
		if _, err := readAll(t, packed.data, o); !errors.Is(err, rows.ErrTooLarge) || !strings.Contains(err.Error(), "MAX_INFLATE_RATIO") {
			t.Errorf("%s: %v", packed.compression, err)
		}
	}
	o := scalars(rows.JSON)
	o.Encoding.Compression = rows.Gzip
	o.Limits.MaxTensor = 1000
	if _, err := readAll(t, gzipped(spaces[:2000]), o); !errors.Is(err, rows.ErrTooLarge) {
		t.Errorf("a document over the limit when it is inflated: %v", err)
	}
}

var errStore = errors.New("the store is down")

// failingSource fails once n bytes have been read.
func failingSource(data []byte, n int64, err error) rows.Source {
	src := sourceOf(data, 1<<20)
	open := src.Open
	src.Open = func(ctx context.Context, from, to int64) (io.ReadCloser, error) {
		if from >= n && err != nil {
			return nil, err
		}
		body, openErr := open(ctx, from, min(to, n))
		if openErr != nil {
			return nil, openErr
		}
		return struct {
			io.Reader
			io.Closer
		}{io.MultiReader(body, failingReader{err}), body}, nil
	}
	return src
}

type failingReader struct{ err error }

func (f failingReader) Read([]byte) (int, error) {
	if f.err == nil {
		return 0, io.EOF
	}
	return 0, f.err
}

// A store that fails is no damage: the next try may be right.
func TestReadingPassesOnErrorsOfTheStore(t *testing.T) {
	inputs := divisibleInputs(t)
	for name, input := range inputs {
		for _, c := range []rows.Compression{rows.None, rows.Gzip, rows.Zstd} {
			o, data := input.o, input.data
			o.Encoding.Compression = c
			switch c {
			case rows.Gzip:
				data = gzipped(data)
			case rows.Zstd:
				data = zstded(data)
			}
			for _, n := range []int64{1, int64(len(data)) - 1} {
				if _, err := readFrom(t, failingSource(data, n, errStore), o); !errors.Is(err, errStore) || errors.Is(err, rows.ErrCorrupt) {
					t.Errorf("%s %s fails behind byte %d: %v", name, c, n, err)
				}
				if _, err := readFrom(t, failingSource(data, n, nil), o); !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, rows.ErrCorrupt) {
					t.Errorf("%s %s ends behind byte %d: %v", name, c, n, err)
				}
			}
		}
	}
}
