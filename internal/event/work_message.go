package event

// readMessage reads the text of a message: an event about objects, and in a queue
// also one that a topic passed on, or a task.
//
// Tasks are taken from the queue itself only. Whoever may publish to a topic that
// tells of objects need not be somebody who may give tasks.
func readMessage(message value, queued bool) Work {
	text, err := message.bytes()
	if err != nil {
		return Work{Err: malformed("message: %w", err)}
	}
	top, err := value(text).object()
	if err != nil {
		return Work{Err: malformed("message: it is %s", describe(text, err))}
	}
	if queued && top.member("Type").text() == "Notification" {
		return readMessage(top.member("Message"), false)
	}
	e := open(top)
	switch source := e.source(); {
	case source == S3, source == S3Test, source == EventBridge:
		return e.objects(source)
	case source == Task && queued:
		return Work{Task: text}
	case top.member("source").text() == "aws.s3" && top.member("detail-type") != nil:
		return Work{} // EventBridge on something else than a created object
	default:
		return Work{Err: malformed("message: it is no event about an object%s: it is %s", orTask(queued), describeKeys(top))}
	}
}

func orTask(queued bool) string {
	if queued {
		return " and no task"
	}
	return ""
}
