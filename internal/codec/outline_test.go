package codec_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

func TestOutline(t *testing.T) {
	tests := []struct {
		doc, value string
		members    map[string]string
	}{
		{"5", "5", nil},
		{"\xEF\xBB\xBF [1, NaN]\n", "[1, NaN]", nil},
		{` {} `, "{}", map[string]string{}},
		{`{"a": [1, {"b": 2}], "\u0062" : "x"}`, `{"a": [1, {"b": 2}], "\u0062" : "x"}`, map[string]string{"a": `[1, {"b": 2}]`, "b": `"x"`}},
	}
	for _, tt := range tests {
		got, err := codec.ReadOutline([]byte(tt.doc), codec.Limits{})
		if err != nil || string(got.Value) != tt.value || len(got.Members) != len(tt.members) || (got.Members == nil) != (tt.members == nil) {
			t.Errorf("%s: %q with members %q, %v", tt.doc, got.Value, got.Members, err)
			continue
		}
		for key, want := range tt.members {
			if string(got.Members[key]) != want {
				t.Errorf("%s: member %q is %s", tt.doc, key, got.Members[key])
			}
		}
	}
}

func TestOutlineRefuses(t *testing.T) {
	tests := []struct{ doc, want string }{
		{"", "empty"},
		{"[1", "offset: 2"},
		{"[1] 2", "offset: 4"},
		{`{"a": 1, "a": 2}`, "duplicate key"},
		{"[[[[1]]]]", "nested deeper than 3 levels"},
	}
	for _, tt := range tests {
		_, err := codec.ReadOutline([]byte(tt.doc), codec.Limits{MaxDepth: 3})
		if !errors.Is(err, infer.ErrInvalidArgument) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.doc, err, tt.want)
		}
	}
}

func TestElements(t *testing.T) {
	tests := []struct {
		list string
		want []string
	}{
		{"[]", nil},
		{"[ ]", nil},
		{"[1]", []string{"1"}},
		{"[ 1 , [2, 3],{\"a\": \"]\"} ,\n\"x,y\" ]", []string{"1", "[2, 3]", `{"a": "]"}`, `"x,y"`}},
	}
	for _, tt := range tests {
		var got []string
		elements := codec.NewElements([]byte(tt.list))
		for e := elements.Next(); e != nil; e = elements.Next() {
			got = append(got, string(e))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q", tt.list, got)
		}
		if e := elements.Next(); e != nil {
			t.Errorf("%s: %q behind the end", tt.list, e)
		}
	}
}
