package serve

import (
	"context"
	"log/slog"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/telemetry"
)

// Predict answers a bare request object of TensorFlow Serving's :predict, as
// direct invocations send it. The error is an *infer.Error with the text and the
// kind that a client over HTTP would get.
func (s *Server) Predict(ctx context.Context, body []byte) ([]byte, error) {
	return s.direct(ctx, body, "predict", s.predictV1(nil, 0))
}

// Examples is Predict for :classify and :regress; which of the two it is, the
// signature says.
func (s *Server) Examples(ctx context.Context, body []byte) ([]byte, error) {
	return s.direct(ctx, body, "examples", s.examplesV1(""))
}

// Infer is Predict for a request of the Open Inference Protocol.
func (s *Server) Infer(ctx context.Context, body []byte) ([]byte, error) {
	return s.direct(ctx, body, "infer", s.inferV2(codec.WholeBody))
}

func (s *Server) direct(ctx context.Context, body []byte, what string, decode decoder) ([]byte, error) {
	text, err := s.directAnswer(ctx, body, decode)
	if err == nil {
		return text, nil
	}
	status, kind := classify(err)
	s.log.LogAttrs(ctx, level(status), "request failed", slog.String("direct", what), slog.String("error", err.Error()))
	return nil, infer.Errorf(kind, "%s", message(err, status))
}

func (s *Server) directAnswer(ctx context.Context, body []byte, decode decoder) ([]byte, error) {
	if int64(len(body)) > s.maxBody {
		return nil, s.bodyTooLarge()
	}
	c := telemetry.CallOf(ctx)
	m, err := s.awaited(ctx, c)
	if err != nil {
		return nil, err
	}
	reply, _, err := answer(ctx, c, m, body, decode, new([]byte))
	if err != nil {
		return nil, err
	}
	if reply.JSONLength > 0 {
		return nil, infer.Errorf(infer.ErrInvalidArgument, "a direct invocation is answered in JSON, which has no room for binary tensors: leave binary_data out")
	}
	return reply.Pieces[0], nil
}
