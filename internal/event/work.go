package event

import (
	"errors"
	"fmt"
)

// ErrMalformed is an event, or a message in one, that is not what its source
// promises. Another try finds it the same.
var ErrMalformed = errors.New("malformed event")

// Object is an object that an event tells of. Key is as S3 has it.
type Object struct {
	Bucket, Key string
	// VersionID is empty for buckets without versions.
	VersionID string
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
	// Objects are to be scored. Neither objects nor a task nor an error is nothing to
	// do: a test event, or an event about something else than a created object.
	Objects []Object
	// Task is a batch task object, as JSON. It may alias the payload.
	Task []byte
	// Err, an ErrMalformed, says that a message or a part of it cannot be understood.
	// It concerns no other message, and not the Objects beside it.
	Err error
}

// Work is the batch work that an event asks for; none for other sources. The error
// is ErrMalformed, for an event of which not even the messages can be told.
func (e *Event) Work() ([]Work, error) {
	switch e.Source {
	case S3, S3Test, EventBridge:
		return []Work{e.objects(e.Source)}, nil
	case Task:
		return []Work{{Task: e.payload}}, nil
	case SNS, SQS, S3Batch:
		return e.works()
	default:
		return nil, nil
	}
}

// works reads the sources that send a list of messages.
func (e *Event) works() ([]Work, error) {
	if err := e.checkSchema(); err != nil {
		return nil, err
	}
	var all []Work
	err := e.each(func(id string, record object) {
		var w Work
		switch e.Source {
		case SNS:
			w = readMessage(record.member("Sns").member("Message"), false)
		case SQS:
			w = readMessage(record.member("body"), true)
		case S3Batch:
			w = s3BatchTask(record)
		}
		w.ID = id
		all = append(all, w)
	})
	return all, err
}

// each visits the messages of an event, in order.
func (e *Event) each(visit func(id string, record object)) error {
	list, name := "Records", ""
	switch e.Source {
	case SQS:
		name = "messageId"
	case S3Batch:
		list, name = "tasks", "taskId"
	}
	err := records(e.top.member(list), func(record object) error {
		var id string
		if name != "" {
			if id = record.member(name).text(); id == "" {
				// Lambda takes an empty id in a report for a failure of all.
				return fmt.Errorf("one of its %s has no %s", list, name)
			}
		}
		visit(id, record)
		return nil
	})
	if err != nil {
		return malformed("%s event: %w", e.Source, err)
	}
	return nil
}

// maxRecords bounds what one event can ask for. SQS sends 10,000 messages at the
// most, the others a few; without a limit 6 MB of empty objects would take a hundred
// times their size.
const maxRecords = 1 << 14

// records visits the elements of an array of objects until one visit fails.
func records(list value, visit func(record object) error) error {
	s := &scanner{data: list}
	n := 0
	return s.list('[', ']', func() error {
		if n++; n > maxRecords {
			return fmt.Errorf("more than %d records", maxRecords)
		}
		element, err := s.value()
		if err != nil {
			return err
		}
		record, err := element.object()
		if err != nil {
			return fmt.Errorf("record %d: %w", n, err)
		}
		return visit(record)
	})
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrMalformed, fmt.Errorf(format, args...))
}
