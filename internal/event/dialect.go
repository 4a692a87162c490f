package event

import (
	"strconv"
	"time"
)

// dialect is how one HTTP front door writes requests and wants its replies. The
// zero dialect is that of a source that does not speak HTTP.
type dialect struct {
	read  func(envelope) (message, error)
	reply func(response) []byte
	// patience is how long the front door waits for a reply; 0 where it waits
	// as long as the function may run.
	patience time.Duration
	// limit is the most bytes that an encoded reply may have.
	limit int
}

// lambdaReplyLimit is Lambda's limit for a buffered reply, 6 MB. Its enforced
// figure is 6291556 bytes, as its own error message says.
const lambdaReplyLimit = 6291556

// gatewayPatience is API Gateway's integration timeout: 29 s for REST APIs by
// default, 30 s for HTTP APIs. It bounds only the wait for a model, so where a
// quota increase made the timeout longer the loss is an early 503.
const gatewayPatience = 29 * time.Second

func dialectOf(s Source) dialect {
	switch s {
	case APIGatewayV1:
		return dialect{readV1, replyV1, gatewayPatience, lambdaReplyLimit}
	case APIGatewayV2:
		return dialect{readV2, replyV2, gatewayPatience, lambdaReplyLimit}
	case FunctionURL:
		return dialect{readV2, replyV2, 0, lambdaReplyLimit}
	default:
		return dialect{}
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
