package serve

import (
	"context"
	"net/http"
	"runtime"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/telemetry"
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
	c := telemetry.CallOf(r.Context())
	if s.counts == nil {
		return s.ask(w, r, c, served, decode)
	}
	start, status := time.Now(), http.StatusInternalServerError // that of a panic
	defer func() { s.counts.Add(c, status, time.Since(start)) }()
	err := s.ask(w, r, c, served, decode)
	if err == nil {
		status = http.StatusOK
	} else {
		status, _ = classify(err)
	}
	return err
}

// ask is call, with its times noted in c.
func (s *Server) ask(w http.ResponseWriter, r *http.Request, c *telemetry.Call, served func(*infer.Model) error, decode decoder) error {
	in, out := s.requests.take(), s.replies.take()
	defer s.requests.put(in)
	defer s.replies.put(out)
	body, err := s.readBody(w, r, in)
	if err != nil {
		return err
	}
	m, err := s.awaited(r.Context(), c)
	if err != nil {
		return err
	}
	if err := served(m); err != nil {
		return err
	}
	nameVersion(w, m)
	reply, results, err := answer(r.Context(), c, m, body, decode, out)
	if err != nil {
		return err
	}
	defer runtime.KeepAlive(results) // whose memory the reply may alias
	return s.send(w, r, reply)
}

// awaited is loaded, noted in c.
func (s *Server) awaited(ctx context.Context, c *telemetry.Call) (*infer.Model, error) {
	c.Asked = time.Now()
	m, err := s.loaded(ctx)
	c.Wait = time.Since(c.Asked)
	if err == nil {
		c.Model, c.Version = m.Name, m.Version
	}
	return m, err
}

// answer decodes, runs and encodes, and notes in c how long that took. The reply may
// alias body, buf and the results.
func answer(ctx context.Context, c *telemetry.Call, m *infer.Model, body []byte, decode decoder, buf *[]byte) (*codec.Reply, []infer.Result, error) {
	start := time.Now()
	q, err := decode(m, body)
	decoded := time.Now()
	c.Decode = decoded.Sub(start)
	if err != nil {
		return nil, nil, err
	}
	c.Signature, c.Runs, c.Rows = q.request.Signature.Name, 1, rowsOf(q.request)
	results, err := m.Predict(ctx, q.request)
	ran := time.Now()
	c.Run = ran.Sub(decoded)
	if err != nil {
		return nil, nil, err
	}
	reply, err := q.encode(buf, results)
	c.Encode = time.Since(ran)
	return reply, results, err
}

// rowsOf is how many rows a request has: the first dimension of its first input, as the
// batch dimension is in every protocol, and one where that is a scalar or the request is
// one row as a whole.
func rowsOf(r *infer.Request) int64 {
	if r.Whole || len(r.Feeds) == 0 || len(r.Feeds[0].Value.Shape) == 0 {
		return 1
	}
	return r.Feeds[0].Value.Shape[0]
}
