package serve

import (
	"net/http"
	"strconv"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// versionHeader names the version of the model that an answer, or a refusal, is of. While
// a new version is brought out two answer side by side.
const versionHeader = "Model-Version"

func nameVersion(w http.ResponseWriter, m *infer.Model) { w.Header().Set(versionHeader, m.Version) }

// send writes a reply with the status 200, compressed where the client takes
// that and it makes the reply shorter. The pieces are written as they lie, so
// that a tensor in binary goes to the connection from TensorFlow's own memory.
// The error comes before anything is written; a client that has gone is no error
// of this server's.
func (s *Server) send(w http.ResponseWriter, r *http.Request, reply *codec.Reply) error {
	h := w.Header()
	pieces, size := reply.Pieces, reply.Len()
	if size > worthCompressing {
		h.Add("Vary", "Accept-Encoding")
		if c := acceptedCoding(r.Header); c != nil {
			out := s.packed.take()
			defer s.packed.put(out)
			packed, err := c.compress((*out)[:0], reply)
			if err != nil {
				return err
			}
			if *out = packed; len(packed) < size {
				h.Set("Content-Encoding", c.name)
				pieces, size = [][]byte{packed}, len(packed)
			}
		}
	}
	if reply.JSONLength > 0 {
		h.Set(jsonLengthHeader, strconv.Itoa(reply.JSONLength))
	}
	h.Set("Content-Type", reply.ContentType)
	h.Set("Content-Length", strconv.Itoa(size))
	w.WriteHeader(http.StatusOK)
	write(w, pieces)
	return nil
}

// A client that does not read would hold a reply, and the tensors that it
// aliases, for ever: it has to take so many bytes in such a time. net/http takes
// the deadline off again when the request has ended. What the connection's buffers
// take at once needs none, and deadlines cost small requests a few per cent.
const (
	writeAtOnce  = 64 << 10
	writeChunk   = 1 << 20
	writeTimeout = 30 * time.Second
)

// write writes the pieces of a reply. A client that has gone or does not read is
// no error of this server's: the connection ends with the request.
func write(w http.ResponseWriter, pieces [][]byte) {
	connection := http.NewResponseController(w) // an event's reply has none, and no deadlines
	for _, piece := range pieces {
		for len(piece) > 0 {
			chunk := piece[:min(len(piece), writeChunk)]
			if len(chunk) > writeAtOnce {
				_ = connection.SetWriteDeadline(time.Now().Add(writeTimeout))
			}
			if _, err := w.Write(chunk); err != nil {
				return
			}
			piece = piece[len(chunk):]
		}
	}
}

// writeJSON sends a short reply in one write.
func writeJSON(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	write(w, [][]byte{body})
}

// appended makes a reply of JSON that is appended to buf.
func appended(buf *[]byte, text []byte, err error) (*codec.Reply, error) {
	*buf = text
	return jsonReply(text), err
}

func jsonReply(text []byte) *codec.Reply {
	return &codec.Reply{ContentType: "application/json", Pieces: [][]byte{text}}
}
