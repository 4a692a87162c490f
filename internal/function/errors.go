package function

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/tensorlambda/tensorlambda/internal/batch"
	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/event"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// The errors of invocations have types of their own because the name of the
// type is what Lambda reports as errorType, and what a retry rule or an alarm
// matches on. aws-lambda-go looks at the outermost error only, so they are
// returned as they are and never wrapped.

// SourceRefused is the error for a source that the setting EVENT_SOURCES leaves
// out.
type SourceRefused struct{ Source event.Source }

func (e *SourceRefused) Error() string {
	return fmt.Sprintf("invocations from %s are refused: EVENT_SOURCES does not name %q", e.Source, e.Source.Class())
}

// SourceUnsupported is the error for a source that is known and not served.
type SourceUnsupported struct{ Source event.Source }

func (e *SourceUnsupported) Error() string {
	return fmt.Sprintf("invocations from %s are not served by this version", e.Source)
}

// Panic is the error for an invocation that ended by a fault of this program.
// Source is "unknown" where that was before the payload had been recognised.
type Panic struct{ Source event.Source }

func (e *Panic) Error() string {
	return fmt.Sprintf("internal error in an invocation from %s: the reason is in the log of the function", e.Source)
}

const internalError = "internal error: the reason is in the log of the function"

// kinds names the failures of direct invocations and of batch work, for the retry
// and catch rules of Step Functions and for alarms. The first that matches counts:
// what went wrong with the work stands before what went wrong below it.
var kinds = []struct {
	kind error
	name string
}{
	{batch.ErrNoModel, "NoModel"},
	{event.ErrMalformed, "MalformedEvent"},
	{errNotBegun, "NotBegun"},
	{errPanic, "Panic"},
	{batch.ErrAllRowsFailed, "AllRowsFailed"},
	{batch.ErrTooSlow, "TooSlow"},
	{batch.ErrOtherModel, "OtherModel"},
	{batch.ErrUnsealed, "Unsealed"},
	{batch.ErrConflict, "Conflict"},
	{batch.ErrNoOutput, "NoOutput"},
	{batch.ErrLoop, "Loop"},
	{batch.ErrTask, "WrongTask"},
	{rows.ErrFormat, "Format"},
	{rows.ErrCorrupt, "Corrupt"},
	{rows.ErrTooLarge, "TooLarge"},
	{rows.ErrNoSplit, "NoSplit"},
	{rows.ErrOutput, "Output"},
	{infer.ErrUnavailable, "Unavailable"},
	{infer.ErrTooLarge, "TooLarge"},
	{infer.ErrInvalidArgument, "InvalidArgument"},
	{infer.ErrFailedPrecondition, "FailedPrecondition"},
	{infer.ErrNotFound, "NotFound"},
	{infer.ErrUnimplemented, "Unimplemented"},
	{infer.ErrResourceExhausted, "ResourceExhausted"},
	{infer.ErrDeadlineExceeded, "DeadlineExceeded"},
	{blob.ErrConflict, "Conflict"},
	{blob.ErrInvalidURI, "InvalidURI"},
	{blob.ErrNotFound, "NotFound"},
	{blob.ErrAccessDenied, "AccessDenied"},
	{blob.ErrChanged, "Changed"},
	{blob.ErrTruncated, "Truncated"},
	{blob.ErrUnavailable, "Unavailable"},
	{context.DeadlineExceeded, "DeadlineExceeded"},
	{context.Canceled, "Canceled"},
}

// kindOf is the name of an error.
func kindOf(err error) string {
	for _, k := range kinds {
		if errors.Is(err, k.kind) {
			return k.name
		}
	}
	return "Internal"
}

// failure is the error of a direct invocation, or of batch work.
type failure struct {
	kind, message string // what the caller is told
	log           string // what the log is told
}

// newFailure tells the caller the text of an error that is meant for callers; of
// others, which may name buckets and paths, only the kind. With the log it is the
// other way round: what is meant for callers may quote what they sent.
func newFailure(cause error) *failure {
	f := &failure{kindOf(cause), internalError, cause.Error()}
	if public, ok := errors.AsType[*infer.Error](cause); ok {
		f.message, f.log = public.Message, f.kind
	}
	if tooLarge, ok := errors.AsType[*event.ReplyTooLarge](cause); ok {
		f.kind, f.message = "TooLarge", tooLarge.Error()
	}
	return f
}

func (f *failure) Error() string { return f.log }

// response is the failure as aws-lambda-go reports it: by this type it names an
// error otherwise than by a Go type.
func (f *failure) response() messages.InvokeResponse_Error {
	return messages.InvokeResponse_Error{Type: f.kind, Message: f.message}
}
