package event

import (
	"strconv"
	"time"
)

// dialect is how one HTTP front door writes requests and wants its replies.
// Sources that do not speak HTTP have a limit only.
type dialect struct {
	read func(envelope) message // but for the body, which is the same everywhere
	// head writes a reply up to where its body follows: an object that is
	// still open.
	head func(dst []byte, r response) []byte
	// patience is how long the front door waits for a reply; 0 where it waits
	// as long as the function may run.
	patience time.Duration
	// limit is the most bytes that an encoded reply may have.
	limit int
	// streams tells that the front door may take replies as a stream.
	streams bool
}

// lambdaReplyLimit is Lambda's limit for a buffered reply, 6 MB. Its enforced
// figure is 6291556 bytes, as its own error message says.
const lambdaReplyLimit = 6291556

// streamLimit is Lambda's limit for a streamed reply, 200 MB.
const streamLimit = 200 << 20

// albReplyLimit is a load balancer's limit for the JSON of a reply, 1 MB.
const albReplyLimit = 1 << 20

// gatewayPatience is API Gateway's integration timeout: 29 s for REST APIs by
// default, 30 s for HTTP APIs. It bounds only the wait for a model, so where a
// quota increase made the timeout longer the loss is an early 503.
const gatewayPatience = 29 * time.Second

func dialectOf(s Source, e envelope) dialect {
	switch s {
	case APIGatewayV1:
		return dialect{readV1, headV1, gatewayPatience, lambdaReplyLimit, e.restAPI()}
	case APIGatewayV2:
		return dialect{readV2, headV2, gatewayPatience, lambdaReplyLimit, false}
	case FunctionURL:
		return dialect{readV2, headV2, 0, lambdaReplyLimit, true}
	case ALB:
		multiValue := !e.top.member("multiValueHeaders").null()
		head := func(dst []byte, r response) []byte { return headALB(dst, r, multiValue) }
		return dialect{readALB, head, 0, albReplyLimit, false}
	default:
		return dialect{limit: lambdaReplyLimit}
	}
}

// acceptedAt is when the front door took the request, the zero time where it
// does not say. REST APIs and HTTP APIs name the member differently.
func acceptedAt(request object) time.Time {
	stamp := request.member("requestTimeEpoch")
	if stamp == nil {
		stamp = request.member("timeEpoch")
	}
	ms, err := strconv.ParseInt(string(stamp), 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
