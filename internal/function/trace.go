package function

import (
	"errors"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/telemetry"
)

// span is the invocation for a trace: what the log has of it as notes, and the stages of a
// request as its parts. Those of batch work go on beside each other, so they are notes.
func (e *ended) span() telemetry.Span {
	s := telemetry.Span{
		Name: "inference", Start: e.start, End: e.start.Add(e.took),
		Failed: e.failed(), Refused: e.refused(), Err: e.err,
		Notes: map[string]any{"source": string(e.source)},
	}
	for name, value := range map[string]string{"model": e.call.Model, "version": e.call.Version, "signature": e.call.Signature} {
		if value != "" {
			s.Notes[name] = value
		}
	}
	if f, ok := errors.AsType[*failure](e.err); ok {
		s.Notes["errorType"] = f.kind
	}
	if e.status != 0 {
		s.Notes["status"] = e.status
	}
	if e.tally != nil {
		s.Name = "batch"
		for _, a := range e.tally.attrs() {
			s.Notes[a.Key] = a.Value.Any()
		}
		for _, stage := range e.stages() {
			if stage.took > 0 {
				s.Notes[stage.attr] = ms(stage.took)
			}
		}
		return s
	}
	if e.call.Runs > 0 {
		s.Notes["rows"] = e.call.Rows
	}
	s.Parts = parts(e.call)
	return s
}

// parts are the stages of a request, which follow one another from when the model was
// asked for.
func parts(c *telemetry.Call) []telemetry.Span {
	at := c.Asked
	var spans []telemetry.Span
	for _, stage := range [...]struct {
		name string
		took time.Duration
	}{{"wait", c.Wait}, {"decode", c.Decode}, {"run", c.Run}, {"encode", c.Encode}} {
		if stage.took > 0 {
			spans = append(spans, telemetry.Span{Name: stage.name, Start: at, End: at.Add(stage.took)})
		}
		at = at.Add(stage.took)
	}
	return spans
}
