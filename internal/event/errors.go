package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// UnknownPayload is the error for a payload that is no invocation this program
// knows. Its name is the errorType that the caller sees.
type UnknownPayload struct {
	// Seen says what the payload is instead, with some of its keys.
	Seen string
}

func (e *UnknownPayload) Error() string {
	return "payload is none of the invocations that this function answers: it is " + e.Seen
}

// ReplyTooLarge is the error for a reply that Lambda or the front door would
// turn into a 502 that explains nothing.
type ReplyTooLarge struct {
	Source   Source
	Streamed bool
	Size     int // bytes, as encoded
	Limit    int // bytes
}

func (e *ReplyTooLarge) Error() string {
	return fmt.Sprintf("the reply has %d bytes as it is sent to %s, which lets %d pass: ask for fewer rows or outputs at once%s", e.Size, e.Source, e.Limit, e.remedy())
}

// remedy is what else helps. Compressed replies pass where the front door hands
// on what is no text, which is not to be had of every REST API.
func (e *ReplyTooLarge) remedy() string {
	switch {
	case e.Streamed:
		return ""
	case e.Source == FunctionURL:
		return ", for a compressed reply (Accept-Encoding) or binary outputs, or let the function URL stream (RESPONSE_STREAM)"
	case e.Source == APIGatewayV1:
		return ", or let the REST API stream (RESPONSE_STREAM)"
	case e.Source == APIGatewayV2, e.Source == ALB:
		return ", for a compressed reply (Accept-Encoding) or binary outputs"
	default:
		return ""
	}
}

// What an error shows of a payload, so that one log line can hold it.
const (
	maxKeysShown = 8
	maxKeyShown  = 40 // bytes
)

func describe(payload []byte, err error) string {
	v := value(payload).trim()
	switch {
	case len(v) == 0:
		return "empty"
	case v[0] != '{' && json.Valid(v):
		return kindOf(v)
	case errors.Is(err, errManyMembers):
		return err.Error()
	default:
		return "not JSON: " + err.Error()
	}
}

func describeKeys(top object) string {
	if len(top) == 0 {
		return "an object without keys"
	}
	var b strings.Builder
	b.WriteString("an object with the keys ")
	for i, m := range top {
		if i == maxKeysShown {
			fmt.Fprintf(&b, " and %d more", len(top)-i)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		key, more := m.key, ""
		if len(key) > maxKeyShown {
			key, more = key[:maxKeyShown], "…"
		}
		fmt.Fprintf(&b, "%q", strings.ToValidUTF8(string(key), "")+more)
	}
	return b.String()
}
