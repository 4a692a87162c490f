package serve

import (
	"context"
	"net/http"
	"runtime"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// question is a decoded request, and how its answer is encoded. encode may write
// into buf, and its reply may alias that and the results.
type question struct {
	request *infer.Request
	encode  func(buf *[]byte, results []infer.Result) (*codec.Reply, error)
}

// decoder reads a body for a model. What it returns may alias the body.
type decoder func(m *infer.Model, body []byte) (question, error)

// call answers a request that has a body: every protocol's way through this
// package. It reads the body before it waits for the model, so that an upload
// and a cold start overlap. served says whether the model is the one that the
// path names.
func (s *Server) call(w http.ResponseWriter, r *http.Request, served func(*infer.Model) error, decode decoder) error {
	in, out := s.requests.take(), s.replies.take()
	defer s.requests.put(in)
	defer s.replies.put(out)
	body, err := s.readBody(w, r, in)
	if err != nil {
		return err
	}
	m, err := s.loaded(r.Context())
	if err != nil {
		return err
	}
	if err := served(m); err != nil {
		return err
	}
	reply, results, err := answer(r.Context(), m, body, decode, out)
	if err != nil {
		return err
	}
	defer runtime.KeepAlive(results) // whose memory the reply may alias
	return s.send(w, r, reply)
}

// answer decodes, runs and encodes. The reply may alias body, buf and the
// results.
func answer(ctx context.Context, m *infer.Model, body []byte, decode decoder, buf *[]byte) (*codec.Reply, []infer.Result, error) {
	q, err := decode(m, body)
	if err != nil {
		return nil, nil, err
	}
	results, err := m.Predict(ctx, q.request)
	if err != nil {
		return nil, nil, err
	}
	reply, err := q.encode(buf, results)
	return reply, results, err
}
