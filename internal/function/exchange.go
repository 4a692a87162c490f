package function

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/event"
)

// exchange is an HTTP event and whether its reply may be streamed.
type exchange struct {
	*event.Event
	stream bool
}

func (x exchange) streams() bool { return x.stream && x.Streams() }

// http serves an event as an HTTP request, under the deadline of the front door
// where that is before the function's own.
func (h *Handler) http(ctx context.Context, x exchange, accepted bool) outcome {
	if !accepted {
		return x.refuse(http.StatusForbidden, "this function does not answer HTTP requests (EVENT_SOURCES)")
	}
	if deadline, ok := x.Deadline(time.Now()); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline)
		defer cancel()
	}
	r, err := x.Request(ctx)
	if err != nil {
		return x.refuse(http.StatusBadRequest, err.Error())
	}
	if !x.streams() && !x.PassesBinary() {
		r.Header.Del("Accept-Encoding") // the client would get the base64 of what is compressed
	}
	var w recorder
	h.serve.ServeHTTP(&w, r)
	if r.Method == http.MethodHead {
		w.body = nil
	}
	return x.answer(w.statusCode(), w.Header(), w.body)
}

// answer replies, or says why that reply would not arrive.
func (x exchange) answer(status int, header http.Header, body []byte) outcome {
	reply, err := x.encode(status, header, body)
	if tooLarge, ok := errors.AsType[*event.ReplyTooLarge](err); ok {
		return x.refuse(http.StatusRequestEntityTooLarge, tooLarge.Error())
	}
	return outcome{reply: reply, status: status, err: err}
}

// refuse answers with an error of this package's.
func (x exchange) refuse(status int, message string) outcome {
	header := http.Header{"Content-Type": {jsonType}}
	reply, err := x.encode(status, header, codec.AppendError(nil, message))
	return outcome{reply: reply, status: status, err: err}
}

func (x exchange) encode(status int, header http.Header, body []byte) (*Reply, error) {
	if x.streams() {
		prelude, err := x.Prelude(status, header, len(body))
		if err != nil {
			return nil, err
		}
		return newReply(event.StreamType, prelude, body), nil
	}
	reply, err := x.Reply(status, header, body)
	if err != nil {
		return nil, err
	}
	return newReply(jsonType, reply), nil
}
