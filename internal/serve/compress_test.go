package serve_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/tensorlambda/tensorlambda/internal/serve"
)

// closing writes text through a compressor.
func closing(t *testing.T, w io.WriteCloser, to *bytes.Buffer, text string) []byte {
	t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return to.Bytes()
}

// compressed is text under a content coding.
func compressed(t *testing.T, coding, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	switch coding {
	case "gzip":
		return closing(t, gzip.NewWriter(&b), &b, text)
	case "deflate":
		return closing(t, zlib.NewWriter(&b), &b, text)
	case "zstd":
		w, err := zstd.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		return closing(t, w, &b, text)
	default:
		return []byte(text)
	}
}

func inflated(t *testing.T, coding string, body []byte) string {
	t.Helper()
	var r io.Reader = bytes.NewReader(body)
	switch coding {
	case "gzip":
		unzip, err := gzip.NewReader(r)
		if err != nil {
			t.Fatal(err)
		}
		r = unzip
	case "zstd":
		d, err := zstd.NewReader(r)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		r = d
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// post sends a body with headers, given as name and value in turns.
func post(t *testing.T, h http.Handler, path string, body io.Reader, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := request(t.Context(), "POST", path, body)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestCompressedBodies(t *testing.T) {
	h := handler(serve.Options{})
	const rows, answer = `{"instances": [1.0, 2.0, 5.0]}`, `{"predictions":[2.5,3.0,4.5]}`
	for _, tt := range []struct{ header, coding string }{
		{"gzip", "gzip"}, {"GZIP", "gzip"}, {"x-gzip", "gzip"}, {"deflate", "deflate"}, {"zstd", "zstd"}, {"identity", ""}, {"", ""},
	} {
		for _, whole := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, in memory %t", tt.header, whole), func(t *testing.T) {
				body := compressed(t, tt.coding, rows)
				r := request(t.Context(), "POST", predictPath, bytes.NewReader(body))
				if whole {
					r.Body = inMemory{bytes.NewBuffer(body)}
				}
				r.Header.Set("Content-Encoding", tt.header)
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				if w.Code != 200 || w.Body.String() != answer {
					t.Errorf("got %d %s", w.Code, w.Body)
				}
			})
		}
	}
}

func TestCompressedBodiesThatAreRefused(t *testing.T) {
	const limit = 1 << 16
	bomb := strings.Repeat(" ", 50*limit)
	rows := `{"instances": [1.0, 2.0, 5.0]}`
	h := handler(serve.Options{MaxBodyBytes: limit})
	for _, tt := range []struct {
		name, coding string
		body         []byte
		status       int
		want         string
	}{
		{"gzip bomb", "gzip", compressed(t, "gzip", bomb), 413, "limit of 65536 bytes (MAX_BODY_BYTES) when it is inflated"},
		{"zlib bomb", "deflate", compressed(t, "deflate", bomb), 413, "when it is inflated"},
		{"zstd bomb", "zstd", compressed(t, "zstd", bomb), 413, "when it is inflated"},
		{"not gzip", "gzip", []byte(rows), 400, `Content-Encoding \"gzip\" says`},
		{"not zlib", "deflate", []byte(rows), 400, `Content-Encoding \"deflate\" says`},
		{"not zstd", "zstd", []byte(rows), 400, `Content-Encoding \"zstd\" says`},
		{"gzip cut off", "gzip", compressed(t, "gzip", rows)[:20], 400, `Content-Encoding \"gzip\" says`},
		{"zstd cut off", "zstd", compressed(t, "zstd", rows)[:20], 400, `Content-Encoding \"zstd\" says`},
		{"nothing", "gzip", nil, 400, `Content-Encoding \"gzip\" says`},
		{"zstd of a large window", "zstd", []byte("\x28\xb5\x2f\xfd\x00\x70\x01\x00\x00"), 400, "compress it at level 19 or lower"},
		{"zstd of one large segment", "zstd", []byte("\x28\xb5\x2f\xfd\xa0\x00\x00\x98\x00\x01\x00\x00"), 400, "compress it at level 19 or lower"},
		{"two codings", "gzip, gzip", []byte(rows), 415, "use gzip, deflate or zstd"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := post(t, h, predictPath, bytes.NewReader(tt.body), "Content-Encoding", tt.coding)
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) {
				t.Errorf("got %d %s, want %d %s", w.Code, w.Body, tt.status, tt.want)
			}
			if w := do(h, "POST", predictPath, rows); w.Code != 200 {
				t.Errorf("the next request: %d %s", w.Code, w.Body)
			}
		})
	}
}

func TestRepliesAreCompressed(t *testing.T) {
	h := handler(serve.Options{})
	long := `{"instances": [` + strings.Repeat("1.0,", 999) + `1.0]}`
	answer := `{"predictions":[` + strings.Repeat("2.5,", 999) + `2.5]}`
	for _, tt := range []struct{ accept, want string }{
		{"", ""},
		{"gzip", "gzip"},
		{"zstd", "zstd"},
		{"gzip, deflate, br, zstd", "zstd"},
		{"gzip;q=1.0, zstd;q=0.5", "gzip"},
		{"GZIP", "gzip"},
		{"*", "gzip"},
		{"*;q=0", ""},
		{"gzip;q=0, zstd;q=0", ""},
		{"gzip;q=0, *", ""},
		{"identity", ""},
		{"identity;q=1, gzip;q=0.5", ""},
		{"br", ""},
		{"gzip;q=broken", "gzip"},
		{",;,", ""},
	} {
		t.Run(tt.accept, func(t *testing.T) {
			w := post(t, h, predictPath, strings.NewReader(long), "Accept-Encoding", tt.accept)
			if got := w.Header().Get("Content-Encoding"); w.Code != 200 || got != tt.want {
				t.Fatalf("got %d with the coding %q, want %q", w.Code, got, tt.want)
			}
			if got, want := w.Header().Get("Content-Length"), fmt.Sprint(w.Body.Len()); got != want {
				t.Errorf("Content-Length = %s, of %s bytes", got, want)
			}
			if tt.want != "" && w.Body.Len() > len(answer)/10 {
				t.Errorf("%d bytes of %d are left", w.Body.Len(), len(answer))
			}
			if got := inflated(t, tt.want, w.Body.Bytes()); got != answer {
				t.Errorf("got %.100s, want %.100s", got, answer)
			}
			if got := w.Header().Get("Vary"); got != "Accept-Encoding" {
				t.Errorf("Vary = %q", got)
			}
		})
	}
}

func TestShortRepliesAndErrorsStayAsTheyAre(t *testing.T) {
	h := handler(serve.Options{})
	for _, body := range []string{`{"instances": [1.0]}`, `{"instances": ["` + strings.Repeat("x", 2000) + `"]}`} {
		w := post(t, h, predictPath, strings.NewReader(body), "Accept-Encoding", "gzip")
		if w.Header().Get("Content-Encoding") != "" || w.Body.Bytes()[0] != '{' {
			t.Errorf("%.30s: %v %.100s", body, w.Header(), w.Body)
		}
	}
}
