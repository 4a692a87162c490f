package serve

import (
	"bytes"
	"errors"
	"iter"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/npy"
)

// shapeHeader gives the shape of a body of raw bytes.
const shapeHeader = "X-Tensor-Shape"

// format is a form that the body of a prediction can have, in either direction.
type format int

const (
	formatJSON format = iota
	formatNPY
	formatRaw
	formatCSV
	formatJSONLines
	formatImage
)

// formats are the media types that mean something here.
var formats = map[string]format{
	"application/json":         formatJSON,
	"application/x-npy":        formatNPY,
	"application/octet-stream": formatRaw,
	"text/csv":                 formatCSV,
	"application/jsonlines":    formatJSONLines,
	"application/x-jsonlines":  formatJSONLines,
	"application/jsonl":        formatJSONLines,
	"application/x-ndjson":     formatJSONLines,
	"application/ndjson":       formatJSONLines,
	"image/jpeg":               formatImage,
	"image/jpg":                formatImage, // which is no type, and what many send
	"image/png":                formatImage,
}

// onlyRequests are the formats that no reply has.
func (f format) onlyRequests() bool { return f == formatRaw || f == formatImage }

// requestFormat is the form of a request's body. A type that means nothing here
// is JSON: TensorFlow Serving does not look at the type, and curl calls whatever
// it sends application/x-www-form-urlencoded.
func requestFormat(h http.Header) format { return formats[mediaType(h)] }

// mediaType is the type of a request's body, without parameters.
func mediaType(h http.Header) string {
	media, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(media))
}

// checkImageType refuses images of other types than those that can be decoded. No JSON
// comes under such a type, and its error would lead away from the cause.
func checkImageType(h http.Header) error {
	media := mediaType(h)
	if _, ok := formats[media]; ok || !strings.HasPrefix(media, "image/") {
		return nil
	}
	return infer.Errorf(errUnsupportedMediaType, "Content-Type %.256q is not supported: images are image/jpeg or image/png", media)
}

// replyFormat is the form that the client likes best, JSON where it likes
// nothing that there is: TensorFlow Serving does not look at Accept either.
// The ranges */* and application/* mean JSON, and text/* means nothing.
func replyFormat(h http.Header) format {
	best, bestQuality := formatJSON, 0.0
	for media, quality := range preferences(h["Accept"]) {
		f, ok := formats[media]
		if media == "*/*" || media == "application/*" {
			f, ok = formatJSON, true
		}
		if ok && !f.onlyRequests() && quality > bestQuality {
			best, bestQuality = f, quality
		}
	}
	return best
}

// preferences yields the elements of a header like Accept, in lower case, in
// order, with their qualities. What is no quality counts as 1.
func preferences(values []string) iter.Seq2[string, float64] {
	return func(yield func(string, float64) bool) {
		for _, value := range values {
			for element := range strings.SplitSeq(value, ",") {
				name, parameters, _ := strings.Cut(element, ";")
				if name = strings.ToLower(strings.TrimSpace(name)); name == "" {
					continue
				}
				if !yield(name, quality(parameters)) {
					return
				}
			}
		}
	}
}

func quality(parameters string) float64 {
	for parameter := range strings.SplitSeq(parameters, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
		if !strings.EqualFold(key, "q") {
			continue
		}
		if q, err := strconv.ParseFloat(value, 64); err == nil && q >= 0 && q <= 1 {
			return q
		}
	}
	return 1
}

// strays are how bodies begin that came under the wrong headers, and what to do
// about them.
var strays = []struct{ start, advice string }{
	{npyMagic, "it is a .npy file: send it as Content-Type: " + npy.ContentType},
	{"\ufffd" + npyMagic[1:], "it is a .npy file that was taken for text on its way: the front door must take " + npy.ContentType + " for binary"},
	{"PK\x03\x04", "it is a .npz file or another zip archive: send one array, written by np.save"},
	{"\x89PNG\r\n", "it is a PNG: send it as Content-Type: image/png"},
	{"\xff\xd8\xff", "it is a JPEG: send it as Content-Type: image/jpeg"},
	{"\x1f\x8b", "it is compressed: send it with Content-Encoding: gzip"},
	{"\x28\xb5\x2f\xfd", "it is compressed: send it with Content-Encoding: zstd"},
}

// npyMagic is how .npy files begin.
const npyMagic = "\x93NUMPY"

// advised adds to a fault of a body what its first bytes say about it. Those of a
// body of raw bytes say nothing.
func (f format) advised(err error, body []byte) error {
	if !errors.Is(err, infer.ErrInvalidArgument) || f.onlyRequests() {
		return err
	}
	for _, s := range strays {
		if bytes.HasPrefix(body, []byte(s.start)) && (s.start != npyMagic || f != formatNPY) {
			return infer.Errorf(infer.ErrInvalidArgument, "%s (the body is not what Content-Type says: %s)", err, s.advice)
		}
	}
	return err
}

func (f format) decode(body []byte, h http.Header, c *infer.Catalog, l codec.Limits) (*codec.Predict, error) {
	switch f {
	case formatNPY:
		return codec.DecodeNPY(body, c, l)
	case formatRaw:
		return codec.DecodeRaw(body, h.Get(shapeHeader), c, l)
	case formatCSV:
		_, parameters, _ := mime.ParseMediaType(h.Get("Content-Type")) // none where it is malformed
		return codec.DecodeCSV(body, strings.ToLower(parameters["header"]), c, l)
	case formatJSONLines:
		return codec.DecodeJSONLines(body, c, l)
	case formatImage:
		return codec.DecodeImage(body, c, l)
	default:
		return codec.DecodePredict(body, c, l)
	}
}

func (f format) encode(buf *[]byte, results []infer.Result, row bool) (*codec.Reply, error) {
	switch f {
	case formatNPY:
		return codec.EncodeNPY(results)
	case formatCSV:
		return codec.EncodeCSV(results)
	case formatJSONLines:
		return codec.EncodeJSONLines(results)
	default:
		text, err := codec.AppendPredict((*buf)[:0], results, row)
		return appended(buf, text, err)
	}
}
