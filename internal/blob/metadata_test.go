package blob

import (
	"maps"
	"testing"
)

// Whatever text goes into metadata comes out of it, by way of printable ASCII.
func FuzzMetadata(f *testing.F) {
	for _, s := range []string{"", "plain", " a  b ", "100 %", "%41", "Straße", "\x00\r\n\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		want := map[string]string{"key": value}
		headers, err := metadataHeaders(want, "marker")
		if err != nil {
			if len(value)*3 <= maxMetadataValue {
				t.Fatalf("%q was refused: %v", value, err)
			}
			return
		}
		for _, c := range []byte(headers["key"]) {
			if c <= ' ' || c >= 0x7f {
				t.Fatalf("%q became %q", value, headers["key"])
			}
		}
		if got := metadataOf(headers); !maps.Equal(got, want) {
			t.Fatalf("%q came back as %q", want, got)
		}
	})
}

func FuzzMetadataOfOthers(f *testing.F) {
	for _, s := range []string{"", "100 %", "%zz", "%41", "=?UTF-8?Q?x?="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		got := metadataOf(map[string]string{"key": header, markerKey: "x"})
		if len(got) != 1 || len(got["key"]) > len(header) {
			t.Fatalf("%q reads as %q", header, got)
		}
	})
}
