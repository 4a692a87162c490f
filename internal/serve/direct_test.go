package serve_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/serve"
)

func TestBareRequests(t *testing.T) {
	s := handler(serve.Options{})
	for _, tt := range []struct {
		name string
		ask  func(context.Context, []byte) ([]byte, error)
		body string
		want string
	}{
		{"rows", s.Predict, `{"instances":[1.0,2.0,5.0]}`, `{"predictions":[2.5,3.0,4.5]}`},
		{"columns", s.Predict, `{"inputs":[1.0,2.0,5.0]}`, `{"outputs":[2.5,3.0,4.5]}`},
		{"v2", s.Infer, `{"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":[1.0]}]}`,
			`{"model_name":"half_plus_two","model_version":"3","outputs":[{"name":"y","datatype":"FP32","shape":[1],"data":[2.5]}]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.ask(t.Context(), []byte(tt.body))
			if err != nil || string(got) != tt.want {
				t.Errorf("got %s (%v), want %s", got, err, tt.want)
			}
		})
	}
}

func TestBareRequestsFailWithAKindAndAPublicText(t *testing.T) {
	const secret = "s3://bucket/key"
	limited := handler(serve.Options{MaxBodyBytes: 10})
	for _, tt := range []struct {
		name string
		s    *serve.Server
		body string
		kind error
		want string
	}{
		{"the client's fault", handler(serve.Options{}), `{"instances":["a"]}`, infer.ErrInvalidArgument, "not of expected type: float"},
		{"too long", limited, `{"instances":[1]}`, infer.ErrTooLarge, "MAX_BODY_BYTES"},
		{"no model", handler(serve.Options{Model: func(context.Context) (*infer.Model, error) {
			return nil, fmt.Errorf("get %s: %w", secret, infer.ErrNotFound)
		}}), `{"instances":[1]}`, infer.ErrUnavailable, "could not be loaded"},
		{"our fault", handler(serve.Options{Model: having(failing(errors.New("disk full at " + secret)))}), `{"instances":[1]}`, infer.ErrInternal, "in the log"},
		{"out of time", handler(serve.Options{Model: having(failing(context.DeadlineExceeded))}), `{"instances":[1]}`, context.DeadlineExceeded, "Gateway Timeout"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.s.Predict(t.Context(), []byte(tt.body))
			public, ok := errors.AsType[*infer.Error](err)
			if !ok || !errors.Is(err, tt.kind) || !strings.Contains(public.Message, tt.want) || strings.Contains(public.Message, secret) {
				t.Errorf("got %v, want %v with %q", err, tt.kind, tt.want)
			}
		})
	}
}

func TestFailuresOfBareRequestsAreLoggedOnce(t *testing.T) {
	var log bytes.Buffer
	s := handler(serve.Options{Model: having(failing(errors.New("disk full"))), Logger: slog.New(slog.NewTextHandler(&log, nil))})
	_, err := s.Predict(t.Context(), []byte(`{"instances":[1]}`))
	if err == nil || strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), "disk full") {
		t.Errorf("log of %v: %s", err, log.String())
	}
}

func TestBareRequestsHaveNoRoomForBinaryTensors(t *testing.T) {
	s := handler(serve.Options{})
	_, err := s.Infer(t.Context(), []byte(`{"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":[1.0]}],"parameters":{"binary_data_output":true}}`))
	if !errors.Is(err, infer.ErrInvalidArgument) || !strings.Contains(err.Error(), "binary_data") {
		t.Errorf("got %v", err)
	}
}
