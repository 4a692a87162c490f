package function

import (
	"errors"
	"fmt"
	"strings"
)

var (
	errNotBegun = errors.New("not begun, because the time of the invocation is nearly over")
	errPanic    = errors.New(internalError)
)

// fault is why an object or a task was not done.
type fault struct {
	err error
	// permanent says that another try cannot help.
	permanent bool
	subject   string // the URI that it is about, or empty
}

// text names the subject. Unlike those of direct invocations these errors are for
// the operator, who has to know which object it is.
func (f fault) text() string {
	text := f.err.Error()
	if strings.Contains(text, f.subject) {
		return text
	}
	return f.subject + ": " + text
}

// maxFaults is how many faults a message tells of.
const maxFaults = 8

// decisive is the first fault that another try may cure, because then another try
// makes sense, and else the first.
func decisive(faults []fault) fault {
	for _, f := range faults {
		if !f.permanent {
			return f
		}
	}
	return faults[0]
}

// newBatchFailure is the failure of batch work for one fault or several.
func newBatchFailure(faults ...fault) *failure {
	var texts []string
	for _, f := range faults[:min(len(faults), maxFaults)] {
		texts = append(texts, f.text())
	}
	if more := len(faults) - maxFaults; more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	d := decisive(faults)
	advice := "another try may help"
	if d.permanent {
		advice = "another try does not help"
	}
	message := strings.Join(texts, "; ") + " (" + advice + ")"
	return &failure{kindOf(d.err), message, message}
}
