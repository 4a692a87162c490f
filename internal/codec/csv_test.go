package codec_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// table is a catalog whose inputs have types and shapes: "a:float[?,2] b:string".
// Without a shape the rank is unknown.
func table(list string) *infer.Catalog {
	var infos []infer.TensorInfo
	for _, field := range strings.Fields(list) {
		field, sizes, known := strings.Cut(strings.TrimSuffix(field, "]"), "[")
		name, dtype, _ := strings.Cut(field, ":")
		info := input(name, dtypeOf(dtype))
		if known {
			info.Shape = infer.Shape{}
		}
		for size := range strings.FieldsFuncSeq(sizes, func(r rune) bool { return r == ',' }) {
			d := int64(-1)
			if size != "?" {
				if _, err := fmt.Sscan(size, &d); err != nil {
					panic(err)
				}
			}
			info.Shape = append(info.Shape, d)
		}
		infos = append(infos, info)
	}
	return catalogOf([]string{"y"}, infos...)
}

// decodeCSV reads CSV of which the client does not say whether it has a header.
func decodeCSV(body []byte, c *infer.Catalog, l codec.Limits) (*codec.Predict, error) {
	return codec.DecodeCSV(body, "", c, l)
}

func TestDecodeCSV(t *testing.T) {
	for _, tt := range []struct {
		name, inputs, body, want string
	}{
		{"one column is a value a row", "x:float", "1\n2.5\n-3e2\n", "row x=[3] 1 2.5 -300"},
		{"so it is where the signature says", "x:float[?]", "1\n2\n", "row x=[2] 1 2"},
		{"and for a scalar", "x:float[]", "1\n", "row x=[1] 1"},
		{"a column for a list of one", "x:float[?,1]", "1\n2\n", "row x=[2,1] 1 2"},
		{"columns of unknown rank", "x:float", "1,2,3\n4,5,6\n", "row x=[2,3] 1 2 3 4 5 6"},
		{"columns of a known shape", "x:float[?,2,2]", "1,2,3,4\n", "row x=[1,2,2] 1 2 3 4"},
		{"one unknown dimension follows", "x:float[?,?,2]", "1,2,3,4\n", "row x=[1,2,2] 1 2 3 4"},
		{"no line feed at the end", "x:float", "1,2\n3,4", "row x=[2,2] 1 2 3 4"},
		{"CRLF, blank lines, a byte order mark", "x:float", "\xEF\xBB\xBF\r\n1,2\r\n\r\n\n3,4\r\n\r\n", "row x=[2,2] 1 2 3 4"},
		{"a header", "x:float", "x\n1\n2\n", "row x=[2] 1 2"},
		{"a header of elements", "x:float[?,2]", "x_0,x_1\n1,2\n", "row x=[1,2] 1 2"},
		{"a header of one element", "x:float", "x_0\n1\n", "row x=[1,1] 1"},
		{"a header of elements in any order", "x:float", "x_2,x_0,x_1\n3,1,2\n6,4,5\n", "row x=[2,3] 1 2 3 4 5 6"},
		{"spaces and quotation marks in the header", "x:float", `"x_0", x_1` + "\n1,2\n", "row x=[1,2] 1 2"},
		{"several inputs", "age:int64 name:string[?] xy:float[?,2]", "name,age,xy_1,xy_0\n\"Doe, \"\"J\"\"\",41,2,1\nB,7,4,3\n",
			`row age=[2] 41 7 name=[2] "Doe, \"J\"" "B" xy=[2,2] 1 2 3 4`},
		{"several inputs in order", "a:int8 b:int8", "a,b\n1,2\n3,4\n", "row a=[2] 1 3 b=[2] 2 4"},
		{"a name goes before an element", "x:float x_0:int8", "x,x_0\n1.5,2\n", "row x=[1] 1.5 x_0=[1] 2"},
		{"an input named like an element's place", "x_:int8", "x__0,x__1\n1,2\n", "row x_=[1,2] 1 2"},
		{"numbers as others write them", "x:double", "nan,NaN,-inf,Inf,Infinity,+1.5, 2\t,-INFINITY,1E5,+inf\n",
			"row x=[1,10] NaN NaN -Inf +Inf +Inf 1.5 2 -Inf 100000 +Inf"},
		{"so for floats", "x:float", "nan,-NaN,\"3\",+1.5, 2\t,-INFINITY,1E5\n", "row x=[1,7] NaN NaN 3 1.5 2 -Inf 100000"},
		{"halves", "x:half", "1,65520\n", "row x=[1,2] 0x3c00 0x7c00"},
		{"bfloat16", "x:bfloat16", "1,-2\n", "row x=[1,2] 0x3f80 0xc000"},
		{"floats beyond their range, as in JSON", "x:float", "1e300,-1e-300\n", "row x=[1,2] +Inf -0"},
		{"integers", "x:int8", "-128, 127 ,+5,-0,\"7\"\n", "row x=[1,5] -128 127 5 0 7"},
		{"large integers", "x:uint64", "18446744073709551615\n", "row x=[1] 18446744073709551615"},
		{"small integers", "x:int64", "-9223372036854775808\n", "row x=[1] -9223372036854775808"},
		{"bools", "x:bool", "true,False,TRUE,1, 0\n", "row x=[1,5] true false true true false"},
		{"strings are fields as they are", "x:string", " a ,\"b\nc\",\"\",,\"\"\"\"\n", `row x=[1,5] " a " "b\nc" "" "" "\""`},
		{"strings of any bytes", "x:string[?]", "\xff\x00\n", `row x=[1] "\xff\x00"`},
		{"a line of nothing but a comma", "x:string", ",\n", `row x=[1,2] "" ""`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := decodeCSV([]byte(tt.body), table(tt.inputs), codec.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if got := described(p); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestDecodeCSVRefuses(t *testing.T) {
	const hint = "; a header would begin with the name of an input (x)"
	for _, tt := range []struct {
		name, inputs, body, want string
	}{
		{"nothing", "x:float", "", "CSV: the body is empty"},
		{"blank lines", "x:float", "\n\r\n\n", "CSV: the body is empty"},
		{"a header alone", "x:float", "x\n\n", "CSV: no row follows the header"},
		{"a word", "x:float", "1,2\n3,four\n", `CSV line 2, column 2: "four" is not of type float`},
		{"an unknown header", "x:float", "a,b\n1,2\n", `CSV line 1, column 1: "a" is not of type float` + hint},
		{"an empty field", "x:float", "1,\n", "CSV line 1, column 2: an empty field is not of type float: a missing value is nan" + hint},
		{"the index of a data frame", "x:float[?,2]", ",x_0,x_1\n0,1,2\n", `CSV header: column 1, "", names no input (x)`},
		{"semicolons", "x:float[?,2]", "1;2\n", `CSV: 1 columns, but a row of input "x" of shape [?,2] has 2; columns are separated by commas`},
		{"a space for a field", "x:int8", "1\n \n", "CSV line 2, column 1: an empty field is not of type int8"},
		{"too few columns", "x:float", "1,2,3\n\n4,5\n", "CSV line 3: 2 columns, but the first line has 3"},
		{"too few, read element by element", "x:int8", "1,2,3\n4,5\n", "CSV line 2: 2 columns, but the first line has 3"},
		{"too many columns", "x:float", "1,2\n3,4,5,6\n", "CSV line 2: 4 columns, but the first line has 2"},
		{"too few for a header", "a:float b:float", "b,a\n1\n", "CSV line 2: 1 columns, but the first line has 2"},
		{"too many for a header", "a:float b:float", "b,a\n1,2,3\n", "CSV line 2: 3 columns, but the first line has 2"},
		{"another shape", "x:float[?,2,2]", "1,2,3\n", "CSV: 3 columns, but a row of input \"x\" of shape [?,2,2] has 4"},
		{"another multiple", "x:float[?,?,2]", "1,2,3\n", "CSV: 3 columns, but a row of input \"x\" of shape [?,?,2] has a multiple of 2"},
		{"columns for a value", "x:float[?]", "1,2\n", "CSV: 2 columns, but a row of input \"x\" of shape [?] has 1"},
		{"columns for a scalar", "x:float[]", "1,2\n", `CSV: 2 columns for input "x", which is a scalar`},
		{"two unknown dimensions", "x:float[?,?,?]", "1,2\n", `CSV does not say the shape of input "x", which is [?,?,?] in the signature: send JSON`},
		{"an unknown dimension of lists of none", "x:float[?,?,0]", "1,2\n", "CSV: 2 columns, but a row of input \"x\" of shape [?,?,0] has a multiple of 0"},
		{"a shape that cannot be counted", "x:float[?,4294967296,4294967296]", "1,2\n", `CSV: input "x" cannot have shape [?,4294967296,4294967296]`},
		{"no header for several inputs", "a:float b:float", "1,2\n",
			`CSV without a header is for signatures with one input, but signature "serving_default" has 2 (a, b): send JSON, or a header that begins with the name of an input, not with "1"`},
		{"an unknown name", "a:float b:float", "a,c\n1,2\n", `CSV header: column 2, "c", names no input (a, b)`},
		{"an input is missing", "a:float b:float", "a\n1\n", `CSV header: the input "b" is missing: name it, or its elements as b_0, b_1 and so on`},
		{"an element is missing", "x:float", "x_0,x_2\n1,2\n", "CSV header: the column x_1 is missing"},
		{"the first element is missing", "x:float", "x_1\n1\n", "CSV header: the column x_0 is missing"},
		{"an element twice", "x:float", "x_0,x_1,x_0\n1,2,3\n", "CSV header: columns 1 and 3 have the same name"},
		{"a name twice", "x:float", "x,x\n1,2\n", "CSV header: columns 1 and 2 have the same name"},
		{"as a whole and by elements", "x:float", "x,x_0\n1,2\n", `CSV header: the input "x" is named as a whole and by its elements`},
		{"an element with leading zeros", "x:float", "x_0,x_01\n1,2\n", `CSV header: column 2, "x_01", names no input (x)`},
		{"a fraction for an integer", "x:int8", "1\n1.0\n", `CSV line 2, column 1: "1.0" is not of type int8`},
		{"an integer out of range", "x:int8", "1\n-129\n", `CSV line 2, column 1: "-129" is out of the range of int8, -128 to 127`},
		{"a negative unsigned integer", "x:uint8", "1\n-1\n", `CSV line 2, column 1: "-1" is out of the range of uint8, 0 to 255`},
		{"an integer of 40 digits", "x:int64", "1\n" + strings.Repeat("9", 40) + "\n",
			`CSV line 2, column 1: "` + strings.Repeat("9", 40) + `" is out of the range of int64, -9223372036854775808 to 9223372036854775807`},
		{"an integer with leading zeros", "x:int8", "1\n007\n", `CSV line 2, column 1: "007" is not of type int8: it begins with 0`},
		{"a float with leading zeros", "x:float", "1\n007\n", `CSV line 2, column 1: "007" is not of type float`},
		{"hexadecimal", "x:float", "1\n0x10\n", `CSV line 2, column 1: "0x10" is not of type float`},
		{"two signs", "x:float", "1\n+-1\n", `CSV line 2, column 1: "+-1" is not of type float`},
		{"a sign alone", "x:float", "1\n-\n", `CSV line 2, column 1: "-" is not of type float`},
		{"a plus alone", "x:int8", "1\n+\n", `CSV line 2, column 1: "+" is not of type int8`},
		{"a point without digits", "x:float", "1\n1.\n", `CSV line 2, column 1: "1." is not of type float`},
		{"two numbers in a field", "x:float", "1\n1 2\n", `CSV line 2, column 1: "1 2" is not of type float`},
		{"beyond a double", "x:float", "1\n1e400\n", `CSV line 2, column 1: "1e400" is out of the range of a double`},
		{"no bool", "x:bool", "1\nyes\n", `CSV line 2, column 1: "yes" is not of type bool: true, false, 1 or 0`},
		{"a mark inside a field", "x:string", "a,b\n\n" + `c,d"e` + "\n", `CSV line 3, column 2: a quotation mark in a field that does not begin with one`},
		{"text behind a mark", "x:string", `a,"b"c` + "\n", `CSV line 1, column 2: a field in quotation marks is not followed by a comma`},
		{"a field without end", "x:string", "a,b\n\"c\nd,e\nf", `CSV line 2, column 1: a field in quotation marks does not end`},
		{"the line of a record behind one of two lines", "x:string", "a,\"b\nc\"\nd\n", "CSV line 3: 1 columns, but the first line has 2"},
		{"no CSV form", "x:complex64", "1\n", `input "x" of type complex64 cannot be given as CSV`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := decodeCSV([]byte(tt.body), table(tt.inputs), codec.Limits{})
			if _, public := errors.AsType[*infer.Error](err); !public || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

// What the client says of the first line goes before what it looks like.
func TestDecodeCSVHeaderParameter(t *testing.T) {
	for _, tt := range []struct{ inputs, header, body, want string }{
		{"x:string[?]", "present", "x\na\n", `row x=[1] "a"`},
		{"x:string[?]", "present", "text\na\n", `CSV header: column 1, "text", names no input (x)`},
		{"x:float[?,2]", "present", "0,1\n2,3\n", `CSV header: column 1, "0", names no input (x)`},
		{"x:string[?]", "absent", "x\na\n", `row x=[2] "x" "a"`},
		{"x:float[?,2]", "absent", "x_0,x_1\n2,3\n", `CSV line 1, column 1: "x_0" is not of type float; a header would begin with the name of an input (x)`},
		{"x:float[?,2]", "absent", "id,x_0,x_1\n", `CSV: 3 columns, but a row of input "x" of shape [?,2] has 2`},
		{"x:string[?]", "maybe", "x\na\n", `row x=[1] "a"`},
	} {
		p, err := codec.DecodeCSV([]byte(tt.body), tt.header, table(tt.inputs), codec.Limits{})
		got := fmt.Sprint(err)
		if err == nil {
			got = described(p)
		}
		if got != tt.want {
			t.Errorf("header=%s %q:\ngot  %s\nwant %s", tt.header, tt.body, got, tt.want)
		}
	}
}

func TestDecodeCSVNamesOfFrozenGraphs(t *testing.T) {
	catalog := table("x:float")
	catalog.ByTensor = true
	p, err := decodeCSV([]byte("x_op_1,x_op_0\n2,1\n"), catalog, codec.Limits{})
	if err != nil || described(p) != "row x=[1,2] 1 2" {
		t.Errorf("got %v, %v", p, err)
	}
	// A graph's other tensors are no columns: a field would mean one by chance.
	catalog = table("x:string")
	catalog.Tensor = func(name string) (infer.TensorInfo, bool) { return infer.TensorInfo{Tensor: name + ":0"}, true }
	if p, err = decodeCSV([]byte("word,other\n"), catalog, codec.Limits{}); err != nil || described(p) != `row x=[1,2] "word" "other"` {
		t.Errorf("got %v, %v", p, err)
	}
}

func TestRowsLimits(t *testing.T) {
	type decode = func([]byte, *infer.Catalog, codec.Limits) (*codec.Predict, error)
	for _, tt := range []struct {
		name, inputs, body string
		decode             decode
		need               int64
	}{
		{"CSV", "x:float", "1,2\n3,4\n", decodeCSV, 16},
		{"CSV, element by element", "x:int64", "1,2\n3,4\n", decodeCSV, 32},
		{"CSV of strings", "x:string", "ab,c\n", decodeCSV, 2*32 + 3},
		{"CSV of several inputs", "x:float y:int64", "y,x\n1,2\n3,4\n", decodeCSV, 24},
		{"lines", "x:float", "[1,2]\n[3,4]\n", codec.DecodeJSONLines, 16},
		{"lines of integers", "x:int64", "[1,2]\n[3,4]\n", codec.DecodeJSONLines, 32},
		{"lines of strings", "x:string", `["ab","c"]`, codec.DecodeJSONLines, 2*32 + 3},
		{"lines of objects", "x:float y:int64", "{\"x\":1,\"y\":2}\n{\"x\":1,\"y\":2}", codec.DecodeJSONLines, 24},
	} {
		if _, err := tt.decode([]byte(tt.body), table(tt.inputs), codec.Limits{MaxTensorBytes: tt.need}); err != nil {
			t.Errorf("%s at the limit: %v", tt.name, err)
		}
		_, err := tt.decode([]byte(tt.body), table(tt.inputs), codec.Limits{MaxTensorBytes: tt.need - 1})
		if !errors.Is(err, infer.ErrTooLarge) || !strings.Contains(err.Error(), "MAX_TENSOR_BYTES") {
			t.Errorf("%s over the limit: %v", tt.name, err)
		}
	}
}

// FuzzDecodeCSV: fields come out as encoding/csv reads them, and numbers in a
// header's order as they do in their own.
func FuzzDecodeCSV(f *testing.F) {
	for _, s := range []string{
		"a,b\nc,d\n", "\"a\"\"b\",c\r\n\"d\ne\",f", "a\r", "\r\n\r\na,\"\"\n", "\"a\r\nb\"\n", "a\"b", "\"a\"b", "\"", "1,2\n3\n",
		",\n,\n", "1e5,nan\n+inf, 7\n", "\xEF\xBB\xBF1\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, inputs := range []string{"x:float", "x:int64[?,2]", "x:bool[?,?]", "x:half b:string"} {
			p, err := decodeCSV(body, table(inputs), codec.Limits{MaxTensorBytes: fuzzLimit})
			checkPlain(t, p, err)
		}
		// A name that no field has by chance, so that there is no header.
		p, err := decodeCSV(body, table("a-name-that-no-field-has:string"), codec.Limits{MaxTensorBytes: 64 * fuzzLimit})
		r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(body, []byte("\xEF\xBB\xBF"))))
		var want []string
		var wantErr error
		for {
			record, err := r.Read()
			if err == io.EOF {
				break
			}
			if err != nil {
				wantErr = err
				break
			}
			want = append(want, record...)
		}
		if len(want) == 0 && wantErr == nil {
			wantErr = io.EOF
		}
		if (err != nil) != (wantErr != nil) {
			t.Fatalf("got %v, encoding/csv says %v", err, wantErr)
		}
		if err != nil {
			return
		}
		var got []string
		for i := range p.Feeds[0].Value.Len() {
			// encoding/csv also makes \n of \r\n inside a field.
			got = append(got, strings.ReplaceAll(string(p.Feeds[0].Value.Element(i)), "\r\n", "\n"))
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got  %q\nwant %q", got, want)
		}
	})
}
