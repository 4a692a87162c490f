package test

import (
	"encoding/json"
	"testing"
)

// The comparison with Python's answers is strict: a bit, a shape or the form of a
// string that differs is seen.
func TestComparisonIsStrict(t *testing.T) {
	for _, c := range []struct {
		dtype string
		shape []int
		value []string // as in expected.json
		alias string
		same  string   // a reply that is right
		other []string // replies that are not
	}{
		{"float", []int{2}, []string{"0.3333333432674408", "-0.0"}, "y", "[0.33333334, -0.0]",
			[]string{"[0.3333333, -0.0]", "[0.33333334, 0.0]", "[[0.33333334, -0.0]]", "[0.33333334]", "[0.33333334, NaN]", `["0.33333334", -0.0]`}},
		{"float", []int{3}, []string{`"NaN"`, `"Infinity"`, `"-Infinity"`}, "y", "[NaN, Infinity, -Infinity]",
			[]string{"[NaN, Infinity, Infinity]", "[0, Infinity, -Infinity]", "[null, Infinity, -Infinity]"}},
		{"half", []int{}, []string{"0.333251953125"}, "y", "0.3333", []string{"0.3337", "[0.3333]"}},
		{"bfloat16", []int{1}, []string{"0.333984375"}, "y", "[0.334]", []string{"[0.332]"}},
		{"int64", []int{1}, []string{"-9223372036854775808"}, "y", "[-9223372036854775808]", []string{"[-9223372036854775807]", "[-9.223372036854775808e18]"}},
		{"bool", []int{1}, []string{"true"}, "y", "[true]", []string{"[false]", "[1]"}},
		{"string", []int{1}, []string{`"YQ=="`}, "y", `["a"]`, []string{`["YQ=="]`, `[{"b64":"YQ=="}]`}},
		{"string", []int{1}, []string{`"YQ=="`}, "raw_bytes", `[{"b64":"YQ=="}]`, []string{`["a"]`}},
		{"string", []int{1}, []string{`"//4="`}, "y", `[{"b64":"//4="}]`, []string{`["\ufffd\ufffd"]`}},
		{"float", []int{2, 0}, nil, "y", "[[],[]]", []string{"[]", "[[]]", "[[],[1]]"}},
	} {
		want := tensor{DType: c.dtype, Shape: c.shape}
		for _, v := range c.value {
			want.Values = append(want.Values, json.RawMessage(v))
		}
		differs := func(text string) string {
			got, err := decode(text)
			if err != nil {
				t.Fatal(err)
			}
			return want.differs(got, c.alias)
		}
		if difference := differs(c.same); difference != "" {
			t.Errorf("%s %s: %s", c.dtype, c.same, difference)
		}
		for _, text := range c.other {
			if differs(text) == "" {
				t.Errorf("%s %s passes for %s", c.dtype, text, c.value)
			}
		}
	}
}
