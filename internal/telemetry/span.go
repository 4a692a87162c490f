package telemetry

import "time"

// Span is a stretch of time that is over, and what is known of it: an invocation, a cold
// start, or a stage of one.
type Span struct {
	Name       string
	Start, End time.Time
	// Notes are what traces can be searched by: strings, numbers and bools.
	Notes map[string]any
	// Failed says that it failed, and Refused that it did and a client is to blame. Err is
	// why, where that is not in an answer.
	Failed, Refused bool
	Err             error
	// Parts are the stages within, in the order of their starts.
	Parts []Span
}
