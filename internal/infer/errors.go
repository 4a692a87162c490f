package infer

import (
	"errors"
	"fmt"
)

// The kinds of failure, named for TensorFlow's status codes. Match them with
// errors.Is; the HTTP status of each is in one table at the edge.
var (
	ErrInvalidArgument    = errors.New("invalid argument")    // the request is wrong
	ErrTooLarge           = errors.New("too large")           // the request is over a limit of this server
	ErrNotFound           = errors.New("not found")           // no such model, version, signature or tensor
	ErrFailedPrecondition = errors.New("failed precondition") // right in itself, but not for this model
	ErrUnimplemented      = errors.New("unimplemented")       // a data type or operation that cannot be served
	ErrResourceExhausted  = errors.New("resource exhausted")  // out of memory inside TensorFlow
	ErrUnavailable        = errors.New("unavailable")         // no model yet; try again
	ErrDeadlineExceeded   = errors.New("deadline exceeded")   // out of time
	ErrInternal           = errors.New("internal")            // a fault of this program or of TensorFlow
)

// Error is a message for the client and the kind of the failure. The message is
// shown as it is, so it names what is wrong with the request and where, and
// never a bucket, a path or a stack trace.
type Error struct {
	Kind    error // one of the Err variables
	Message string
}

func (e *Error) Error() string { return e.Message }

// Unwrap makes errors.Is(err, ErrInvalidArgument) work.
func (e *Error) Unwrap() error { return e.Kind }

// Errorf makes an *Error. A %w verb is not supported: what a client sees is
// decided here and not by a cause.
func Errorf(kind error, format string, args ...any) error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}
