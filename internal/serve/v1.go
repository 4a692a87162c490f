package serve

import (
	"context"
	"net/http"
	"strconv"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// v1 routes what is under /v1/.
func (s *server) v1(w http.ResponseWriter, r *http.Request) {
	t, err := parseTarget(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	methods, do := []string{http.MethodGet, http.MethodHead}, s.page
	if t.verb != "" {
		methods, do = []string{http.MethodPost}, s.call
	}
	if !s.allow(w, r, methods...) {
		return
	}
	if err := do(w, r, t); err != nil {
		s.fail(w, r, err)
	}
}

// call is the POST half of the API. Like page it fails before it has written
// anything.
func (s *server) call(w http.ResponseWriter, r *http.Request, t target) error {
	if t.verb != "predict" {
		return infer.Errorf(infer.ErrUnimplemented, "%s is not served: use predict", t.verb)
	}
	return s.predict(w, r, t)
}

// predict reads the body before it waits for the model, so that an upload and a
// cold start overlap.
func (s *server) predict(w http.ResponseWriter, r *http.Request, t target) error {
	in := s.requests.take()
	defer s.requests.put(in)
	body, err := s.readBody(w, r, in)
	if err != nil {
		return err
	}
	m, err := s.loaded(r.Context())
	if err != nil {
		return err
	}
	if !t.names(m) {
		return t.notServable()
	}
	req, err := codec.DecodePredict(body, m.Catalog(), s.limits)
	if err != nil {
		return err
	}
	results, err := m.Predict(r.Context(), req.Request)
	if err != nil {
		return err
	}
	out := s.replies.take()
	defer s.replies.put(out)
	*out, err = codec.AppendPredict((*out)[:0], results, req.Row)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, *out)
	return nil
}

// page is the GET half of the API.
func (s *server) page(w http.ResponseWriter, r *http.Request, t target) error {
	if t.metadata {
		return infer.Errorf(infer.ErrUnimplemented, "metadata is not served")
	}
	m, err := s.loaded(r.Context())
	if err != nil {
		return err
	}
	if !t.names(m) {
		return t.noStatus(m)
	}
	writeJSON(w, http.StatusOK, appendStatus(nil, m.Version))
	return nil
}

// appendStatus writes the status of the one version there is.
func appendStatus(dst []byte, version string) []byte {
	dst = append(dst, `{"model_version_status":[{"version":`...)
	dst = strconv.AppendQuote(dst, version)
	return append(dst, `,"state":"AVAILABLE","status":{"error_code":"OK","error_message":""}}]}`...)
}

// loaded waits for the model, and ends the wait early enough to say so while
// the front door still listens. The error is an *unavailable whatever the
// cause: the client can only try again.
func (s *server) loaded(ctx context.Context) (*infer.Model, error) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-modelMargin))
		defer cancel()
	}
	m, err := s.model(ctx)
	if err != nil {
		return nil, &unavailable{err}
	}
	return m, nil
}
