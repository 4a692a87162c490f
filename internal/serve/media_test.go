package serve_test

import (
	"context"
	"encoding/binary"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/serve"
)

// little is floats as bytes.
func little(values ...float32) string {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return string(b)
}

// npy is a file of numpy's format, version 1.0: magic, version, the header's
// length, the header padded to 64 bytes in all, the data.
func npy(header, data string) string {
	padded := header + strings.Repeat(" ", 128-10-len(header)-1) + "\n"
	return "\x93NUMPY\x01\x00" + string(binary.LittleEndian.AppendUint16(nil, uint16(len(padded)))) + padded + data
}

const threeFloats = `{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }`

// What a request's Content-Type means for its body. The answer is y = x/2 + 2.
func TestRequestsInEveryFormat(t *testing.T) {
	h := handler(serve.Options{})
	const rows, answer = `{"instances": [1.0, 2.0, 5.0]}`, `{"predictions":[2.5,3.0,4.5]}`
	for _, tt := range []struct {
		contentType, shape, body string
		status                   int
		want                     string
	}{
		{"", "", rows, 200, answer},
		{"application/json", "", rows, 200, answer},
		{"application/json; charset=utf-8", "", rows, 200, answer},
		{"application/x-www-form-urlencoded", "", rows, 200, answer}, // what curl -d says
		{"text/plain", "", rows, 200, answer},
		{"application/x-npy", "", npy(threeFloats, little(1, 2, 5)), 200, answer},
		{"application/octet-stream", "", little(1, 2, 5), 200, answer},
		{"application/octet-stream", "3", little(1, 2, 5), 200, answer},
		{"application/octet-stream", "3,1", little(1, 2, 5), 200, `{"predictions":[[2.5],[3.0],[4.5]]}`},
		{"application/octet-stream", "4", little(1, 2, 5), 400, ""},
		{"text/csv", "", "1.0\n2.0\n5.0\n", 200, answer},
		{"text/csv; header=present", "", "x\n1.0\n2.0\n5.0\n", 200, answer},
		{"text/csv; header=PRESENT", "", "0\n1.0\n2.0\n5.0\n", 400, ""},
		{"text/csv; charset=utf-8; header=absent", "", "x\n1.0\n", 400, ""},
		{"application/jsonlines", "", "1.0\n2.0\n5.0\n", 200, answer},
		{"Application/X-NDJSON", "", "{\"x\": 1.0}\n{\"x\": 2.0}\n{\"x\": 5.0}\n", 200, answer},
		{"application/x-npy", "", rows, 400, ""},
		{"application/octet-stream", "", "12345", 400, ""},
		{"text/csv", "", "1.0\nten\n", 400, ""},
		{"application/jsonlines", "", "1.0\n{\n", 400, ""},
	} {
		t.Run(tt.contentType+" "+tt.shape, func(t *testing.T) {
			w := post(t, h, predictPath, strings.NewReader(tt.body), "Content-Type", tt.contentType, "X-Tensor-Shape", tt.shape)
			if w.Code != tt.status {
				t.Fatalf("got %d %s, want %d", w.Code, w.Body, tt.status)
			}
			if got := w.Body.String(); tt.want != "" && got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if tt.status == 400 && !strings.HasPrefix(w.Body.String(), `{"error":"`) {
				t.Errorf("got %s, want an error in JSON", w.Body)
			}
		})
	}
}

// A body under the wrong headers is the fault that clients make most.
func TestBodiesUnderTheWrongHeaders(t *testing.T) {
	h := handler(serve.Options{})
	file := npy(threeFloats, little(1, 2, 5))
	for _, tt := range []struct{ name, contentType, body, want string }{
		{"a .npy file", "", file, "send it as Content-Type: application/x-npy"},
		{"a .npy file for CSV", "text/csv", file, "send it as Content-Type: application/x-npy"},
		{"a .npy file as text", "application/x-npy", "\ufffd" + file[1:], "must take application/x-npy for binary"},
		{"a .npz file", "application/x-npy", "PK\x03\x04", "send one array, written by np.save"},
		{"gzip", "application/x-npy", string(compressed(t, "gzip", file)), "send it with Content-Encoding: gzip"},
		{"zstd", "application/jsonlines", string(compressed(t, "zstd", "1.0\n")), "send it with Content-Encoding: zstd"},
	} {
		w := post(t, h, predictPath, strings.NewReader(tt.body), "Content-Type", tt.contentType)
		if w.Code != 400 || !strings.Contains(w.Body.String(), tt.want) {
			t.Errorf("%s: got %d %s, want %s", tt.name, w.Code, w.Body, tt.want)
		}
	}
	for contentType, body := range map[string]string{"application/x-npy": file[:40], "application/octet-stream": "\x1f\x8b\x08", "": "{"} {
		w := post(t, h, predictPath, strings.NewReader(body), "Content-Type", contentType)
		if w.Code != 400 || strings.Contains(w.Body.String(), "Content-Type") {
			t.Errorf("%q: got %d %s", contentType, w.Code, w.Body)
		}
	}
}

func TestAcceptChoosesTheAnswer(t *testing.T) {
	h := handler(serve.Options{})
	const (
		asJSON  = `{"predictions":[2.5,3.0,4.5]}`
		asCSV   = "y\n2.5\n3.0\n4.5\n"
		asLines = "{\"prediction\":2.5}\n{\"prediction\":3.0}\n{\"prediction\":4.5}\n"
	)
	for _, tt := range []struct{ accept, contentType, want string }{
		{"", "application/json", asJSON},
		{"*/*", "application/json", asJSON},
		{"application/*", "application/json", asJSON},
		{"text/html, application/xhtml+xml, image/webp", "application/json", asJSON},
		{"text/csv", "text/csv; charset=utf-8", asCSV},
		{"TEXT/CSV; charset=utf-8", "text/csv; charset=utf-8", asCSV},
		{"application/jsonlines", "application/jsonlines", asLines},
		{"application/x-ndjson", "application/jsonlines", asLines},
		{"text/csv;q=0.1, application/json", "application/json", asJSON},
		{"text/csv, application/json;q=0.9", "text/csv; charset=utf-8", asCSV},
		{"text/csv;q=0", "application/json", asJSON},
		{"application/octet-stream", "application/json", asJSON}, // raw bytes would have no shape
	} {
		t.Run(tt.accept, func(t *testing.T) {
			w := post(t, h, predictPath, strings.NewReader(`{"instances": [1.0, 2.0, 5.0]}`), "Accept", tt.accept)
			if w.Code != 200 || w.Body.String() != tt.want || w.Header().Get("Content-Type") != tt.contentType {
				t.Errorf("got %d %q %s\nwant %q %s", w.Code, w.Body, w.Header().Get("Content-Type"), tt.want, tt.contentType)
			}
		})
	}
	t.Run("application/x-npy", func(t *testing.T) {
		w := post(t, h, predictPath, strings.NewReader(`{"instances": [1.0, 2.0, 5.0]}`), "Accept", "application/x-npy")
		body := w.Body.String()
		if w.Code != 200 || w.Header().Get("Content-Type") != "application/x-npy" ||
			!strings.HasPrefix(body, "\x93NUMPY") || !strings.Contains(body, "(3,)") || !strings.HasSuffix(body, "\n"+little(2.5, 3, 4.5)) {
			t.Errorf("got %d %s %q", w.Code, w.Header().Get("Content-Type"), body)
		}
	})
}

// Images are bodies like any other, whatever the client likes for an answer.
func TestImagesAsBodies(t *testing.T) {
	m := halfPlusTwo("half_plus_two")
	m.Catalog().Image = func(_ context.Context, _ infer.TensorInfo, image []byte) (*infer.Tensor, error) {
		if len(image)%4 != 0 {
			return nil, infer.Errorf(infer.ErrInvalidArgument, "not an image in JPEG or PNG that can be read")
		}
		return infer.NewTensor(infer.Float, []int64{1, int64(len(image) / 4)}, image)
	}
	h := handler(serve.Options{Model: having(m)})
	for _, tt := range []struct {
		contentType, accept, body string
		status                    int
		want                      string
	}{
		{"image/png", "", little(1, 2, 5), 200, `{"predictions":[[2.5,3.0,4.5]]}`},
		{"image/jpeg", "image/*,*/*;q=0.5", little(1), 200, `{"predictions":[[2.5]]}`},
		{"IMAGE/PNG; x=y", "text/csv", little(1, 2), 200, "y_0,y_1\n2.5,3.0\n"},
		{"image/jpg", "", little(1), 200, `{"predictions":[[2.5]]}`},
		{"image/webp", "", "RIFF\x00\x00\x00\x00WEBP", 415, `Content-Type \"image/webp\" is not supported: images are image/jpeg or image/png`},
		{"Image/GIF; x=y", "", "GIF89a", 415, `Content-Type \"image/gif\" is not supported`},
		{"image/svg+xml", "", "<svg/>", 415, "is not supported"},
		{"image/" + strings.Repeat("x", 1000), "", "", 415, "is not supported"},
		{"image/png", "", "\x89PNG\r\n\x1a", 400, "not an image"},
		{"application/json", "", "\x89PNG\r\n\x1a\n", 400, "send it as Content-Type: image/png"},
		{"", "", "\xff\xd8\xff\xe0", 400, "send it as Content-Type: image/jpeg"},
	} {
		r := request(t.Context(), http.MethodPost, predictPath, strings.NewReader(tt.body))
		r.Header.Set("Content-Type", tt.contentType)
		r.Header.Set("Accept", tt.accept)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got := w.Body.String(); w.Code != tt.status || w.Code == 200 && got != tt.want || !strings.Contains(got, tt.want) {
			t.Errorf("%s %q: got %d %s, want %d %s", tt.contentType, tt.body, w.Code, got, tt.status, tt.want)
		}
	}
}

func TestTheQueryAsksForTheBestClasses(t *testing.T) {
	m := halfPlusTwo("half_plus_two")
	m.Labels = []string{"a", "b", "c"}
	h := handler(serve.Options{Model: having(m)})
	const rows, answer = `{"instances": [1.0, 2.0, 5.0]}`, `{"predictions":[2.5,3.0,4.5]`
	for _, tt := range []struct {
		query, accept string
		status        int
		want          string
	}{
		{"", "", 200, answer + "}"},
		{"?top=", "", 200, answer + "}"},
		{"?other=1&%zz", "", 200, answer + "}"},
		{"?top=2", "", 200, answer + `,"top":[[{"index":2,"label":"c","score":4.5},{"index":1,"label":"b","score":3.0}]]}`},
		{"?top=0", "", 400, `top is \"0\"`},
		{"?top=two", "", 400, `top is \"two\"`},
		{"?top=1", "text/csv", 400, "top is for answers in JSON"},
		{"?top=1", "application/x-npy", 400, "top is for answers in JSON"},
	} {
		r := request(t.Context(), http.MethodPost, predictPath+tt.query, strings.NewReader(rows))
		r.Header.Set("Accept", tt.accept)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got := w.Body.String(); w.Code != tt.status || w.Code == 200 && got != tt.want || !strings.Contains(got, tt.want) {
			t.Errorf("%q: got %d %s, want %d %s", tt.query, w.Code, got, tt.status, tt.want)
		}
	}
}

// What has no place for the best classes says so, and does not leave them out.
func TestAnswersWithoutAPlaceForTheBestClasses(t *testing.T) {
	const rows = `{"instances": [1.0]}`
	const infers = `{"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":[1.0]}]}`
	h := handler(serve.Options{})
	for path, body := range map[string]string{
		inferPath: infers, "/v2/models/half_plus_two/versions/3/infer": infers,
		"/v1/models/half_plus_two:classify": rows, "/v1/models/half_plus_two:regress": rows,
	} {
		for _, query := range []string{"?top=5", "?top=none"} {
			w := do(h, http.MethodPost, path+query, body)
			if w.Code != 400 || !strings.Contains(w.Body.String(), "top is for /v1/models/NAME:predict: leave it out, or ask there") {
				t.Errorf("%s%s: got %d %s", path, query, w.Code, w.Body)
			}
		}
	}
	if w := do(h, http.MethodPost, inferPath+"?other=1&top=", infers); w.Code != 200 {
		t.Errorf("another query: got %d %s", w.Code, w.Body)
	}
}
