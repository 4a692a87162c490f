package serve

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// v1 answers what is under /v1/: TensorFlow Serving's REST API.
func (s *Server) v1(w http.ResponseWriter, r *http.Request, path string) error {
	if r.Method == http.MethodOptions {
		return preflight(w, r)
	}
	t, err := parseV1(r.Method, path)
	if err != nil {
		return err
	}
	if t.verb == "" {
		return s.pageV1(w, r, t)
	}
	if err := allow(w, r, http.MethodPost); err != nil {
		return err
	}
	decode := s.predictV1(r.Header)
	if t.verb != "predict" {
		decode = s.examplesV1(t.verb)
	}
	return s.call(w, r, t.servable, decode)
}

// preflight answers as TensorFlow Serving does without its option for CORS. The
// headers that let a page of another origin in are the front door's business:
// function URLs and API Gateway write them by themselves.
func preflight(w http.ResponseWriter, r *http.Request) error {
	if origin := r.Header.Get("Origin"); !strings.HasPrefix(origin, "http://") && !strings.HasPrefix(origin, "https://") {
		return infer.Errorf(infer.ErrInvalidArgument, "Origin header is missing in CORS preflight")
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// pageV1 answers a GET.
func (s *Server) pageV1(w http.ResponseWriter, r *http.Request, t target) error {
	if err := allowGet(w, r); err != nil {
		return err
	}
	m, err := s.loaded(r.Context())
	if err != nil {
		return err
	}
	if t.metadata {
		if err := t.servable(m); err != nil {
			return err
		}
		nameVersion(w, m)
		return s.send(w, r, jsonReply(codec.AppendMetadata(nil, m.Name, m.Version, m.Catalog())))
	}
	if !t.names(m) {
		return t.noStatus(m)
	}
	nameVersion(w, m)
	return s.send(w, r, jsonReply(appendStatus(nil, m.Version)))
}

// appendStatus writes the status of the one version there is.
func appendStatus(dst []byte, version string) []byte {
	dst = append(dst, `{"model_version_status":[{"version":`...)
	dst = strconv.AppendQuote(dst, version)
	return append(dst, `,"state":"AVAILABLE","status":{"error_code":"OK","error_message":""}}]}`...)
}

// predictV1 decodes what the headers of a request say that its body is.
func (s *Server) predictV1(h http.Header) decoder {
	in, out := requestFormat(h), replyFormat(h)
	return func(m *infer.Model, body []byte) (question, error) {
		req, err := in.decode(body, h, m.Catalog(), s.limits)
		if err != nil {
			return question{}, in.advised(err, body)
		}
		return question{req.Request, func(buf *[]byte, results []infer.Result) (*codec.Reply, error) {
			return out.encode(buf, results, req.Row)
		}}, nil
	}
}

// examplesV1 decodes a request to :classify or :regress.
func (s *Server) examplesV1(method string) decoder {
	return func(m *infer.Model, body []byte) (question, error) {
		req, err := codec.DecodeExamples(body, m.Catalog(), method, s.limits)
		if err != nil {
			return question{}, err
		}
		return question{req.Request, func(buf *[]byte, results []infer.Result) (*codec.Reply, error) {
			text, err := codec.AppendResults((*buf)[:0], req.Method, results, req.N)
			return appended(buf, text, err)
		}}, nil
	}
}
