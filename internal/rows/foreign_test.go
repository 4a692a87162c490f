package rows_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// utf16le is text as Excel and PowerShell save "Unicode".
func utf16le(mark bool, text string) string {
	var b []byte
	if mark {
		b = append(b, 0xFF, 0xFE)
	}
	for _, u := range utf16.Encode([]rune(text)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A file that is named as text and is none is told what it is, and none of it repeated.
func TestFilesThatAreNoText(t *testing.T) {
	for _, tt := range []struct{ name, data, want string }{
		{"gzip", zipped(t, "x\n1\n"), ".gz"},
		{"zstd", "\x28\xb5\x2f\xfd\x04\x00", ".zst"},
		{"Parquet", string(parquetFile(t, "strings")), ".parquet"},
		{"Excel", string(archiveOf(t, "xl/workbook.xml", "<workbook/>")), "Excel"},
		{"old Excel", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Excel"},
		{"NumPy", string(arrayOf([]int64{1}, 1)), ".npy"},
		{"UTF-16", utf16le(true, "x\n1\n"), "UTF-8"},
		{"UTF-16 without a mark", utf16le(false, "x\n1\n"), "UTF-8"},
	} {
		for _, f := range []rows.Format{rows.CSV, rows.JSONLines, rows.JSON} {
			for _, step := range []int{1, 1 << 20} {
				got, err := readFrom(t, sourceOf([]byte(tt.data), step), scalars(f))
				if !errors.Is(err, rows.ErrFormat) || !strings.Contains(err.Error(), tt.want) || strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' || r == utf8.RuneError }) || len(got) > 0 {
					t.Errorf("%s as %s: got %q, %q; want %s", tt.name, f, got, err, tt.want)
				}
			}
		}
	}
}

// What only looks like it is text.
func TestTextThatBeginsOddly(t *testing.T) {
	for _, text := range []string{"PAR1,x\n2,1\n", "PAR1\n", "P,x\nK,1\n", "x", "\xEF\xBB\xBFx\n1\n", "(x),x\n1,1\n", "é,x\n1,1\n"} {
		if _, err := readAll(t, []byte(text), scalars(rows.CSV)); errors.Is(err, rows.ErrFormat) && strings.Contains(err.Error(), "it is") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
