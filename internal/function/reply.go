package function

import (
	"errors"
	"net"
)

const jsonType = "application/json"

// Reply is the answer to an invocation, to be read once. It is what aws-lambda-go
// wants of a reply that it is to stream.
type Reply struct {
	pieces      net.Buffers
	size        int
	contentType string
}

func newReply(contentType string, pieces ...[]byte) *Reply {
	r := &Reply{pieces: pieces, contentType: contentType}
	for _, p := range pieces {
		r.size += len(p)
	}
	return r
}

// Len is the size of the reply in bytes; that of nil is 0.
func (r *Reply) Len() int {
	if r == nil {
		return 0
	}
	return r.size
}

// Read reads the reply piece by piece, without putting them together first.
func (r *Reply) Read(p []byte) (int, error) { return r.pieces.Read(p) }

// ContentType tells Lambda what the reply is: JSON, or a prelude and a body.
func (r *Reply) ContentType() string { return r.contentType }

var errNotJSON = errors.New("a reply is read and not encoded")

// MarshalJSON fails: aws-lambda-go tries this first, and reads what cannot be
// encoded.
func (r *Reply) MarshalJSON() ([]byte, error) { return nil, errNotJSON }

// whole is a reply of one piece, which those that are not streamed are.
func (r *Reply) whole() []byte { return r.pieces[0] }
