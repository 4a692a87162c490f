package batch

import (
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/telemetry"
)

// A job notes which model it asked, how often, and where its time went.
func TestAJobIsMeasured(t *testing.T) {
	var c telemetry.Call
	ctx := telemetry.WithCall(t.Context(), &c)
	if _, err := scoreFile(ctx, t, &scalar{}, "rows.jsonl", "1\n\"two\"\n3\n4\n", "out.jsonl"); err != nil {
		t.Fatal(err)
	}
	if c.Model != "half" || c.Version != "1" || c.Wait <= 0 || c.Read <= 0 || c.Score <= 0 || c.Write <= 0 {
		t.Errorf("%+v", c)
	}
	if c.Runs != 3 || c.Rows != 3 { // a row that cannot be decoded is never run
		t.Errorf("%d runs of %d rows, want 3 of 3", c.Runs, c.Rows)
	}
	if c.Signature != "" || c.Decode+c.Run+c.Encode != 0 {
		t.Errorf("%+v has stages of a request", c)
	}
}
