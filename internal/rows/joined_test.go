package rows_test

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// joined reads a file and writes it again with an answer y of 0.5 for each row.
func joined(t *testing.T, data []byte, o rows.Options, format rows.Format) string {
	t.Helper()
	o.Join = true
	r, err := rows.Open(t.Context(), sourceOf(data, 1<<20), o)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var blocks []*rows.Outcome
	for {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		d, err := r.Decoder().Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		out := &rows.Outcome{Decoded: d, Rows: make([]rows.Row, d.N)}
		for _, f := range d.Faults {
			out.Rows[f.Record] = rows.Row{Err: infer.Errorf(infer.ErrInvalidArgument, "bad"), Feeds: f.Feeds}
		}
		for _, g := range d.Groups {
			answers := make([]float64, len(g.Records))
			for i := range answers {
				answers[i] = 0.5
			}
			y := floats(t, "y", []int64{int64(len(answers))}, answers...)
			for i, record := range g.Records {
				out.Rows[record] = rows.Row{Results: []infer.Result{y}, Feeds: g.Feeds, Index: i}
			}
		}
		blocks = append(blocks, out)
	}
	text, unfit, err := write(t, rows.OutputOptions{Format: format, Catalog: o.Catalog, Join: true, Joined: rows.JoinedOf(r)}, blocks...)
	if err != nil || unfit > 0 {
		t.Fatal(unfit, err)
	}
	return text
}

// What is known of a row goes on with it, also where an input is missing: there it is
// wanted most.
func TestJoinedFurtherColumns(t *testing.T) {
	parquetHouse := house(rows.Parquet)
	for _, tt := range []struct {
		name   string
		data   []byte
		o      rows.Options
		format rows.Format
		want   []string
	}{
		{"CSV to CSV", []byte("id,rooms,name,sqft\n7,3,\"a, b\",40\n8,4,c,no\n9\n"), house(rows.CSV), rows.CSV, []string{
			"id,rooms,name,sqft,y,error", "7,3,\"a, b\",40,0.5,", "8,4,c,no,,bad", "9,,,,,bad"}},
		{"CSV with an index to CSV", []byte(",rooms,sqft,y\n0,3,4,5\n"), house(rows.CSV), rows.CSV, []string{`"",rooms,sqft,instance_y,y,error`, "0,3,4,5,0.5,"}},
		{"CSV to JSON lines", []byte("id,rooms,sqft\n7,3,40\nu,4,no\n"), house(rows.CSV), rows.JSONLines, []string{
			`{"instance":{"id":7,"rooms":3,"sqft":40},"prediction":0.5}`, `{"instance":{"id":"u","rooms":4,"sqft":"no"},"error":"bad"}`}},
		{"JSON lines to JSON lines", []byte(`{"id":7,"rooms":3,"sqft":[40]}` + "\n" + `{"id":8,"rooms":null,"sqft":1}`), house(rows.JSONLines), rows.JSONLines, []string{
			`{"instance":{"id":7,"rooms":3,"sqft":[40]},"prediction":0.5}`, `{"instance":{"id":8,"rooms":null,"sqft":1},"error":"bad"}`}},
		{"JSON lines to CSV", []byte(`{"rooms":3,"sqft":null}` + "\n" + `{"rooms":4,"sqft":5}` + "\n" + `{"sqft":6}` + "\nnothing\n" + `{"rooms":["1"],"sqft":7,"rooms":2}`),
			house(rows.JSONLines), rows.CSV, []string{"rooms_0,sqft_0,y,error", "3.0,,,bad", "4.0,5.0,0.5,", ",6.0,,bad", ",,,bad", ",7.0,,bad"}},
		{"JSON lines with further keys to CSV", []byte(`{"id":7,"rooms":3,"tags":[1],"sqft":4,"name":"a \"b\"","ok":true,"none":null}` + "\n" +
			`{"sqft":null,"rooms":5,"id":"8","more":1,"none":{"x":1}}` + "\n" + `{"id":9` + "\n[1]\n"), house(rows.JSONLines), rows.CSV, []string{
			"rooms_0,sqft_0,id,name,ok,none,y,error", `3.0,4.0,7,"a ""b""",true,,0.5,`, `5.0,,8,,,"{""x"":1}",,bad`, ",,,,,,,bad", ",,,,,,,bad"}},
		{"a list of objects to CSV", []byte(`[{"rooms":3,"y":1.50,"sqft":4},{"rooms":3,"sqft":4}]`), house(rows.JSON), rows.CSV, []string{
			"rooms_0,sqft_0,instance_y,y,error", "3.0,4.0,1.50,0.5,", "3.0,4.0,,0.5,"}},
		{"no objects to CSV", []byte("[[1],[2]]"), inputsOf(rows.JSON, declared("x", infer.Float, -1, 1)), rows.CSV, []string{"x_0,y,error", "1.0,0.5,", "2.0,0.5,"}},
		{"Parquet to CSV", parquetFile(t, "house"), parquetHouse, rows.CSV, []string{
			"rooms_0,sqft_0,id,name,instance_error,at,day,price,raw,u,h,y,error",
			`3.0,40.5,7,a,true,2026-11-23T12:30:01.25Z,2026-11-23,1.25,/wA=,255,1.5,0.5,`,
			`4.0,,8,,false,,2026-11-23,-0.05,ok,1,0,,bad`,
			`,60.0,9,"é, ""x""",,2026-11-23T12:30:01.25Z,2026-11-23,,,0,-2,,bad`}},
		{"Parquet to JSON lines", parquetFile(t, "house"), parquetHouse, rows.JSONLines, []string{
			`{"instance":{"rooms":[3.0],"sqft":[40.5],"id":7,"name":"a","error":true,"at":"2026-11-23T12:30:01.25Z","day":"2026-11-23","price":1.25,"raw":{"b64":"/wA="},"u":255,"h":1.5},"prediction":0.5}`,
			`{"instance":{"rooms":[4.0],"sqft":null,"id":8,"name":null,"error":false,"at":null,"day":"2026-11-23","price":-0.05,"raw":"ok","u":1,"h":0},"error":"bad"}`,
			`{"instance":{"rooms":null,"sqft":[60.0],"id":9,"name":"é, \"x\"","error":null,"at":"2026-11-23T12:30:01.25Z","day":"2026-11-23","price":null,"raw":null,"u":0,"h":-2},"error":"bad"}`}},
	} {
		for _, n := range []int{1, 256} {
			tt.o.Limits.BlockRows = n
			if got := joined(t, tt.data, tt.o, tt.format); got != strings.Join(tt.want, "\n")+"\n" {
				t.Errorf("%s, by %d:\ngot  %s\nwant %s", tt.name, n, got, strings.Join(tt.want, "\n"))
			}
		}
	}
}

// Parquet goes into Parquet as it is, with its types.
func TestJoinedParquetInParquet(t *testing.T) {
	type row struct {
		Rooms []float32 `parquet:"rooms,list,optional"`
		Sqft  []float32 `parquet:"sqft,list,optional"`
		ID    *int64    `parquet:"id"`
		Name  *string   `parquet:"name"`
		Flag  *bool     `parquet:"instance_error"`
		At    *int64    `parquet:"at"`
		Raw   *[]byte   `parquet:"raw"`
		Y     *float32  `parquet:"y"`
		Error *string   `parquet:"error"`
	}
	at := time.Date(2026, 11, 23, 12, 30, 1, 250e6, time.UTC).UnixMicro()
	want := []row{
		{[]float32{3}, []float32{40.5}, ptr(int64(7)), ptr("a"), ptr(true), &at, ptr([]byte("\xff\x00")), ptr(float32(0.5)), nil},
		{[]float32{4}, nil, ptr(int64(8)), nil, ptr(false), nil, ptr([]byte("ok")), nil, ptr("bad")},
		{nil, []float32{60}, ptr(int64(9)), ptr("é, \"x\""), nil, &at, nil, nil, ptr("bad")},
	}
	got := joined(t, parquetFile(t, "house"), house(rows.Parquet), rows.Parquet)
	if rows := written[row](t, got); !reflect.DeepEqual(rows, want) {
		t.Errorf("got %+v", rows)
	}
	file, err := parquet.OpenFile(strings.NewReader(got), int64(len(got)))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"optional int64 id (INT(64,true));", "optional binary name (STRING);", "optional boolean instance_error;", "optional int64 at (TIMESTAMP(isAdjustedToUTC=true,unit=MICROS));",
		"optional int32 day (DATE);", "price (DECIMAL(9,2));", "optional binary raw;", "optional int32 u (INT(8,false));", "optional float h;",
	} {
		if !strings.Contains(file.Schema().String(), line) {
			t.Errorf("no %q in %s", line, file.Schema())
		}
	}
}

// Strings stay strings where the input's own types say that they are: CSV and Parquet's
// text, but not bytes of JSON or of Parquet.
func TestJoinedStringsInParquet(t *testing.T) {
	s := declared("s", infer.String, -1)
	for _, tt := range []struct {
		name string
		data string
		f    rows.Format
		text bool
		want string
	}{
		{"CSV", "s,id\nde,1\n", rows.CSV, true, "de"},
		{"CSV that is not UTF-8", "s\n\xe9t\xe9\n", rows.CSV, true, "\uFFFDt\uFFFD"},
		{"JSON lines", "{\"s\":{\"b64\":\"/wA=\"}}\n", rows.JSONLines, false, "\xff\x00"},
		{"Parquet", string(parquetFile(t, "strings")), rows.Parquet, true, "same"},
	} {
		type row struct {
			S *string `parquet:"s"`
		}
		got := joined(t, []byte(tt.data), inputsOf(tt.f, s), rows.Parquet)
		file, err := parquet.OpenFile(strings.NewReader(got), int64(len(got)))
		if err != nil {
			t.Fatal(err)
		}
		if text := strings.Contains(file.Schema().String(), "binary s (STRING)"); text != tt.text {
			t.Errorf("%s: text %v, want %v: %s", tt.name, text, tt.text, file.Schema())
		}
		if rows := written[row](t, got); *rows[0].S != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, *rows[0].S, tt.want)
		}
	}
}

// Parts have the keys of the object's first row, lest each has other columns.
func TestJoinedKeysOfAPart(t *testing.T) {
	const text = `{"rooms":1,"sqft":2,"id":3}` + "\n" + `{"rooms":4,"sqft":5,"other":6}` + "\n"
	o := house(rows.JSONLines)
	o.Part = rows.Part{From: rows.Position{Offset: int64(strings.Index(text, "\n") + 1)}}
	if got, want := joined(t, []byte(text), o, rows.CSV), "rooms_0,sqft_0,id,y,error\n4.0,5.0,,0.5,\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The further columns of a CSV are text in Parquet, whatever they look like.
func TestJoinedCSVInParquet(t *testing.T) {
	type row struct {
		Rooms []float32 `parquet:"rooms,list,optional"`
		Index *string   `parquet:"column_0"`
		ID    *string   `parquet:"id"`
		Error *string   `parquet:"error"`
	}
	got := joined(t, []byte(",rooms,sqft,id\n0,3,40,\n1,4,no,\"b\"\"c\"\n2\n"), house(rows.CSV), rows.Parquet)
	want := []row{{[]float32{3}, ptr("0"), ptr(""), nil}, {[]float32{4}, ptr("1"), ptr(`b"c`), ptr("bad")}, {nil, ptr("2"), nil, ptr("bad")}}
	if rows := written[row](t, got); !reflect.DeepEqual(rows, want) {
		t.Errorf("got %+v", rows)
	}
}

// Each column of Parquet has buffers: a file of a few megabytes must not make a million.
func TestJoinedColumnsAreBounded(t *testing.T) {
	names, values := make([]string, 1001), make([]string, 1001)
	for i := range names {
		names[i], values[i] = fmt.Sprintf("c%d", i), fmt.Sprintf("\"c%d\":%d", i, i)
	}
	var warnings []string
	o := house(rows.JSONLines)
	o.Warn = func(text string) { warnings = append(warnings, text) }
	got := joined(t, []byte(`{"rooms":1,"sqft":2,`+strings.Join(values, ",")+"}\n"), o, rows.CSV)
	if !strings.Contains(got, ",999,0.5,\n") || strings.Contains(got, "c1000") || len(warnings) != 1 || !strings.Contains(warnings[0], "of 1001") {
		t.Errorf("got %.100s…, warnings %q", got, warnings)
	}
	o = house(rows.CSV)
	o.Join = true
	r, err := rows.Open(t.Context(), sourceOf([]byte("rooms,sqft,"+strings.Join(names, ",")+"\n"), 1<<20), o)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	_, err = rows.NewOutput(&outputSink{}, rows.OutputOptions{Format: rows.Parquet, Catalog: o.Catalog, Join: true, Joined: rows.JoinedOf(r)})
	if !errors.Is(err, rows.ErrOutput) || !strings.Contains(err.Error(), "1001 further columns") {
		t.Errorf("got %v", err)
	}
}
