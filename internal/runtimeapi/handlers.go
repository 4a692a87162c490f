package runtimeapi

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// The headers and trailers of the Runtime API that carry meaning here.
const (
	headerRequestID   = "Lambda-Runtime-Aws-Request-Id"
	headerDeadline    = "Lambda-Runtime-Deadline-Ms"
	headerFunctionARN = "Lambda-Runtime-Invoked-Function-Arn"
	headerTraceID     = "Lambda-Runtime-Trace-Id"
	headerErrorType   = "Lambda-Runtime-Function-Error-Type"
	trailerErrorBody  = "Lambda-Runtime-Function-Error-Body"
)

func (s *Server) routes() http.Handler {
	const runtime = "/2018-06-01/runtime/"
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+runtime+"invocation/next", s.next)
	mux.HandleFunc("POST "+runtime+"invocation/{id}/response", s.response)
	mux.HandleFunc("POST "+runtime+"invocation/{id}/error", s.failure)
	mux.HandleFunc("POST "+runtime+"init/error", s.initFailure)
	return mux
}

// next answers when there is an invocation, however long that takes.
func (s *Server) next(w http.ResponseWriter, r *http.Request) {
	s.markReady()
	var i *invocation
	select {
	case i = <-s.queue:
	case <-r.Context().Done():
		return
	case <-s.closed:
		return
	}
	s.take(i)
	h := w.Header()
	h.Set(headerRequestID, i.id)
	h.Set(headerDeadline, strconv.FormatInt(i.options.Deadline.UnixMilli(), 10))
	h.Set(headerFunctionARN, functionARN)
	if i.options.TraceID != "" {
		h.Set(headerTraceID, i.options.TraceID)
	}
	h.Set("Content-Type", "application/json")
	// A poller that has gone cannot be told apart from one that is slow: the
	// invocation then runs into its deadline, as it does on Lambda.
	_, _ = w.Write(i.payload)
}

func (s *Server) take(i *invocation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i.taken = time.Now()
}

func (s *Server) markReady() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.polled {
		s.polled = true
		close(s.ready)
	}
}

// response takes the answer, buffered or chunked; trailers tell of an error
// that came while it was streamed.
func (s *Server) response(w http.ResponseWriter, r *http.Request) {
	body, ok := readAll(w, r)
	if !ok {
		return
	}
	result := Result{
		Body: body, ContentType: r.Header.Get("Content-Type"), Chunked: slices.Contains(r.TransferEncoding, "chunked"),
		ErrorType: r.Trailer.Get(headerErrorType),
	}
	if result.ErrorType != "" {
		// What cannot be decoded leaves the message empty; the type stands.
		text, _ := base64.StdEncoding.DecodeString(r.Trailer.Get(trailerErrorBody))
		result.ErrorMessage = parseFault(text).Message
	}
	s.finish(w, r, result)
}

func (s *Server) failure(w http.ResponseWriter, r *http.Request) {
	body, ok := readAll(w, r)
	if !ok {
		return
	}
	f := parseFault(body)
	if f.Type == "" {
		f.Type = r.Header.Get(headerErrorType)
	}
	s.finish(w, r, Result{Body: body, ContentType: r.Header.Get("Content-Type"), ErrorType: f.Type, ErrorMessage: f.Message})
}

func (s *Server) finish(w http.ResponseWriter, r *http.Request, result Result) {
	i := s.end(r.PathValue("id"))
	if i == nil {
		refuse(w, http.StatusBadRequest, fault{"InvalidRequestID", "no invocation with this id is running"})
		return
	}
	result.Duration = time.Since(i.taken)
	i.done <- result
	accept(w)
}

func (s *Server) initFailure(w http.ResponseWriter, r *http.Request) {
	body, ok := readAll(w, r)
	if !ok {
		return
	}
	f := parseFault(body)
	if kind := r.Header.Get(headerErrorType); kind != "" {
		f.Type = kind
	}
	s.mu.Lock()
	s.initError = &InitError{Type: f.Type, Message: f.Message}
	s.mu.Unlock()
	accept(w)
}

// fault is the JSON of an error, in both directions.
type fault struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

// parseFault reads an error report; one that is no JSON has neither type nor
// message, as on Lambda.
func parseFault(body []byte) (f fault) {
	_ = json.Unmarshal(body, &f)
	return f
}

// readAll reads what a function posts. It answers for itself where that fails.
func readAll(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxResponse))
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, fault{"RequestEntityTooLarge", err.Error()})
		return nil, false
	}
	return body, true
}

func accept(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`)
}

func refuse(w http.ResponseWriter, status int, f fault) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// The function has gone if this fails.
	_ = json.NewEncoder(w).Encode(f)
}
