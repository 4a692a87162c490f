package serve

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/jsontext"
)

// jsonLengthHeader is the header of the binary tensor extension that says how
// long the JSON in front of the tensors is.
const jsonLengthHeader = "Inference-Header-Content-Length"

// v2Model is the paths of the Open Inference Protocol that name a model.
var v2Model = regexp.MustCompile(`^/v2/models/([^/]+)(?:/versions/([^/]+))?(/ready|/infer)?$`)

// v2 answers what is under /v2: the Open Inference Protocol.
func (s *Server) v2(w http.ResponseWriter, r *http.Request, path string) error {
	page := s.pageV2(path)
	if page != nil {
		if err := allowGet(w, r); err != nil {
			return err
		}
		return page(w, r)
	}
	t, action, ok := parseV2(path)
	if !ok {
		return notFound(r, path)
	}
	if action == "/infer" {
		if err := allow(w, r, http.MethodPost); err != nil {
			return err
		}
		if err := noTop(r.URL.RawQuery); err != nil {
			return err
		}
		jsonLength, err := jsonLength(r.Header)
		if err != nil {
			return err
		}
		return s.call(w, r, t.known, s.inferV2(jsonLength))
	}
	if err := allowGet(w, r); err != nil {
		return err
	}
	if action == "/ready" {
		return s.modelReady(w, r, t)
	}
	return s.modelMetadata(w, r, t)
}

// pageV2 is the page at a path that names no model, nil if there is none.
func (s *Server) pageV2(path string) func(http.ResponseWriter, *http.Request) error {
	switch path {
	case "/v2", "/v2/":
		return s.serverMetadata
	case "/v2/health/live":
		return s.live
	case "/v2/health/ready":
		return s.ready
	default:
		return nil
	}
}

// parseV2 reads a path that names a model. A version that is no number names no
// version there can be.
func parseV2(path string) (t target, action string, ok bool) {
	m := v2Model.FindStringSubmatch(path)
	if m == nil {
		return target{}, "", false
	}
	name, err := url.PathUnescape(m[1])
	if err != nil {
		return target{}, "", false
	}
	version, err := canonicalVersion(m[2])
	if err != nil {
		version = m[2]
	}
	return target{name: name, version: version}, m[3], true
}

// jsonLength is the length of the JSON in a body of the binary tensor extension.
func jsonLength(h http.Header) (int, error) {
	text := strings.Join(h.Values(jsonLengthHeader), ", ") // as the front doors of Lambda join what comes twice
	if text == "" {
		return codec.WholeBody, nil
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, infer.Errorf(infer.ErrInvalidArgument, "%s is %q, which is no number of bytes", jsonLengthHeader, text)
	}
	return int(n), nil
}

func (s *Server) inferV2(jsonLength int) decoder {
	return func(m *infer.Model, body []byte) (question, error) {
		req, err := codec.DecodeInfer(body, jsonLength, m.Catalog(), s.limits)
		if err != nil {
			return question{}, err
		}
		return question{req.Request, func(_ *[]byte, results []infer.Result) (*codec.Reply, error) {
			return codec.EncodeInfer(m.Name, m.Version, req, results)
		}}, nil
	}
}

func (s *Server) serverMetadata(w http.ResponseWriter, r *http.Request) error {
	return s.send(w, r, jsonReply(codec.AppendServerMetadata(nil, s.version)))
}

// live says that the process answers, with or without a model.
func (s *Server) live(w http.ResponseWriter, r *http.Request) error {
	return s.send(w, r, jsonReply([]byte(`{"live":true}`)))
}

// ready says whether there is a model.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.present(r.Context()); err != nil {
		s.notReady(w, err)
		return nil
	}
	return s.send(w, r, jsonReply([]byte(`{"ready":true}`)))
}

// modelReady is ready for the model that the path names.
func (s *Server) modelReady(w http.ResponseWriter, r *http.Request, t target) error {
	m, err := s.present(r.Context())
	if err != nil {
		s.notReady(w, err)
		return nil
	}
	if err := t.known(m); err != nil {
		return err
	}
	nameVersion(w, m)
	text := append([]byte(`{"name":`), jsontext.AppendQuoted(nil, []byte(m.Name))...)
	return s.send(w, r, jsonReply(append(text, `,"ready":true}`...)))
}

// present is the model if it is there. It does not wait for one: whoever asks
// whether it is ready will ask again.
func (s *Server) present(ctx context.Context) (*infer.Model, error) {
	now, cancel := context.WithCancel(ctx)
	cancel()
	return s.model(now)
}

// notReady is not logged: a probe asks every second, and the start logs its end.
func (s *Server) notReady(w http.ResponseWriter, err error) {
	w.Header().Set("Retry-After", retryAfter)
	writeJSON(w, http.StatusServiceUnavailable, codec.AppendError(nil, message(&unavailable{err}, http.StatusServiceUnavailable)))
}

func (s *Server) modelMetadata(w http.ResponseWriter, r *http.Request, t target) error {
	m, err := s.loaded(r.Context())
	if err != nil {
		return err
	}
	if err := t.known(m); err != nil {
		return err
	}
	nameVersion(w, m)
	return s.send(w, r, jsonReply(codec.AppendModelMetadata(nil, m.Name, m.Version, m.Format, m.Catalog())))
}
