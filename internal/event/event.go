// Package event turns Lambda payloads into what they ask for, HTTP requests,
// direct calls of the model and batch work, and replies into the dialect of whoever
// sent the payload.
package event

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// ErrNotHTTP is the error for a request or reply of a source that does not
// speak HTTP here.
var ErrNotHTTP = errors.New("source does not speak HTTP")

// ErrNoStream is the error for a streamed reply to a source that takes none.
var ErrNoStream = errors.New("source takes no streamed replies")

// Event is a recognised payload. It aliases the payload and is valid as long as
// that is not changed; it may be read by several goroutines at once.
type Event struct {
	Source Source

	payload []byte
	envelope
	dialect dialect
}

// Parse recognises a payload by its top-level keys, in one pass that decodes
// nothing but them. The error is an *UnknownPayload.
func Parse(payload []byte) (*Event, error) {
	top, err := value(payload).object()
	if err != nil {
		return nil, &UnknownPayload{Seen: describe(payload, err)}
	}
	e := &Event{payload: payload, envelope: open(top)}
	if e.Source = e.source(); e.Source == "" {
		return nil, &UnknownPayload{Seen: describeKeys(top)}
	}
	e.dialect = dialectOf(e.Source, e.envelope)
	return e, nil
}

// HTTP reports whether the event is an HTTP request, which Request and Reply
// can serve.
func (e *Event) HTTP() bool { return e.dialect.read != nil }

// Request makes the HTTP request that the event carries, with the front door's
// stage and base path taken off the path. Its Body has a method Bytes that
// returns the whole of it, which may alias the payload. An error means that the
// event is not what its source promises, or that its body cannot be decoded; it
// is fit for the client's eyes.
func (e *Event) Request(ctx context.Context) (*http.Request, error) {
	if !e.HTTP() {
		return nil, fmt.Errorf("%s event: %w", e.Source, ErrNotHTTP)
	}
	body, err := decodeBody(e.top.member("body"), e.top.member("isBase64Encoded"))
	if err != nil {
		return nil, fmt.Errorf("%s event: %w", e.Source, err)
	}
	m := e.dialect.read(e.envelope)
	m.body = body
	r, err := m.request(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s event: %w", e.Source, err)
	}
	return r, nil
}

// Reply writes an HTTP reply as the source of the event wants it. The result
// does not alias body. The error is a *ReplyTooLarge where the reply, as it is
// encoded, is more than the source lets pass.
func (e *Event) Reply(status int, header http.Header, body []byte) ([]byte, error) {
	if !e.HTTP() {
		return nil, fmt.Errorf("%s event: %w", e.Source, ErrNotHTTP)
	}
	r := newResponse(status, header, body)
	reply := r.appendBody(e.dialect.head(r.buffer(), r))
	if err := e.Fits(len(reply)); err != nil {
		return nil, err
	}
	return reply, nil
}

// Fits checks the size of an encoded reply, in bytes, against what the source
// lets pass. The error is a *ReplyTooLarge.
func (e *Event) Fits(size int) error {
	if size > e.dialect.limit {
		return &ReplyTooLarge{Source: e.Source, Size: size, Limit: e.dialect.limit}
	}
	return nil
}

// Deadline is when the front door stops waiting for a reply; false where it
// waits as long as the function may run. The time counts from when the front
// door took the request, because a cold start passes before the function sees
// it. A time stamp that cannot be right (a stored sample event, a clock that is
// off) counts as now.
func (e *Event) Deadline(now time.Time) (time.Time, bool) {
	patience := e.dialect.patience
	if patience == 0 {
		return time.Time{}, false
	}
	taken := acceptedAt(e.request)
	if age := now.Sub(taken); age < 0 || age >= patience {
		taken = now
	}
	return taken.Add(patience), true
}
