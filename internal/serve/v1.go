package serve

import (
	"net/http"
	"net/url"
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
	decode, err := s.decoderV1(t.verb, r)
	if err != nil {
		return err
	}
	return s.call(w, r, t.servable, decode)
}

// decoderV1 is how the body of a request with this verb is read.
func (s *Server) decoderV1(verb string, r *http.Request) (decoder, error) {
	if verb != "predict" {
		return s.examplesV1(verb), noTop(r.URL.RawQuery)
	}
	if err := checkImageType(r.Header); err != nil {
		return nil, err
	}
	top, err := topOf(r.URL.RawQuery)
	return s.predictV1(r.Header, top), err
}

// topOf is how many classes of each row a query asks for, 0 where it does not. Nothing
// else in it means anything.
func topOf(query string) (int, error) {
	if query == "" {
		return 0, nil
	}
	values, _ := url.ParseQuery(query) // what is malformed may be anybody's
	text := values.Get("top")
	if text == "" {
		return 0, nil
	}
	top, err := strconv.ParseUint(text, 10, 31)
	if err != nil || top == 0 {
		return 0, infer.Errorf(infer.ErrInvalidArgument, "top is %q, and must be how many classes to name: a number from 1", text)
	}
	return int(top), nil
}

// noTop refuses to name the best classes in an answer that has no place for them. Those of
// the Open Inference Protocol have parameters, but no lists in them, and typed clients
// read no others.
func noTop(query string) error {
	if top, err := topOf(query); top == 0 && err == nil {
		return nil
	}
	return infer.Errorf(infer.ErrInvalidArgument, "top is for /v1/models/NAME:predict: leave it out, or ask there")
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

// predictV1 decodes what the headers of a request say that its body is. top is how many
// classes the answer is to name, 0 for none.
func (s *Server) predictV1(h http.Header, top int) decoder {
	in, out := requestFormat(h), replyFormat(h)
	return func(m *infer.Model, body []byte) (question, error) {
		req, err := in.decode(body, h, m.Catalog(), s.limits)
		if err != nil {
			return question{}, in.advised(err, body)
		}
		if top > 0 && out != formatJSON {
			return question{}, infer.Errorf(infer.ErrInvalidArgument, "top is for answers in JSON: leave it out, or accept application/json")
		}
		return question{req.Request, func(buf *[]byte, results []infer.Result) (*codec.Reply, error) {
			if top > 0 {
				return named(buf, results, req.Row, m.Labels, top)
			}
			return out.encode(buf, results, req.Row)
		}}, nil
	}
}

// named is an answer that names the best classes, too.
func named(buf *[]byte, results []infer.Result, row bool, labels []string, top int) (*codec.Reply, error) {
	text, err := codec.AppendPredict((*buf)[:0], results, row)
	if err == nil {
		text, err = codec.AppendTop(text, results, labels, top)
	}
	return appended(buf, text, err)
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
