package event

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// Done is what became of a Work.
type Done struct {
	Err error
	// Permanent says that another try cannot help.
	Permanent bool
	// Text is a line for the report of an S3 Batch Operations job; where it is empty
	// that has the text of Err.
	Text string
	// Reply is what a task answers, as JSON.
	Reply []byte
}

// ReportsFailures tells whether the source has a place for the failure of a single
// Work. For the others the invocation has to fail.
func (e *Event) ReportsFailures() bool { return e.Source == SQS || e.Source == S3Batch }

// Report answers an event whose work was done, one Done for each Work in order. It
// is what the source wants: the ids of failed SQS messages, the results of an S3
// Batch Operations job, the reply of a task, null for others.
func (e *Event) Report(done []Done) ([]byte, error) {
	switch e.Source {
	case SQS:
		return e.failedMessages(done)
	case S3Batch:
		return e.results(done)
	case Task:
		if len(done) == 1 && done[0].Reply != nil {
			return done[0].Reply, nil
		}
	}
	return []byte("null"), nil
}

// failedMessages lists what is to come again, and in the end to go to the queue's
// dead letters. Failures that another try cannot cure are among them: a message that
// is left out is deleted, and nobody would see it again.
func (e *Event) failedMessages(done []Done) ([]byte, error) {
	ids, err := e.ids(len(done))
	if err != nil {
		return nil, err
	}
	r := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	for i, d := range done {
		if d.Err != nil {
			r.BatchItemFailures = append(r.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: ids[i]})
		}
	}
	return json.Marshal(r)
}

// The result codes of S3 Batch Operations, which tries a temporary failure again.
const (
	succeeded = "Succeeded"
	temporary = "TemporaryFailure"
	permanent = "PermanentFailure"
)

func (e *Event) results(done []Done) ([]byte, error) {
	ids, err := e.ids(len(done))
	if err != nil {
		return nil, err
	}
	r := events.S3BatchJobResponse{
		InvocationSchemaVersion: e.top.member("invocationSchemaVersion").text(),
		TreatMissingKeysAs:      temporary, // what is not in the report was not done
		InvocationID:            e.top.member("invocationId").text(),
		Results:                 make([]events.S3BatchJobResult, len(done)),
	}
	for i, d := range done {
		r.Results[i] = events.S3BatchJobResult{TaskID: ids[i], ResultCode: d.code(), ResultString: d.text()}
	}
	return json.Marshal(r)
}

func (d Done) code() string {
	switch {
	case d.Err == nil:
		return succeeded
	case d.Permanent:
		return permanent
	default:
		return temporary
	}
}

// maxText is the bytes of a line in a job's report: one field of a CSV file.
const maxText = 1000

func (d Done) text() string {
	text := d.Text
	if text == "" && d.Err != nil {
		text = d.Err.Error()
	}
	if len(text) > maxText {
		text = text[:maxText]
	}
	return strings.ToValidUTF8(text, "")
}

// ids is the sender's names for n pieces of work.
func (e *Event) ids(n int) ([]string, error) {
	ids := make([]string, 0, n)
	if err := e.each(func(id string, _ object) { ids = append(ids, id) }); err != nil {
		return nil, err
	}
	if len(ids) != n {
		return nil, fmt.Errorf("%s event: it has %d pieces of work, and %d are reported", e.Source, len(ids), n)
	}
	return ids, nil
}
