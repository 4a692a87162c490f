package rows_test

import (
	"encoding/csv"
	"errors"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

func TestOutputOfCSV(t *testing.T) {
	vector := []infer.TensorInfo{declared("y", infer.Float, -1, 2)}
	unknown := []infer.TensorInfo{declared("y", infer.Float)}
	two := []infer.TensorInfo{declared("label", infer.String, -1), declared("y", infer.Float, -1, 1, 2)}
	for _, tt := range []struct {
		name    string
		outputs []infer.TensorInfo
		blocks  []*rows.Outcome
		want    string
		unfit   int
	}{
		{"scalars", []infer.TensorInfo{declared("y", infer.Float, -1)}, []*rows.Outcome{block(answered(floats(t, "y", []int64{2}, 2.5, 3)))},
			"y,error\n2.5,\n3.0,\n", 0},
		{"lists, of strings too", two, []*rows.Outcome{block(answered(words(t, "label", []int64{3}, "a,\"b\"", "", "\xff"), floats(t, "y", []int64{3, 1, 2}, 1, 2, 3, 4, 5, 6)))},
			"label,y_0,y_1,error\n\"a,\"\"b\"\"\",1.0,2.0,\n\"\",3.0,4.0,\n/w==,5.0,6.0,\n", 0},
		{"errors at their place, quoted", vector, []*rows.Outcome{block(one(failed("a, b")), answered(floats(t, "y", []int64{1, 2}, 1, 2)), one(failed("c")))},
			"y_0,y_1,error\n,,\"a, b\"\n1.0,2.0,\n,,c\n", 0},
		{"columns from the first answer", unknown, []*rows.Outcome{
			block(one(failed("a"))), block(one(failed("b")), answered(floats(t, "y", []int64{1, 3}, 1, 2, 3))), block(one(failed("c")))},
			"y_0,y_1,y_2,error\n,,,a\n,,,b\n1.0,2.0,3.0,\n,,,c\n", 0},
		{"an answer that does not fit", unknown, []*rows.Outcome{
			block(answered(floats(t, "y", []int64{1, 1}, 1)), answered(floats(t, "y", []int64{2, 2}, 2, 3, 4, 5)), answered(floats(t, "y", []int64{1, 1, 1}, 6)))},
			"y_0,error\n1.0,\n" + strings.Repeat(",\"\"\"y\"\" has 2 values in this row, and the file has columns for 1 of \"\"y\"\": use jsonl\"\n", 2) + "6.0,\n", 2},
		{"a type that has no text", vector, []*rows.Outcome{block(answered(answer(t, "y", infer.Qint8, []int64{1, 2}, []byte{1, 2})))},
			"y_0,y_1,error\n,,\"output \"\"y\"\" of type qint8 cannot be written as text\"\n", 1},
		{"only errors", []infer.TensorInfo{declared("y", infer.Float, -1, -1), declared("z", infer.Float)}, []*rows.Outcome{block(one(failed("a")), one(failed("b")))},
			"y,z,error\n,,a\n,,b\n", 0},
		{"no rows", vector, nil, "y_0,y_1,error\n", 0},
		{"no rows, unknown shape", unknown, nil, "y,error\n", 0},
	} {
		got, unfit, err := write(t, rows.OutputOptions{Format: rows.CSV, Catalog: outputCatalog(nil, tt.outputs)}, tt.blocks...)
		if got != tt.want || unfit != tt.unfit || err != nil {
			t.Errorf("%s: got %d unfit, %v\n%s\nwant %d\n%s", tt.name, unfit, err, got, tt.unfit, tt.want)
		}
		checkCSV(t, tt.name, got)
	}
}

// checkCSV checks that the standard library reads text, each line with the same number
// of fields.
func checkCSV(t *testing.T, name, text string) {
	t.Helper()
	records, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if lines := strings.Count(text, "\n"); err != nil || len(records) != lines {
		t.Errorf("%s: %d records of %d lines, %v", name, len(records), lines, err)
	}
}

func TestOutputOfCSVWithColumnsOfTheInput(t *testing.T) {
	read := func(parts ...[]rows.Row) *rows.Outcome {
		b := block(parts...)
		b.Columns = []string{"id", "y", "error", "instance_y"}
		b.Fields = func(dst []byte, record int) []byte { return append(dst, "\"=1+1\","+"ABC"[record:record+1]+",,é,"...) }
		return b
	}
	outputs := []infer.TensorInfo{declared("y", infer.Float, -1)}
	got, unfit, err := write(t, rows.OutputOptions{Format: rows.CSV, Catalog: outputCatalog(nil, outputs), Join: true},
		read(one(failed("bad"))), read(answered(floats(t, "y", []int64{2}, 1, 2)), answered(floats(t, "y", []int64{1, 2}, 3, 4))))
	want := "id,instance_y,instance_error,instance_instance_y,y,error\n" +
		"\"=1+1\",A,,é,,bad\n\"=1+1\",A,,é,1.0,\n\"=1+1\",B,,é,2.0,\n" +
		"\"=1+1\",C,,é,,\"\"\"y\"\" has 2 values in this row, and the file has columns for 1 of \"\"y\"\": use jsonl\"\n"
	if got != want || unfit != 1 || err != nil {
		t.Errorf("got %d, %v\n%s\nwant 1\n%s", unfit, err, got, want)
	}
	checkCSV(t, "joined", got)
}

func TestOutputOfCSVWithFeeds(t *testing.T) {
	feeds := func(values ...infer.Result) (feeds []infer.Feed) {
		for _, v := range values {
			feeds = append(feeds, infer.Feed(v))
		}
		return feeds
	}
	inputs := []infer.TensorInfo{declared("x", infer.Float), declared("y", infer.String, -1)}
	outputs := []infer.TensorInfo{declared("y", infer.Float, -1)}
	pair := feeds(floats(t, "x", []int64{2, 2}, 1, 2, 3, 4), words(t, "y", []int64{2}, "a", "b,"))
	triple := feeds(floats(t, "x", []int64{1, 3}, 5, 6, 7), words(t, "y", []int64{1}, "c"))
	refused := failed("model")
	refused.Feeds, refused.Index = pair, 1
	unfit := failed("also unfit")
	unfit.Feeds = triple
	for _, tt := range []struct {
		name   string
		blocks []*rows.Outcome
		want   string
		unfit  int
	}{
		{"unread, answered, refused", []*rows.Outcome{block(one(failed("unread"))), block(answeredFor(pair, floats(t, "y", []int64{2}, 8, 9)), one(refused))},
			"x_0,x_1,instance_y,y,error\n,,,,unread\n1.0,2.0,a,8.0,\n3.0,4.0,\"b,\",9.0,\n3.0,4.0,\"b,\",,model\n", 0},
		{"feeds that do not fit", []*rows.Outcome{block(one(refused), answeredFor(triple, floats(t, "y", []int64{1}, 8)), one(unfit))},
			"x_0,x_1,instance_y,y,error\n3.0,4.0,\"b,\",,model\n,,,,\"\"\"x\"\" has 3 values in this row, and the file has columns for 2 of \"\"x\"\": use jsonl\"\n,,,,also unfit\n", 1},
		{"nothing read", []*rows.Outcome{block(one(failed("unread")))}, "x,instance_y,y,error\n,,,unread\n", 0},
	} {
		got, unfit, err := write(t, rows.OutputOptions{Format: rows.CSV, Catalog: outputCatalog(inputs, outputs), Join: true}, tt.blocks...)
		if got != tt.want || unfit != tt.unfit || err != nil {
			t.Errorf("%s: got %d, %v\n%s\nwant %d\n%s", tt.name, unfit, err, got, tt.unfit, tt.want)
		}
		checkCSV(t, tt.name, got)
	}
}

// Rows before the columns are known must not fill the memory.
func TestOutputOfCSVHoldsLittle(t *testing.T) {
	output, err := rows.NewOutput(&outputSink{}, rows.OutputOptions{Format: rows.CSV, Catalog: outputCatalog(nil, []infer.TensorInfo{declared("y", infer.Float)})})
	if err != nil {
		t.Fatal(err)
	}
	many := make([]rows.Row, 256)
	for i := range many {
		many[i] = failed(strings.Repeat("x", 1024))
	}
	for n := range 1000 {
		chunk, err := output.Encode(block(many))
		if err != nil {
			t.Fatal(err)
		}
		if _, err = output.Write(chunk); errors.Is(err, rows.ErrOutput) {
			if n < 30 {
				t.Errorf("only %d blocks of 256 KiB were held", n)
			}
			return
		}
	}
	t.Error("250 MB were held")
}

// A row of a few bytes stands in as many columns as an answer would.
func TestOutputOfCSVWithManyEmptyFields(t *testing.T) {
	const columns = 1 << 18
	outputs := []infer.TensorInfo{declared("y", infer.Float, -1, columns)}
	many := make([]rows.Row, 9)
	for i := range many {
		many[i] = failed("bad")
	}
	got, _, err := write(t, rows.OutputOptions{Format: rows.CSV, Catalog: outputCatalog(nil, outputs)}, block(many))
	_, got, _ = strings.Cut(got, "\n")
	if want := strings.Repeat(strings.Repeat(",", columns)+"bad\n", len(many)); got != want || err != nil {
		t.Errorf("got %d bytes behind the header, %v, want %d", len(got), err, len(want))
	}
}
