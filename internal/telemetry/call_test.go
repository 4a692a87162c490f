package telemetry_test

import (
	"context"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/telemetry"
)

func TestACallIsTheOneOfItsContext(t *testing.T) {
	c := new(telemetry.Call)
	ctx, cancel := context.WithCancel(telemetry.WithCall(t.Context(), c))
	defer cancel()
	if telemetry.CallOf(ctx) != c {
		t.Error("not that of the context")
	}
	if other := telemetry.CallOf(t.Context()); other == nil || other == telemetry.CallOf(t.Context()) {
		t.Error("where nobody measures, each has its own")
	}
}
