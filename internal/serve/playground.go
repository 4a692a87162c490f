package serve

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/telemetry"
	"github.com/tensorlambda/tensorlambda/web"
)

// Playground configures the page at /.
type Playground struct {
	// Address is where this process listens itself, nil where requests come through
	// a front door (Lambda). See guard.
	Address net.Addr
	// TensorFlow is the version of the library, empty while it is not known.
	TensorFlow func() string
	// Pixels is what the pixels of images become in inputs of floats.
	Pixels PixelRange
	// Score scores rows as batch scoring does, and writes the answers in order, a write
	// for each block of them. An *infer.Error is the client's; it comes before the first
	// write or ends the answers early.
	Score func(ctx context.Context, in Rows, out io.Writer) error
}

// Rows are rows to be scored.
type Rows struct {
	Data      []byte
	CSV       bool   // else they are JSON lines
	OutputCSV bool   // else the answers are JSON lines
	Signature string // empty means the default
	Name      string // of their file, for errors; may be empty
}

// pageHeaders keep the page to itself: it loads its own files and nothing else, no page
// frames it, and no text of a model becomes a script.
var pageHeaders = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; " +
		"form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
	"X-Content-Type-Options": "nosniff",
	"Referrer-Policy":        "no-referrer",
}

// playground answers / and what is under /playground/.
func (s *Server) playground(w http.ResponseWriter, r *http.Request, path string) error {
	for name, value := range pageHeaders {
		w.Header().Set(name, value)
	}
	switch path {
	case "/playground/score":
		return s.scoreRows(w, r)
	case "/playground/model.json":
		return s.card(w, r)
	case "/":
		return s.asset(w, r, web.Page)
	default:
		name, ok := strings.CutPrefix(path, "/playground/")
		if !ok || name == web.Page {
			return notFound(r, path)
		}
		return s.asset(w, r, name)
	}
}

// asset is a file of the page, and its name for caches.
type asset struct {
	content           []byte
	contentType, etag string
}

var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// assets are the files of the page by their names.
var assets = sync.OnceValues(func() (map[string]asset, error) {
	files := map[string]asset{}
	return files, fs.WalkDir(web.Files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := web.Files.ReadFile(name)
		sum := sha256.Sum256(content)
		files[name] = asset{content, contentTypes[path.Ext(name)], `"` + hex.EncodeToString(sum[:8]) + `"`}
		return err
	})
})

// asset sends a file of the page. Caches keep it and ask whether it is still the same,
// so that a new version of this program never runs with files of the last.
func (s *Server) asset(w http.ResponseWriter, r *http.Request, name string) error {
	files, err := assets()
	if err != nil {
		return err
	}
	file, ok := files[name]
	if !ok {
		return notFound(r, r.URL.EscapedPath())
	}
	if err := allowGet(w, r); err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("ETag", file.etag)
	if r.Header.Get("If-None-Match") == file.etag {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return s.send(w, r, &codec.Reply{ContentType: file.contentType, Pieces: [][]byte{file.content}})
}

// scoreRows scores the rows of a body, and sends the answers while the model runs.
func (s *Server) scoreRows(w http.ResponseWriter, r *http.Request) error {
	if err := allow(w, r, http.MethodPost); err != nil {
		return err
	}
	query := r.URL.Query()
	in := Rows{Signature: query.Get("signature"), Name: query.Get("name")}
	switch requestFormat(r.Header) {
	case formatCSV:
		in.CSV = true
	case formatJSONLines:
	default:
		return infer.Errorf(errUnsupportedMediaType, "Content-Type %q is not supported: rows are text/csv or application/jsonlines", r.Header.Get("Content-Type"))
	}
	out := &rowWriter{w: w, contentType: "application/jsonlines"}
	switch format := query.Get("format"); format {
	case "", "jsonl":
	case "csv":
		in.OutputCSV, out.contentType = true, "text/csv; charset=utf-8"
	default:
		return infer.Errorf(infer.ErrInvalidArgument, "format %q is neither jsonl nor csv", format)
	}
	body := s.requests.take()
	defer s.requests.put(body)
	var err error
	if in.Data, err = s.readBody(w, r, body); err != nil {
		return err
	}
	m, err := s.awaited(r.Context(), telemetry.CallOf(r.Context()))
	if err != nil {
		return err
	}
	nameVersion(w, m)
	err = s.page.Score(r.Context(), in, out)
	if err != nil && out.begun {
		// The status has gone: the client learns from a reply that breaks off.
		s.log.WarnContext(r.Context(), "scoring ended early", "error", err)
		panic(http.ErrAbortHandler)
	}
	if err == nil {
		out.begin()
	}
	return err
}

// rowWriter sends rows as they come.
type rowWriter struct {
	w           http.ResponseWriter
	contentType string
	begun       bool
}

func (o *rowWriter) begin() {
	if o.begun {
		return
	}
	o.begun = true
	o.w.Header().Set("Content-Type", o.contentType)
	o.w.WriteHeader(http.StatusOK)
}

func (o *rowWriter) Write(p []byte) (int, error) {
	if len(bytes.TrimSpace(p)) == 0 {
		return len(p), nil // the columns of CSV are not known yet
	}
	o.begin()
	connection := http.NewResponseController(o.w)
	_ = connection.SetWriteDeadline(time.Now().Add(writeTimeout)) // an event's reply has none
	n, err := o.w.Write(p)
	if err != nil {
		return n, err
	}
	if err := connection.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return n, err
	}
	return n, nil
}
