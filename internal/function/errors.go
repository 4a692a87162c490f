package function

import (
	"fmt"

	"github.com/tensorlambda/tensorlambda/internal/event"
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
