package test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/runtimeapi"
)

// The log has one JSON line for each invocation, with its id and its outcome and
// nothing of its body.
func TestEveryInvocationIsOneLineOfTheLog(t *testing.T) {
	t.Parallel()
	d := sample(t)
	f := readyFunction(t, "MODEL_URI="+uri(t, digitsInStore), raw(t))
	const secret = "fef1f0fum"
	event := func(body string) []byte {
		return []byte(strings.Replace(string(gatewayV2(post, "/v1/models/digits:predict", body)), `"rawQueryString":""`, `"rawQueryString":"token=`+secret+`"`, 1))
	}
	want := []struct {
		source string
		status int
	}{{"apigateway-v2", 200}, {"apigateway-v2", 400}, {"apigateway-v1", 200}, {"unknown", 0}}
	d.check(t, f.invoke(event(d.Request)), 0, 3)
	refused(t, f.invoke(event(`{"instances":["`+secret+`"]}`)), 400, secret)
	d.check(t, f.invoke(read(t, "../events/apigateway-v1.json")), 0, 1)
	if _, err := f.Invoke(t.Context(), []byte(`{"who":"`+secret+`"}`), runtimeapi.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil { // now the log is whole
		t.Fatal(err)
	}

	if text := f.log.String(); strings.Contains(text, secret) || strings.Contains(text, "[0.4375]") {
		t.Errorf("the log holds what was sent:\n%s", text)
	}
	lines := f.log.lines(t)
	if starts := withMessage(lines, "cold start"); len(starts) != 1 || starts[0].Report == nil {
		t.Errorf("%d lines about the cold start, want one with its report", len(starts))
	}
	invocations := withMessage(lines, "invocation")
	if len(invocations) != len(want) {
		t.Fatalf("%d lines for %d invocations", len(invocations), len(want))
	}
	id := regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	seen := map[string]bool{}
	for i, l := range invocations {
		if l.Source != want[i].source || l.Status != want[i].status {
			t.Errorf("invocation %d: %v, want %+v", i, l.fields, want[i])
		}
		if !id.MatchString(l.RequestID) || seen[l.RequestID] {
			t.Errorf("invocation %d: request id %q", i, l.RequestID)
		}
		seen[l.RequestID] = true
	}
}
