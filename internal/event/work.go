package event

// Object is an object that an event tells of. Key is as S3 has it.
type Object struct {
	Bucket, Key, VersionID string
	// ETag is without quotation marks, as events have it.
	ETag string
	// Sequencer orders the events of one key: compare with package batch.
	Sequencer string
}

// Work is one piece of batch work in an event: what can fail and be tried again by
// itself.
type Work struct {
	// ID is the sender's name for it: an SQS messageId, an S3 Batch taskId; empty for
	// others.
	ID string
	// Objects are to be scored. Neither objects nor a task is nothing to do: a test
	// event, or an event about something else than a created object.
	Objects []Object
	// Task is a batch task object, as JSON.
	Task []byte
	// Err says that a message cannot be understood; it concerns no other message.
	Err error
}

// Done is what became of a Work.
type Done struct {
	Err error
	// Permanent says that another try cannot help.
	Permanent bool
	// Text is a line for the report of an S3 Batch Operations job.
	Text string
	// Reply is what a task answers, as JSON.
	Reply []byte
}

// Work is the batch work that an event asks for; none for other sources. An error
// means that the event is not what its source promises.
func (e *Event) Work() ([]Work, error) { panic("not written yet") }

// Report answers an event whose work was done, one Done for each Work in order. It
// is what the source wants: the ids of failed SQS messages, the results of an S3
// Batch Operations job, the reply of a task, null for others. Sources that have no
// place for a failure are for the caller to fail.
func (e *Event) Report(done []Done) ([]byte, error) { panic("not written yet") }
