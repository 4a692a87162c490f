package test

import (
	"encoding/json"
	"math"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// The line that docs/deploy.md gives to operators signs what AWS expects, and asks for what
// the demo model answers. curl signs a path with a colon in another way than AWS.
func TestTheSignedRequestOfTheDocsIsTaken(t *testing.T) {
	t.Parallel()
	_, block, found := strings.Cut(string(read(t, "../docs/deploy.md")), "```\ncurl --aws-sigv4")
	line, _, closed := strings.Cut(block, "\n```")
	if !found || !closed {
		t.Fatal("docs/deploy.md has no signed request any more")
	}
	signed := func(command string) (string, error) {
		cmd := exec.CommandContext(t.Context(), samPython(t), absolute(t, "sam/signature.py"), command)
		cmd.Dir = ".."
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	const curl = "curl --silent --show-error --aws-sigv4"
	if said, err := signed(curl + line); err != nil || said != "/v2/models/model/infer\n" {
		t.Errorf("%v: %s", err, said)
	}
	if said, err := signed(curl + strings.Replace(line, "/v2/models/model/infer", "/v1/models/model:predict", 1)); err == nil {
		t.Errorf("curl signs %q as AWS does: the docs need not warn any more", said)
	}

	s := startServer(t, absolute(t, digitsFolder+"/digits.tar.gz"))
	r := s.request(post, s.base+"/v2/models/digits/infer", string(read(t, absolute(t, digitsFolder+"/infer.json"))))
	var answer struct{ Outputs []struct{ Data []float64 } }
	if err := json.Unmarshal([]byte(r.Body), &answer); err != nil || len(answer.Outputs) != 1 {
		t.Fatalf("%v: answer %d %.300q", err, r.StatusCode, r.Body)
	}
	d := sample(t)
	want := slices.Concat(d.Predictions...)
	if len(answer.Outputs[0].Data) != len(want) {
		t.Fatalf("%d probabilities, want %d", len(answer.Outputs[0].Data), len(want))
	}
	for i, p := range answer.Outputs[0].Data {
		if !(math.Abs(p-want[i]) <= d.Tolerance) {
			t.Errorf("probability %d: %v, Python says %v", i, p, want[i])
		}
	}
}
