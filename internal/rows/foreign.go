package rows

import (
	"bytes"
	"fmt"
)

// foreigners are what files are that are named as text and are none, by their first
// bytes. No text begins so, but for one with Parquet's four letters.
var foreigners = []struct{ start, what string }{
	{"\x1f\x8b", "compressed with gzip: its name should end in .gz"},
	{"\x28\xb5\x2f\xfd", "compressed with zstd: its name should end in .zst"},
	{"PK\x03\x04", "a zip archive, as Excel's files are: save it as text"},
	{"\xd0\xcf\x11\xe0", "an Excel file: save it as text"},
	{"\xff\xfe", "UTF-16: save it as UTF-8"},
	{"\xfe\xff", "UTF-16: save it as UTF-8"},
	{"\x93NUMPY", "a NumPy file: its name should end in .npy"},
}

// longestStart is how many bytes tell what a file is.
const longestStart = 6

// foreign says what a file is that begins with these bytes and should be text; nil for
// text. Without this every line of it would be an error row that quotes raw bytes.
func foreign(f Format, start []byte) error {
	what := ""
	for _, kind := range foreigners {
		if bytes.HasPrefix(start, []byte(kind.start)) {
			what = kind.what
		}
	}
	switch {
	case what != "":
	case len(start) > 4 && string(start[:4]) == "PAR1" && start[4] < ' ' && start[4] != '\r' && start[4] != '\n' && start[4] != '\t':
		what = "a Parquet file: its name should end in .parquet"
	case len(start) > 1 && (start[0] == 0) != (start[1] == 0): // letters in two bytes each
		what = "UTF-16, or no text at all: save it as UTF-8"
	default:
		return nil
	}
	return fmt.Errorf("%s input: %w: it is %s", f, ErrFormat, what)
}
