package archive_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"fmt"
	"hash/crc32"
	"io/fs"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

func modelTar(t *testing.T, dir string, format tar.Format) []byte {
	entries := []entry{{name: dir, kind: tar.TypeDir}, {name: dir + "assets/", kind: tar.TypeDir}}
	if dir == "" {
		entries = entries[1:]
	}
	for name, body := range model {
		entries = append(entries, entry{name: dir + name, body: body, format: format})
	}
	return tarOf(t, entries...)
}

func modelZip(t *testing.T, dir string) []byte {
	entries := []entry{{name: dir + "variables/"}}
	for name, body := range model {
		entries = append(entries, entry{name: dir + name, body: body})
	}
	return zipOf(t, entries...)
}

// entry is one entry of a tar or zip. The zero kind is a regular file.
type entry struct {
	name, body, link string
	kind             byte
	mode             fs.FileMode
	format           tar.Format
	flags            uint16 // zip
	method           uint16 // zip; 0 is deflate unless store
	store            bool
}

func tarOf(tb testing.TB, entries ...entry) []byte {
	tb.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Typeflag: e.kind, Linkname: e.link, Mode: int64(e.mode), Size: int64(len(e.body)), Format: e.format}
		if e.format == tar.FormatPAX {
			h.PAXRecords = map[string]string{"MYTOOL.comment": "a record nobody knows"}
		}
		switch e.kind {
		case 0:
			h.Typeflag = tar.TypeReg
		case tar.TypeXGlobalHeader: // of which the writer takes records only
			h = &tar.Header{Typeflag: e.kind, PAXRecords: map[string]string{"comment": "a commit"}}
		}
		if e.kind == tar.TypeGNUSparse { // which the writer refuses
			h.Typeflag = tar.TypeReg
		}
		if err := w.WriteHeader(h); err != nil {
			tb.Fatal(err)
		}
		if _, err := w.Write([]byte(e.body)); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	data := buf.Bytes()
	if len(entries) == 1 && entries[0].kind == tar.TypeGNUSparse {
		return asSparse(data)
	}
	return data
}

// asSparse turns the first entry of a tar into an old GNU sparse file.
func asSparse(data []byte) []byte {
	copy(data[257:], "ustar  \x00") // GNU's magic
	data[156] = tar.TypeGNUSparse
	copy(data[483:], "00000000000\x00") // real size
	fixChecksum(data)
	return data
}

// sparseTar is a file of 1 TiB, all of it a hole, as GNU tar writes it in the
// PAX format, version 1.0.
func sparseTar(tb testing.TB) []byte {
	tb.Helper()
	records := []byte("22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n26 GNU.sparse.name=sparse\n37 GNU.sparse.realsize=1099511627776\n")
	var out bytes.Buffer
	pax := tarOf(tb, entry{name: "PaxHeaders/sparse", body: string(records)})
	pax[156] = tar.TypeXHeader
	fixChecksum(pax)
	out.Write(pax[:len(pax)-1024])
	sparseMap := "1\n1099511627776\n0\n"
	out.Write(tarOf(tb, entry{name: "GNUSparseFile.0/sparse", body: sparseMap + strings.Repeat("\x00", 512-len(sparseMap))}))
	return out.Bytes()
}

// manyHeaders is a file behind n PAX headers of its own.
func manyHeaders(tb testing.TB, n int) []byte {
	tb.Helper()
	pax := tarOf(tb, entry{name: "PaxHeaders/f", body: "12 path=own\n"})
	pax[156] = tar.TypeXHeader
	fixChecksum(pax)
	return append(bytes.Repeat(pax[:len(pax)-1024], n), tarOf(tb, entry{name: "f"})...)
}

func fixChecksum(data []byte) {
	copy(data[148:], "        ")
	sum := 0
	for _, b := range data[:512] {
		sum += int(b)
	}
	copy(data[148:], fmt.Sprintf("%06o\x00 ", sum))
}

func bomb(tb testing.TB) []byte {
	return tarOf(tb, entry{name: "zeros", body: strings.Repeat("\x00", 8<<20)})
}

func gzipped(tb testing.TB, data []byte) []byte {
	tb.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write(data); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return buf.Bytes()
}

func zstandard(tb testing.TB, data []byte) []byte {
	tb.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return w.EncodeAll(data, nil)
}

func zipOf(tb testing.TB, entries ...entry) []byte {
	tb.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Flags: e.flags}
		if e.mode != 0 {
			h.SetMode(e.mode)
		}
		if e.store {
			h.Method = zip.Store
		}
		if e.method != 0 || e.flags != 0 || e.store {
			raw(tb, w, h, e)
			continue
		}
		f, err := w.CreateHeader(h)
		if err != nil {
			tb.Fatal(err)
		}
		if _, err := f.Write([]byte(e.body)); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return buf.Bytes()
}

// raw writes an entry whose header the writer would not make.
func raw(tb testing.TB, w *zip.Writer, h *zip.FileHeader, e entry) {
	tb.Helper()
	if e.method != 0 {
		h.Method = e.method
	}
	h.CRC32 = crc32.ChecksumIEEE([]byte(e.body))
	h.CompressedSize64 = uint64(len(e.body))
	h.UncompressedSize64 = uint64(len(e.body))
	f, err := w.CreateRaw(h)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := f.Write([]byte(e.body)); err != nil {
		tb.Fatal(err)
	}
}

func cutHalf(data []byte) []byte { return data[:len(data)/2] }
func cutLast(data []byte) []byte { return data[:len(data)-4] }

// flip changes one byte, counted from the end where i is negative.
func flip(data []byte, i int) []byte {
	if i < 0 {
		i += len(data)
	}
	data[i] ^= 0xff
	return data
}
