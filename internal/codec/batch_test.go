package codec_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// outcomes adds records to rows and tells what comes of them, in order: each batch as
// described, and "! " with the reason where a record is refused.
func outcomes(t *testing.T, rows codec.Rows, records ...string) (list []string) {
	t.Helper()
	take := func() {
		n := rows.Len()
		req, err := rows.Take()
		if err != nil {
			t.Fatalf("take of %d rows: %v", n, err)
		}
		list = append(list, strings.TrimPrefix(described(&codec.Predict{Request: req, Row: true}), "row "))
	}
	for _, record := range records {
		before := rows.Len()
		err := rows.Add([]byte(record))
		if errors.Is(err, codec.ErrNextBatch) {
			if before == 0 {
				t.Fatalf("%.40q: the first row of a batch belongs to the next", record)
			}
			take()
			before, err = 0, rows.Add([]byte(record))
		}
		if err == nil {
			before++
		} else {
			list = append(list, "! "+err.Error())
			if _, public := errors.AsType[*infer.Error](err); !public || errors.Is(err, infer.ErrInternal) {
				t.Errorf("%.40q: %v is not for the owner of the data", record, err)
			}
		}
		if rows.Len() != before {
			t.Fatalf("%.40q: %d rows, want %d", record, rows.Len(), before)
		}
	}
	if rows.Len() > 0 {
		take()
	}
	return list
}

func jsonRows(t *testing.T, c *infer.Catalog, l codec.Limits) codec.Rows {
	t.Helper()
	rows, err := codec.NewJSONRows(c, l)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestJSONRows(t *testing.T) {
	deep := strings.Repeat("[", 65) + strings.Repeat("]", 65)
	for _, tt := range []struct {
		name, inputs string
		records      []string
		want         []string
	}{
		{"values", "x:float", []string{"1", "2.5\n", " -3e2 \r\n"}, []string{"x=[3] 1 2.5 -300"}},
		{"lists", "x:float", []string{"[[1],[2]]", "[[3],[4]]\n"}, []string{"x=[2,2,1] 1 2 3 4"}},
		{"lists over several lines", "x:float", []string{"[1,\n2]\n", "\n[3,4]"}, []string{"x=[2,2] 1 2 3 4"}},
		{"one unusual row", "x:float", []string{"[1]", "[NaN]", "[3]"}, []string{"x=[3,1] 1 NaN 3"}},
		{"empty lists", "x:int8", []string{"[]", "[]"}, []string{"x=[2,0]"}},
		{"integers", "x:int64", []string{"[9223372036854775807]", "[-1]"}, []string{"x=[2,1] 9223372036854775807 -1"}},
		{"half", "x:half", []string{"1", "-2"}, []string{"x=[2] 0x3c00 0xc000"}},
		{"bfloat16", "x:bfloat16", []string{"[1]", "[-2]"}, []string{"x=[2,1] 0x3f80 0xc000"}},
		{"bools", "x:bool", []string{"true", "false"}, []string{"x=[2] true false"}},
		{"strings and base64", "s:string", []string{`"a\nb"`, `{"b64": "aGk="}`, `""`}, []string{`s=[3] "a\nb" "hi" ""`}},
		{"objects", "a:float b:string", []string{`{"a": 1, "b": ["x"]}`, `{"b": ["y"], "a": 2}`}, []string{`a=[2] 1 2 b=[2,1] "x" "y"`}},

		{"another length", "x:float", []string{"[1,2]", "[3]", "[4]", "[5,6]"}, []string{"x=[1,2] 1 2", "x=[2,1] 3 4", "x=[1,2] 5 6"}},
		{"another rank", "x:int8", []string{"[1]", "1", "[[1]]"}, []string{"x=[1,1] 1", "x=[1] 1", "x=[1,1,1] 1"}},
		{"strings of another shape", "x:string", []string{`"a"`, `["b"]`}, []string{`x=[1] "a"`, `x=[1,1] "b"`}},
		{"objects among values", "x:float", []string{"[1]", `{"x": [2]}`, `{"x": [3]}`, "[4]"},
			[]string{"x=[1,1] 1", "x=[2,1] 2 3", "x=[1,1] 4"}},
		{"another shape of one input", "a:float b:float", []string{`{"a":1,"b":[1]}`, `{"a":2,"b":[2]}`, `{"a":3,"b":[3,3]}`},
			[]string{"a=[2] 1 2 b=[2,1] 1 2", "a=[1] 3 b=[1,2] 3 3"}},

		{"a bad row alone", "x:float", []string{`"a"`}, []string{`! JSON Value: "a" Type: String is not of expected type: float`}},
		{"a bad row among good ones", "x:float", []string{"[1,2]", `[3,"a"]`, "[5,6]"},
			[]string{`! JSON Value: "a" Type: String is not of expected type: float (at index [1])`, "x=[2,2] 1 2 5 6"}},
		{"a bad row of another shape", "x:float", []string{"[1,2]", `[null]`, "[5,6]"},
			[]string{`! JSON Value: null Type: Null is not of expected type: float (at index [0])`, "x=[2,2] 1 2 5 6"}},
		{"a bad row before the first", "x:float", []string{"[1,2,[3]]", "[[1]]"},
			[]string{"! Encountered list at unexpected level: 1 expected < 1 (at index [2])", "x=[1,1,1] 1"}},
		{"the second input is bad, the first of another shape", "a:float b:int8", []string{`{"a":1,"b":2}`, `{"a":[1],"b":2.5}`, `{"a":3,"b":4}`},
			[]string{`! input "b": JSON Value: 2.5 Type: Number is not of expected type: int8`, "a=[2] 1 3 b=[2] 2 4"}},
		{"strings before a bad one", "x:string", []string{`["a"]`, `["b", {"b64": "?"}]`, `["c"]`},
			[]string{"! Unable to base64 decode (at index [1])", `x=[2,1] "a" "c"`}},
		{"no JSON", "x:float", []string{"[1]", "[2", "abc", "", " \n", "1 2"}, []string{
			"! JSON Parse error: Missing a comma or ']' after an array element. at offset: 3",
			"! JSON Parse error: Invalid value. at offset: 0",
			"! JSON Parse error: Invalid value. at offset: 1",
			"! JSON Parse error: Invalid value. at offset: 2",
			"! JSON Parse error: The document root must not be followed by other values. at offset: 2",
			"x=[1,1] 1"}},
		{"a bad object among lists", "x:int8", []string{"[1]", `{"y": 1}`, `{"x": 300}`, "[2]"}, []string{
			`! JSON object: {"y": 1} has no value for "x"`,
			`! input "x": JSON Value: 300 Type: Number is not of expected type: int8: out of range, -128 to 127`,
			"x=[2,1] 1 2"}},
		{"an input is missing", "a:float b:float", []string{`{"a":1,"b":2}`, `{"a":1}`, `{}`, `{"a":3,"b":4}`}, []string{
			`! JSON object: {"a":1} has no value for "b"`,
			`! JSON object: {} has no value for "a", "b"`,
			"a=[2] 1 3 b=[2] 2 4"}},
		{"further keys", "a:float b:float", []string{`{"id":"u","a":1,"b":2}`, `{"a":3, "tags": [{"a": 5}, null], "b":4, "c": {}}`, `{"b":6,"id":7,"a":5,"id":8}`},
			[]string{"a=[3] 1 3 5 b=[3] 2 4 6"}},
		{"further keys instead", "a:float b:float", []string{`{"id":1,"a":1}`, `{"a":1,"b":2}`}, []string{
			`! JSON object: {"id":1,"a":1} has no value for "b"`, "a=[1] 1 b=[1] 2"}},
		{"further keys that are no JSON", "a:float", []string{`{"a":1,"id":nul}`, `{"a":2,"id":null}`}, []string{
			"! JSON Parse error: Invalid value. at offset: 15", "a=[1] 2"}},
		{"an input twice", "a:float", []string{`{"a":1}`, `{"a":2,"a":3}`}, []string{
			`! input "a": JSON object: named input is given more than once`, "a=[1] 1"}},
		{"a list for several inputs", "a:float b:float", []string{"[1]"}, []string{
			`! a value or list is for signatures with one input, but signature "serving_default" has 2 (a, b): a row is an object that names them`}},
		{"too deep", "x:float", []string{"1", deep, "2"}, []string{
			"! JSON Parse error: nested deeper than 64 levels (MAX_JSON_DEPTH) at offset: 64", "x=[2] 1 2"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := outcomes(t, jsonRows(t, inputsOf(tt.inputs), codec.Limits{}), tt.records...); !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// Where the graph wants rows of one element there is nothing that brackets could say.
func TestScalarsAsRowsOfOneElement(t *testing.T) {
	const lenient = "a graph that takes any shape"
	for _, tt := range []struct {
		name, inputs string
		records      []string
		want         []string
	}{
		{"objects", "a:float[?,1] b:string[?,1,1]", []string{`{"a":1,"b":"x"}`, `{"a":[2],"b":[["y"]]}`, `{"a":3,"b":{"b64":"eg=="}}`},
			[]string{`a=[3,1] 1 2 3 b=[3,1,1] "x" "y" "z"`}},
		{"the only input", "a:float[?,1]", []string{"1", "[2]", "-3", `{"a": 4}`}, []string{"a=[3,1] 1 2 -3", "a=[1,1] 4"}},
		{"a bad one", "a:int8[?,1]", []string{"1", "1.5", "3"}, []string{`! JSON Value: 1.5 Type: Number is not of expected type: int8`, "a=[2,1] 1 3"}},
		{"rows that may have more", "a:float[?,?] b:float[?,2]", []string{`{"a":1,"b":2}`}, []string{"a=[1] 1 b=[1] 2"}},
		{"lists of another depth", "a:float[?,1,1]", []string{"[1]"}, []string{"a=[1,1] 1"}},
		{lenient, "a:float[?,1]", []string{"1", "[2]"}, []string{"a=[1] 1", "a=[1,1] 2"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := table(tt.inputs)
			if tt.name != lenient {
				c.Placeholders = carried(c)
			}
			if got := outcomes(t, jsonRows(t, c, codec.Limits{}), tt.records...); !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// carried are the shapes of the default signature, as those of its Placeholders.
func carried(c *infer.Catalog) map[string]infer.Shape {
	shapes := map[string]infer.Shape{}
	for _, t := range c.Signatures[c.Default].Inputs {
		operation, _, _ := strings.Cut(t.Tensor, ":")
		shapes[operation] = t.Shape
	}
	return shapes
}

func TestNewJSONRowsRefuses(t *testing.T) {
	for _, tt := range []struct {
		catalog *infer.Catalog
		kind    error
		want    string
	}{
		{inputsOf("a:float x:complex64"), infer.ErrUnimplemented, `input "x" of type complex64 has no JSON form`},
		{inputsOf(""), infer.ErrInvalidArgument, "Failed to get input map for signature: serving_default"},
		{&infer.Catalog{Default: "none"}, infer.ErrInvalidArgument, `Serving signature name: "none" not found in signature def`},
		{catalogOf(nil, input("x", infer.Float)), infer.ErrInvalidArgument, `signature "serving_default" has no outputs to return`},
	} {
		if _, err := codec.NewJSONRows(tt.catalog, codec.Limits{}); !errors.Is(err, tt.kind) || err.Error() != tt.want {
			t.Errorf("got  %v\nwant %s", err, tt.want)
		}
	}
}

// anyTensor is a catalog with one input, x, that lets requests name any tensor.
func anyTensor() *infer.Catalog {
	c := inputsOf("x:float")
	c.Tensor = func(name string) (infer.TensorInfo, bool) {
		return infer.TensorInfo{Tensor: infer.TensorName(name), DType: infer.Int32}, strings.HasPrefix(name, "h") || name == "x_op"
	}
	return c
}

func TestJSONRowsNameAnyTensor(t *testing.T) {
	for _, tt := range []struct {
		name    string
		records []string
		want    []string
	}{
		{"instead of the input", []string{`{"hidden": 1}`, `{"hidden": 2}`}, []string{"hidden=[2] 1 2"}},
		{"in any order", []string{`{"h2": 1, "x": 2, "h1": 3}`, `{"h1": 6, "h2": 4, "x": 5}`}, []string{"x=[2] 2 5 h1=[2] 3 6 h2=[2] 1 4"}},
		{"another set of inputs", []string{`{"h1": 1}`, `{"h2": 2}`, `{"x": 3}`, `{"x": 4, "h1": 5}`, `{"x": 6, "h1": 7}`},
			[]string{"h1=[1] 1", "h2=[1] 2", "x=[1] 3", "x=[2] 4 6 h1=[2] 5 7"}},
		{"lists of the input behind others", []string{`{"h1": 1}`, "[2]"}, []string{"h1=[1] 1", "x=[1,1] 2"}},
		{"the name of a bad row is forgotten", []string{`{"h1": "a"}`, "1", `{"h2": []}`, "2"},
			[]string{`! input "h1": JSON Value: "a" Type: String is not of expected type: int32`, "x=[1] 1", "h2=[1,0]", "x=[1] 2"}},
		{"an input of a bad row is forgotten", []string{`{"x": 1, "h1": "a"}`, `{"h2": 2}`},
			[]string{`! input "h1": JSON Value: "a" Type: String is not of expected type: int32`, "h2=[1] 2"}},
		{"nothing behind something", []string{`{"h1": 1}`, `{}`, `{"h1": 2}`},
			[]string{`! JSON object: {} has no value for "x"`, "h1=[2] 1 2"}},
		{"one tensor by two names", []string{`{"x": 1}`, `{"x": 1, "x_op": 2}`, `{"x": 3}`},
			[]string{`! inputs "x" and "x_op" are the same tensor and cannot both be fed`, "x=[2] 1 3"}},
		{"one tensor by two names, first", []string{`{"x": 1, "x_op": 2}`, "[3]"},
			[]string{`! inputs "x" and "x_op" are the same tensor and cannot both be fed`, "x=[1,1] 3"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := outcomes(t, jsonRows(t, anyTensor(), codec.Limits{}), tt.records...); !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// The limit is one batch's: a row that would pass it begins the next, and only a row
// that passes it alone is refused.
func TestRowsLimit(t *testing.T) {
	const tooLarge = "! input tensors are larger than the limit of "
	for _, tt := range []struct {
		name, inputs string
		limit        int64
		records      []string
		want         []string
	}{
		{"floats", "x:float", 16, []string{"[1,2]", "[3,4]", "[5,6]"}, []string{"x=[2,2] 1 2 3 4", "x=[1,2] 5 6"}},
		{"integers", "x:int64", 16, []string{"1", "2", "3"}, []string{"x=[2] 1 2", "x=[1] 3"}},
		{"a row over it", "x:float", 8, []string{"[1,2]", "[1,2,3]", "[3,4]"},
			[]string{"x=[1,2] 1 2", tooLarge + "8 bytes (MAX_TENSOR_BYTES)", "x=[1,2] 3 4"}},
		{"strings", "x:string", 70, []string{`"ab"`, `"cde"`, `"f"`}, []string{`x=[2] "ab" "cde"`, `x=[1] "f"`}},
		{"an input that fills it, then another", "x:float y:float", 16, []string{`{"x":[1,2,3],"y":1}`, `{"x":1,"y":[1,2,3]}`},
			[]string{"x=[1,3] 1 2 3 y=[1] 1", "x=[1] 1 y=[1,3] 1 2 3"}},
		{"a bad row that has taken much", "x:int8", 100, []string{"[1]", "[" + strings.Repeat("1,", 90) + "null]", "[2]"},
			[]string{"! JSON Value: null Type: Null is not of expected type: int8 (at index [90])", "x=[2,1] 1 2"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rows := jsonRows(t, inputsOf(tt.inputs), codec.Limits{MaxTensorBytes: tt.limit})
			if got := outcomes(t, rows, tt.records...); !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
	rows := jsonRows(t, inputsOf("x:float"), codec.Limits{MaxTensorBytes: 4})
	if err := rows.Add([]byte("[1,2]")); !errors.Is(err, infer.ErrTooLarge) {
		t.Errorf("a row over the limit: %v", err)
	}
}

// What Take has handed over stays as it is while the next batch fills.
func TestTakeHandsOver(t *testing.T) {
	for _, inputs := range []string{"x:float", "x:string", "x:int64"} {
		rows := jsonRows(t, inputsOf(inputs), codec.Limits{})
		value := map[string]string{"x:float": "[1, 2]", "x:string": `["a", "b"]`, "x:int64": "[1, 2]"}[inputs]
		other := map[string]string{"x:float": "[3, 4]", "x:string": `["c", "d"]`, "x:int64": "[3, 4]"}[inputs]
		add := func(record string, n int) {
			for range n {
				if err := rows.Add([]byte(record)); err != nil {
					t.Fatal(err)
				}
			}
		}
		take := func() *codec.Predict {
			req, err := rows.Take()
			if err != nil {
				t.Fatal(err)
			}
			return &codec.Predict{Request: req}
		}
		add(value, 9)
		first := take()
		want := described(first)
		add(other, 9)
		second := take()
		add(value, 9)
		if got := described(first); got != want {
			t.Errorf("%s: the first batch was %s and is now %s", inputs, want, got)
		}
		if third := described(take()); third != want || described(second) == want {
			t.Errorf("%s: batches %s, %s, %s", inputs, want, described(second), third)
		}
	}
}

func TestTakeOfNothing(t *testing.T) {
	csv, _, err := codec.NewCSVLayout(inputsOf("x:float"), []byte("x"), "", codec.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for _, rows := range []codec.Rows{jsonRows(t, inputsOf("x:float"), codec.Limits{}), jsonRows(t, classifier(), codec.Limits{}), csv.Rows()} {
		if req, err := rows.Take(); err == nil {
			t.Errorf("a batch without rows is %v", req)
		}
	}
}

// A million rows go through here: memory is allocated for a batch, not for a row.
func TestRowsAllocateByBatch(t *testing.T) {
	nested, flat, text := digits()
	for _, tt := range []struct {
		name string
		body []byte
		info infer.TensorInfo
		rows func(*infer.Catalog, []byte) (codec.Rows, error)
	}{
		{"nested lists of floats", nested, infer.TensorInfo{DType: infer.Float, Shape: infer.Shape{-1, 8, 8, 1}}, jsonRowsOf},
		{"lists of floats", flat, infer.TensorInfo{DType: infer.Float}, jsonRowsOf},
		{"lists of doubles", flat, infer.TensorInfo{DType: infer.Double}, jsonRowsOf},
		{"CSV", text, infer.TensorInfo{DType: infer.Float, Shape: infer.Shape{-1, 64}}, csvRowsOf},
		{"CSV of strings", text, infer.TensorInfo{DType: infer.String, Shape: infer.Shape{-1, 64}}, csvRowsOf},
	} {
		tt.info.Name = "x"
		lines := slices.Collect(bytes.Lines(tt.body))[:256]
		rows, err := tt.rows(catalogOf([]string{"y"}, tt.info), lines[0])
		if err != nil {
			t.Fatal(err)
		}
		allocations := testing.AllocsPerRun(5, func() {
			for _, line := range lines {
				if err := rows.Add(line); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := rows.Take(); err != nil {
				t.Fatal(err)
			}
		})
		if allocations > 40 {
			t.Errorf("%s: %v allocations for a batch of %d rows", tt.name, allocations, len(lines))
		}
	}
}
