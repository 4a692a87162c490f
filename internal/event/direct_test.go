package event_test

import (
	"errors"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/event"
)

func TestCallOfADirectInvocation(t *testing.T) {
	const described = `{"name":"x","shape":[1],"datatype":"FP32","data":[1]}`
	for _, tt := range []struct {
		name, payload string
		want          event.Call
	}{
		{"rows", `{"instances":[1]}`, event.Predict},
		{"columns of one input", `{"inputs":[[1,2]]}`, event.Predict},
		{"named columns", `{"inputs":{"name":1,"shape":2,"datatype":3}}`, event.Predict},
		{"no columns", `{"inputs":[]}`, event.Predict},
		{"columns of strings", `{"inputs":[{"b64":"AA=="}]}`, event.Predict},
		{"an input without a type", `{"inputs":[{"name":"x","shape":[1]}]}`, event.Predict},
		{"described inputs", `{"inputs":[` + described + `]}`, event.Infer},
		{"described inputs between other members", `{"id":"7", "inputs" : [ ` + described + ` , {} ],"outputs":[]}`, event.Infer},
		{"examples", `{"examples":[{"x":1}]}`, event.Examples},
		{"examples with a context", `{"signature_name":"s","context":{},"examples":[]}`, event.Examples},
		{"of another source", `{"Records":[{"eventSource":"aws:s3"}],"inputs":[` + described + `]}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, err := event.Parse([]byte(tt.payload))
			if err != nil {
				t.Fatal(err)
			}
			if got := e.Call(); got != tt.want {
				t.Errorf("call = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestADirectReplyHasLambdasLimit(t *testing.T) {
	e := parse(t, `{"instances":[1]}`)
	if err := e.Fits(6291556); err != nil {
		t.Error(err)
	}
	if _, ok := errors.AsType[*event.ReplyTooLarge](e.Fits(6291557)); !ok {
		t.Error("a byte more fits, too")
	}
}
