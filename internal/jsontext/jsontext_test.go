package jsontext_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tensorlambda/tensorlambda/internal/jsontext"
)

// A byte that ends the plain run is found at every place of a word, whatever the
// bytes around it are.
func TestPlainEndsAtWhatMustBeEscaped(t *testing.T) {
	for c := range 256 {
		special := c < 0x20 || c == '"' || c == '\\'
		for length := range 20 {
			for at := range length {
				for _, fill := range []byte{'a', ' ', '!', '#', 0x7f, 0x80, 0xff} {
					s := []byte(strings.Repeat(string([]byte{fill}), length))
					s[at] = byte(c)
					want := length
					if special {
						want = at
					}
					if got := jsontext.Plain(s); got != want {
						t.Fatalf("Plain(%q) = %d, want %d", s, got, want)
					}
				}
			}
		}
	}
}

func TestHex4(t *testing.T) {
	for s, want := range map[string]rune{
		"0000": 0, "00e9": 0xe9, "FFFF": 0xffff, "aBcD!": 0xabcd, "9999": 0x9999,
		"": -1, "123": -1, "123g": -1, "12 4": -1, "+123": -1, "12:4": -1, "@bcd": -1, "`bcd": -1, "\x10123": -1,
	} {
		got, ok := jsontext.Hex4([]byte(s))
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("Hex4(%q) = %x, %v", s, got, ok)
		}
	}
}

// encoding/json is the judge of what may follow a backslash.
func TestUnescapedIsWhatEncodingJSONReads(t *testing.T) {
	for c := range 256 {
		var want string
		if json.Unmarshal(fmt.Appendf(nil, `"\%s"`, []byte{byte(c)}), &want) != nil {
			want = "\x00"
		}
		if got := jsontext.Unescaped(byte(c)); string(got) != want {
			t.Errorf("Unescaped(%q) = %q, want %q", byte(c), got, want)
		}
	}
}

func TestAppendQuoted(t *testing.T) {
	for s, want := range map[string]string{
		"":                       `""`,
		"plain/text":             `"plain/text"`,
		"\"\\\b\f\n\r\t\x00\x1f": `"\"\\\b\f\n\r\t\u0000\u001F"`,
		"é€😀\u2028\x7f":          "\"é€😀\u2028\x7f\"",
		"a\xff\xfe\"":            "\"a\uFFFD\uFFFD\\\"\"",
		"\xe2\x82":               "\"\uFFFD\uFFFD\"",
	} {
		if got := jsontext.AppendQuoted([]byte("x"), []byte(s)); string(got) != "x"+want {
			t.Errorf("AppendQuoted(%q) = %s, want %s", s, got[1:], want)
		}
	}
}

// Whatever is quoted, encoding/json reads back: the text itself where it is
// UTF-8, else with each wrong byte replaced.
func FuzzAppendQuoted(f *testing.F) {
	f.Add([]byte("\x00\x1f \"\\\u2028😀 and then plain text of some length\n"))
	f.Add([]byte("\xff\xc3(\xe2\x82 \""))
	f.Fuzz(func(t *testing.T, s []byte) {
		var got string
		quoted := jsontext.AppendQuoted(nil, s)
		if err := json.Unmarshal(quoted, &got); err != nil || !utf8.Valid(quoted) {
			t.Fatalf("AppendQuoted(%q) = %q: %v", s, quoted, err)
		}
		if want := string([]rune(string(s))); got != want {
			t.Errorf("%q reads back as %q, want %q", s, got, want)
		}
		if !utf8.Valid(s) {
			return
		}
		if text := jsontext.AppendText(nil, s); string(text) != string(quoted) {
			t.Errorf("AppendText(%q) = %q, AppendQuoted %q", s, text, quoted)
		}
	})
}

func BenchmarkAppendQuoted(b *testing.B) {
	s := []byte(strings.Repeat("an ordinary line of text, seventy bytes long, with its end and \"two\"\n", 1000))
	b.SetBytes(int64(len(s)))
	b.ReportAllocs()
	var dst []byte
	for b.Loop() {
		dst = jsontext.AppendQuoted(dst[:0], s)
	}
}
