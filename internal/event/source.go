package event

import (
	"fmt"
	"slices"
	"strings"
)

// Source is what sent a payload. Its text is what logs show.
type Source string

// The sources that Parse tells apart.
const (
	APIGatewayV1 Source = "apigateway-v1" // REST API, or HTTP API with payload format 1.0
	APIGatewayV2 Source = "apigateway-v2" // HTTP API with payload format 2.0
	FunctionURL  Source = "function-url"
	ALB          Source = "alb"
	Direct       Source = "direct" // a bare inference request: Step Functions, the CLI
	Task         Source = "task"   // a bare batch task object
	S3           Source = "s3"
	S3Test       Source = "s3-test"
	S3Batch      Source = "s3batch"
	SQS          Source = "sqs"
	SNS          Source = "sns"
	EventBridge  Source = "eventbridge"
)

// envelope is the members that tell the source and carry an HTTP request.
type envelope struct {
	top     object
	request object // the members of requestContext; empty where there is none
}

func open(top object) envelope {
	// What is no object has no members; then no front door sent it.
	request, _ := top.member("requestContext").object()
	return envelope{top, request}
}

// source tells the source of an event, "" for none. Sources with members of
// their own come before bare requests, whose members (inputs, task) are ordinary
// words. A task is told last: it has none of the others, while the state of a
// step function may well have a task beside its instances.
func (e envelope) source() Source {
	top := e.top
	switch {
	case top.member("Records") != nil:
		return recordSource(top.member("Records").first())
	case top.member("Event").text() == "s3:TestEvent":
		return S3Test
	case top.member("invocationSchemaVersion") != nil && top.member("tasks") != nil:
		return S3Batch
	case top.member("requestContext") != nil:
		return e.frontDoor()
	case top.member("source").text() == "aws.s3" && top.member("detail-type").text() == "Object Created":
		return EventBridge
	case top.member("instances") != nil, top.member("inputs") != nil, top.member("examples") != nil:
		return Direct
	case top.member("task") != nil:
		return Task
	default:
		return ""
	}
}

// recordSource looks at both spellings: SNS writes EventSource, S3 and SQS
// write eventSource.
func recordSource(record object) Source {
	switch {
	case record.member("eventSource").text() == "aws:s3":
		return S3
	case record.member("eventSource").text() == "aws:sqs":
		return SQS
	case record.member("EventSource").text() == "aws:sns":
		return SNS
	default:
		return ""
	}
}

func (e envelope) frontDoor() Source {
	switch {
	case e.request.member("elb") != nil:
		return ALB
	case e.top.member("version").text() == "2.0" && e.request.member("http") != nil:
		// A function URL writes the same format; only its domain tells.
		if strings.Contains(e.request.member("domainName").text(), ".lambda-url.") {
			return FunctionURL
		}
		return APIGatewayV2
	case e.top.member("httpMethod") != nil && e.request.member("stage") != nil:
		return APIGatewayV1
	default:
		return ""
	}
}

// Class is a group of sources that an operator accepts or refuses together, in
// the words of the setting EVENT_SOURCES.
type Class string

// The classes, in the order in which the documentation lists them.
const (
	ClassHTTP        Class = "http"
	ClassDirect      Class = "direct"
	ClassS3          Class = "s3"
	ClassSQS         Class = "sqs"
	ClassSNS         Class = "sns"
	ClassEventBridge Class = "eventbridge"
	ClassS3Batch     Class = "s3batch"
	ClassTasks       Class = "tasks"
)

// Classes is every class.
func Classes() []Class {
	return []Class{ClassHTTP, ClassDirect, ClassS3, ClassSQS, ClassSNS, ClassEventBridge, ClassS3Batch, ClassTasks}
}

// ParseClass reads one word of EVENT_SOURCES.
func ParseClass(word string) (Class, error) {
	if c := Class(word); slices.Contains(Classes(), c) {
		return c, nil
	}
	return "", fmt.Errorf("%q is no event source: use any of %s", word, strings.Trim(fmt.Sprint(Classes()), "[]"))
}

// Class is the group that s belongs to.
func (s Source) Class() Class {
	switch s {
	case APIGatewayV1, APIGatewayV2, FunctionURL, ALB:
		return ClassHTTP
	case Task:
		return ClassTasks
	case S3Test:
		return ClassS3
	default: // the others are classes by themselves
		return Class(s)
	}
}
