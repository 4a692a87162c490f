package rows_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// written is rows as parquet-go reads them into structs.
func written[T any](t *testing.T, file string) []T {
	t.Helper()
	got, err := parquet.Read[T](bytes.NewReader([]byte(file)), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func parquetOutput(inputs, outputs []infer.TensorInfo) rows.OutputOptions {
	return rows.OutputOptions{Format: rows.Parquet, Catalog: outputCatalog(inputs, outputs), Join: inputs != nil}
}

func ptr[T any](v T) *T { return &v }

func TestParquetOutputIsOneRowForEach(t *testing.T) {
	type row struct {
		Label  *string   `parquet:"label"`
		Scores []float32 `parquet:"scores,list,optional"`
		Error  *string   `parquet:"error"`
	}
	outputs := []infer.TensorInfo{declared("label", infer.String, -1), declared("scores", infer.Float, -1, 2)}
	got, unfit, err := write(t, parquetOutput(nil, outputs),
		block(answered(words(t, "label", []int64{2}, "cat", "dög"), floats(t, "scores", []int64{2, 2}, 1, 2, 3, 4)), one(failed("no"))),
		block(answered(words(t, "label", []int64{1}, ""), floats(t, "scores", []int64{1, 2}, 5, 6))))
	if err != nil || unfit != 0 {
		t.Fatal(unfit, err)
	}
	want := []row{{ptr("cat"), []float32{1, 2}, nil}, {ptr("dög"), []float32{3, 4}, nil}, {nil, nil, ptr("no")}, {ptr(""), []float32{5, 6}, nil}}
	if rows := written[row](t, got); !reflect.DeepEqual(rows, want) {
		t.Errorf("got %+v", rows)
	}
}

// The schema is a contract with those who query the files.
func TestParquetOutputSchema(t *testing.T) {
	var outputs []infer.TensorInfo
	for i, d := range []infer.DType{infer.Bool, infer.Int8, infer.Int16, infer.Int32, infer.Int64, infer.Uint8, infer.Uint16, infer.Uint32,
		infer.Uint64, infer.Half, infer.Bfloat16, infer.Float, infer.Double, infer.String} {
		outputs = append(outputs, declared(fmt.Sprintf("%c:0", 'z'-i), d, -1))
	}
	outputs = append(outputs, declared("cube/é", infer.Float, -1, -1, 3))
	got, _, err := write(t, parquetOutput([]infer.TensorInfo{declared("error", infer.Float, -1), declared("image", infer.String, -1), declared("z:0", infer.Int32, -1, 2)}, outputs))
	if err != nil {
		t.Fatal(err)
	}
	file, err := parquet.OpenFile(strings.NewReader(got), int64(len(got)))
	if err != nil {
		t.Fatal(err)
	}
	const want = `message rows {
	optional float instance_error;
	optional binary image;
	optional group instance_z:0 (LIST) {
		repeated group list {
			required int32 element (INT(32,true));
		}
	}
	optional boolean z:0;
	optional int32 y:0 (INT(8,true));
	optional int32 x:0 (INT(16,true));
	optional int32 w:0 (INT(32,true));
	optional int64 v:0 (INT(64,true));
	optional int32 u:0 (INT(8,false));
	optional int32 t:0 (INT(16,false));
	optional int32 s:0 (INT(32,false));
	optional int64 r:0 (INT(64,false));
	optional float q:0;
	optional float p:0;
	optional float o:0;
	optional double n:0;
	optional binary m:0 (STRING);
	optional group cube/é (LIST) {
		repeated group list {
			required group element (LIST) {
				repeated group list {
					required float element;
				}
			}
		}
	}
	optional binary error (STRING);
}`
	if schema := strings.Replace(file.Schema().String(), "message  {", "message rows {", 1); schema != want {
		t.Errorf("got %s", schema)
	}
}

// What is written is what the reader, which pyarrow's files test, reads.
func TestParquetOutputOfAllTypes(t *testing.T) {
	tensor := func(d infer.DType, data string) infer.Result { return answer(t, "v", d, []int64{2}, []byte(data)) }
	for _, tt := range []struct {
		result infer.Result
		as     infer.DType
		want   []string
	}{
		{tensor(infer.Bool, "\x00\x01"), infer.Bool, []string{"false", "true"}},
		{tensor(infer.Int8, "\x80\x7f"), infer.Int8, []string{"-128", "127"}},
		{tensor(infer.Int16, "\x00\x80\xff\x7f"), infer.Int16, []string{"-32768", "32767"}},
		{tensor(infer.Int32, "\x00\x00\x00\x80\x01\x00\x00\x00"), infer.Int32, []string{"-2147483648", "1"}},
		{tensor(infer.Int64, "\x00\x00\x00\x00\x00\x00\x00\x80\x02\x00\x00\x00\x00\x00\x00\x00"), infer.Int64, []string{"-9223372036854775808", "2"}},
		{tensor(infer.Uint8, "\xff\x01"), infer.Uint8, []string{"255", "1"}},
		{tensor(infer.Uint16, "\xff\xff\x01\x00"), infer.Uint16, []string{"65535", "1"}},
		{tensor(infer.Uint32, "\xff\xff\xff\xff\x01\x00\x00\x00"), infer.Uint32, []string{"4294967295", "1"}},
		{tensor(infer.Uint64, "\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x00\x00\x00\x00\x00\x00"), infer.Uint64, []string{"18446744073709551615", "1"}},
		{tensor(infer.Half, "\x00\x3c\x00\xc0"), infer.Float, []string{"1.0", "-2.0"}},
		{tensor(infer.Bfloat16, "\x80\x3f\x00\xc0"), infer.Float, []string{"1.0", "-2.0"}},
		{tensor(infer.Double, "\x00\x00\x00\x00\x00\x00\xf8\x3f\x00\x00\x00\x00\x00\x00\xf0\x7f"), infer.Double, []string{"1.5", "Infinity"}},
		{floats(t, "v", []int64{2, 2, 1}, 1, 2, 3, 4), infer.Float, []string{"[[1.0],[2.0]]", "[[3.0],[4.0]]"}},
		{floats(t, "v", []int64{2, 0}), infer.Float, []string{"[]", "[]"}},
		{floats(t, "v", []int64{2, 2, 0, 3}), infer.Float, []string{"[[],[]]", "[[],[]]"}},
		{words(t, "v", []int64{2, 1, 2}, "a", "", "b", "c"), infer.String, []string{`[["a",""]]`, `[["b","c"]]`}},
	} {
		file, unfit, err := write(t, parquetOutput(nil, []infer.TensorInfo{declared("v", tt.result.Value.DType)}), block(answered(tt.result)))
		if err != nil || unfit != 0 {
			t.Errorf("%s: %d, %v", tt.result.Value.DType, unfit, err)
			continue
		}
		got, err := scan(t, []byte(file), parquetOptions(declared("v", tt.as)))
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%s%v: got %q, %v, want %q", tt.result.Value.DType, tt.result.Value.Shape, got, err, tt.want)
		}
	}
}

func TestParquetOutputWaitsForShapes(t *testing.T) {
	type row struct {
		Y     []float32 `parquet:"y,list,optional"`
		Error *string   `parquet:"error"`
	}
	file, unfit, err := write(t, parquetOutput(nil, []infer.TensorInfo{declared("y", infer.Float)}),
		block(one(failed("first"))), block(one(failed("second"))), block(answered(floats(t, "y", []int64{1, 2}, 1, 2))),
		block(answered(floats(t, "y", []int64{1, 3}, 3, 4, 5)), answered(floats(t, "y", []int64{1}, 6)), answered(floats(t, "y", []int64{1, 1}, 7)), one(failed("last"))))
	if err != nil || unfit != 1 {
		t.Fatal(unfit, err)
	}
	const misfit = `"y" is float in lists of depth 0 in this row, and the file has a column for "y" of float in lists of depth 1: use jsonl`
	want := []row{{nil, ptr("first")}, {nil, ptr("second")}, {[]float32{1, 2}, nil}, {[]float32{3, 4, 5}, nil}, {nil, ptr(misfit)}, {[]float32{7}, nil}, {nil, ptr("last")}}
	if got := written[row](t, file); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	file, _, err = write(t, parquetOutput(nil, []infer.TensorInfo{declared("y", infer.Float)}), block(one(failed("only"))))
	if err != nil {
		t.Fatal(err)
	}
	type scalar struct {
		Y     *float32 `parquet:"y"`
		Error *string  `parquet:"error"`
	}
	if got := written[scalar](t, file); !reflect.DeepEqual(got, []scalar{{nil, ptr("only")}}) {
		t.Errorf("got %+v", got)
	}
}

func TestParquetOutputHoldsABoundedNumberOfErrors(t *testing.T) {
	o, err := rows.NewOutput(&outputSink{}, parquetOutput(nil, []infer.TensorInfo{declared("y", infer.Float)}))
	if err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		chunk, err := o.Encode(block(slices.Repeat(one(failed(strings.Repeat("x", 1000))), 256)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.Write(chunk); errors.Is(err, rows.ErrOutput) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
	t.Error("256000 errors of a kilobyte are held")
}

func TestParquetOutputWithInstances(t *testing.T) {
	type row struct {
		X     []byte    `parquet:"x,optional"`
		Given []float32 `parquet:"instance_y,list,optional"`
		Y     *float32  `parquet:"y"`
		Error *string   `parquet:"error"`
	}
	inputs := []infer.TensorInfo{declared("x", infer.String, -1), declared("y", infer.Float, -1, -1)}
	x, y := words(t, "x", []int64{2}, "\xff\x00", "b"), floats(t, "y", []int64{2, 1}, 8, 9)
	feeds := []infer.Feed{infer.Feed(x), infer.Feed(y)}
	bad := failed("model")
	bad.Feeds, bad.Index = feeds, 1
	file, _, err := write(t, parquetOutput(inputs, []infer.TensorInfo{declared("y", infer.Float, -1)}),
		block(answeredFor(feeds, floats(t, "y", []int64{2}, 1, 2)), one(failed("row")), one(bad)))
	if err != nil {
		t.Fatal(err)
	}
	want := []row{{[]byte("\xff\x00"), []float32{8}, ptr(float32(1)), nil}, {[]byte("b"), []float32{9}, ptr(float32(2)), nil},
		{nil, nil, nil, ptr("row")}, {[]byte("b"), []float32{9}, nil, ptr("model")}}
	if got := written[row](t, file); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestParquetOutputOfBytesThatAreNoText(t *testing.T) {
	type row struct {
		S     *string `parquet:"s"`
		Error *string `parquet:"error"`
	}
	file, unfit, err := write(t, parquetOutput(nil, []infer.TensorInfo{declared("s", infer.String, -1)}),
		block(answered(words(t, "s", []int64{3}, "a", "\xff", "b"))))
	if err != nil || unfit != 1 {
		t.Fatal(unfit, err)
	}
	want := []row{{ptr("a"), nil}, {nil, ptr(`"s" is not UTF-8, for which Parquet's text has no place: use jsonl`)}, {ptr("b"), nil}}
	if got := written[row](t, file); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestParquetOutputRefusesColumnsOfOneName(t *testing.T) {
	_, err := rows.NewOutput(&outputSink{}, parquetOutput(nil, []infer.TensorInfo{declared("error", infer.Float, -1)}))
	if !errors.Is(err, rows.ErrOutput) || !strings.Contains(err.Error(), `"error"`) {
		t.Errorf("got %v", err)
	}
}

// Row groups end after 64 thousand rows, so that they can be read and cut in parts.
func TestParquetOutputHasRowGroups(t *testing.T) {
	blocks := make([]*rows.Outcome, 0, 80)
	for range 80 {
		blocks = append(blocks, block(answered(answer(t, "y", infer.Int8, []int64{1000}, bytes.Repeat([]byte{7}, 1000)))))
	}
	file, _, err := write(t, parquetOutput(nil, []infer.TensorInfo{declared("y", infer.Int8, -1)}), blocks...)
	if err != nil {
		t.Fatal(err)
	}
	f, err := parquet.OpenFile(strings.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	var got []int64
	for _, g := range f.RowGroups() {
		got = append(got, g.NumRows())
	}
	if want := []int64{66000, 14000}; !slices.Equal(got, want) {
		t.Errorf("got row groups of %v, want %v", got, want)
	}
}
