package function

import (
	"net/http"
	"strconv"
)

// maxAnnounced bounds what room is made for before the bytes are there: more
// than this no reply may have.
const maxAnnounced = 200 << 20

// recorder is an http.ResponseWriter that keeps the reply in memory: a Lambda
// event is answered as a whole. The zero value is ready. It is used by one
// goroutine.
type recorder struct {
	header http.Header
	status int
	body   []byte
}

// Header is what the reply's headers will be; changes after the first write
// count, too.
func (r *recorder) Header() http.Header {
	if r.header == nil {
		r.header = http.Header{}
	}
	return r.header
}

// WriteHeader sets the status. Only the first final one counts: an event has no
// place for informational ones.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= http.StatusOK {
		r.status = status
	}
}

// Write copies p, which the handler may use again: the only copy that a reply
// costs on its way into a stream. Where the handler announced the length, the
// body does not grow under it.
func (r *recorder) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	if r.body == nil {
		n, _ := strconv.Atoi(r.Header().Get("Content-Length")) // 0 where it is absent
		r.body = make([]byte, 0, max(len(p), min(n, maxAnnounced)))
	}
	r.body = append(r.body, p...)
	return len(p), nil
}

func (r *recorder) statusCode() int {
	if r.status == 0 {
		return http.StatusOK
	}
	return r.status
}
