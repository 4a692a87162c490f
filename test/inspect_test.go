package test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// description is what `inspect --json` promises.
type description struct {
	Format     string
	Version    int
	Tags       []string
	TensorFlow string
	Signatures map[string]struct {
		Method          string
		Inputs, Outputs map[string]endpoint
	}
	Operations []operation
	OpCounts   map[string]int `json:"op_counts"`
}

type endpoint struct {
	Tensor string
	DType  string
	Shape  []int64 // nil where the rank is unknown
}

type operation struct {
	Name, Op, Device string
	Outputs          []string
	Function         string
}

func expectedDescription(t *testing.T, name string) description {
	t.Helper()
	var all map[string]description
	if err := json.Unmarshal(read(t, "inspect/expected.json"), &all); err != nil {
		t.Fatal(err)
	}
	d, ok := all[name]
	if !ok || len(d.Operations) == 0 {
		t.Fatalf("inspect/expected.json does not describe %s", name)
	}
	return d
}

// inspect says what TensorFlow itself says about a model: every operation with
// its type, the counts, and the signatures.
func TestInspectSaysWhatTensorFlowSays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		model    string
		uri      func(t *testing.T) string
		settings []string
	}{
		{"digits.tar.gz", func(t *testing.T) string { return uri(t, digitsInStore) }, nil},
		{"digits.tar.gz", func(t *testing.T) string { return "file://" + absolute(t, digitsFolder+"/digits.tar.gz") }, nil},
		{"digits.tar.gz", func(t *testing.T) string { return absolute(t, digitsFolder+"/digits.tar.gz") }, []string{"TENSORFLOW_LIB=/nowhere"}},
		{"digits.pb", func(t *testing.T) string { return uri(t, graphInStore) }, nil},
		{"digits.pb", func(t *testing.T) string { return absolute(t, digitsFolder+"/digits.pb") }, nil},
		{"digits.pb", func(t *testing.T) string { return absolute(t, digitsFolder+"/digits.pb") }, []string{"TENSORFLOW_LIB=/nowhere"}},
	} {
		model := c.uri(t)
		t.Run(strings.Join(append(c.settings, model), " "), func(t *testing.T) {
			t.Parallel()
			o := command(t, c.settings, "inspect", model, "--json")
			if o.status != 0 {
				t.Fatalf("exit status %d: %s", o.status, o.stderr)
			}
			var got description
			if err := json.Unmarshal([]byte(o.stdout), &got); err != nil {
				t.Fatalf("%v in:\n%s", err, o.stdout)
			}
			want := expectedDescription(t, c.model)
			if got.Format == "graphdef" && c.settings != nil {
				want.forgetInferredShapes()
			}
			got.compare(t, want)
			got.checkTable(t, command(t, c.settings, "inspect", model, "--ops"))
			checkIsShort(t, command(t, c.settings, "inspect", model))
		})
	}
}

func (got description) compare(t *testing.T, want description) {
	t.Helper()
	for i, op := range want.Operations {
		if i >= len(got.Operations) || !reflect.DeepEqual(got.Operations[i], op) {
			t.Fatalf("operation %d is not %+v in %+v", i, op, got.Operations)
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v, want\n%+v", got, want)
	}
}

// forgetInferredShapes leaves the shapes out that TensorFlow infers for outputs
// of a frozen graph, which declares those of its placeholders only: without the
// library inspect cannot tell them.
func (got description) forgetInferredShapes() {
	for _, s := range got.Signatures {
		for name, output := range s.Outputs {
			output.Shape = nil
			s.Outputs[name] = output
		}
	}
}

// checkTable looks for everything in the table for people.
func (got description) checkTable(t *testing.T, o outcome) {
	t.Helper()
	if o.status != 0 {
		t.Errorf("exit status %d: %s", o.status, o.stderr)
	}
	var lines [][]string
	for line := range strings.Lines(o.stdout) {
		lines = append(lines, strings.Fields(line))
	}
	want := [][]string{{"format", got.Format}, {"version", fmt.Sprint(got.Version)}}
	for _, op := range got.Operations {
		want = append(want, []string{op.Name, op.Op})
	}
	for _, op := range slices.Sorted(maps.Keys(got.OpCounts)) {
		want = append(want, []string{fmt.Sprint(got.OpCounts[op]), op})
	}
	for _, s := range got.Signatures {
		for name, in := range s.Inputs {
			want = append(want, []string{"input", name, in.DType})
		}
		for name, out := range s.Outputs {
			want = append(want, []string{"output", name, out.DType})
		}
	}
	for _, start := range want {
		found := slices.ContainsFunc(lines, func(line []string) bool {
			return len(line) >= len(start) && slices.Equal(line[:len(start)], start)
		})
		if !found {
			t.Errorf("no line of the table starts with %q:\n%s", start, o.stdout)
		}
	}
}

// checkIsShort looks at what people see who did not ask for every operation.
func checkIsShort(t *testing.T, o outcome) {
	t.Helper()
	if o.status != 0 || strings.Count(o.stdout, "\n") > 60 || !strings.Contains(o.stdout, "\nsize ") {
		t.Errorf("exit status %d, %d lines:\n%s", o.status, strings.Count(o.stdout, "\n"), o.stdout)
	}
	for line := range strings.Lines(o.stdout) {
		if strings.HasSuffix(line, " \n") {
			t.Errorf("line %q ends in a space", line)
		}
	}
}

// Models that would be refused, or that no program could serve, can still be
// looked at.
func TestInspectShowsWhatWillNotServe(t *testing.T) {
	t.Parallel()
	for model, part := range map[string]string{"unsafe_read": "ReadFile", "no_placeholder.pb": "AddV2"} {
		o := command(t, nil, "inspect", absolute(t, "models/"+model))
		if o.status != 0 || !strings.Contains(o.stdout, part) {
			t.Errorf("%s: exit status %d without %q:\n%s%s", model, o.status, part, o.stdout, o.stderr)
		}
	}
}
