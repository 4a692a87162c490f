package rows_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/npy"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// house is what the files of a data owner are like: two inputs among what else is known
// of a row.
func house(f rows.Format) rows.Options {
	return inputsOf(f, declared("rooms", infer.Float, -1, 1), declared("sqft", infer.Float, -1, 1))
}

// What pandas writes of a frame with the columns id, rooms, sqft and name.
func TestReadingFurtherColumns(t *testing.T) {
	want := lines("rooms[1]=3 sqft[1]=40.5", "rooms[1]=4 sqft[1]=51")
	for _, tt := range []struct {
		name   string
		format rows.Format
		text   string
	}{
		{"to_csv(index=False)", rows.CSV, "id,rooms,sqft,name\n7,3.0,40.5,a\n8,4.0,51.0,\"b, c\"\n"},
		{"to_csv()", rows.CSV, ",id,rooms,sqft,name\n0,7,3.0,40.5,a\n1,8,4.0,51.0,\"b, c\"\n"},
		{"columns in another order", rows.CSV, "sqft,name,rooms\n40.5,a,3\n51,\"b, c\",4\n"},
		{"to_json(orient='records', lines=True)", rows.JSONLines, `{"id":7,"rooms":3.0,"sqft":40.5,"name":"a"}` + "\n" + `{"id":8,"rooms":4.0,"sqft":51.0,"name":"b, c"}` + "\n"},
		{"to_json(orient='records')", rows.JSON, `[{"id":7,"rooms":3.0,"sqft":40.5,"name":"a"},{"id":8,"rooms":4.0,"sqft":51.0,"name":null}]`},
		{"lists of one", rows.JSONLines, `{"rooms":[3.0],"sqft":[40.5],"tags":[1,2]}` + "\n" + `{"rooms":4,"sqft":[51]}`},
		{"columns of a request", rows.JSON, `{"inputs":{"rooms":[3,4],"sqft":[40.5,51],"id":[7,8]}}`},
	} {
		got, err := readAll(t, []byte(tt.text), house(tt.format))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		sameRecords(t, tt.name, got, want)
	}
}

func TestReadingAHeaderThatLacksInputs(t *testing.T) {
	for _, tt := range []struct{ text, header, want string }{
		{"id,rooms,price\n1,2,3\n", "", `no column for "sqft", neither by name nor as name_0, name_1 and so on; the columns are "id", "rooms", "price"`},
		{"id,room,price\n1,2,3\n", "", `needs a header with its inputs (rooms, sqft); the first line is "id", "room", "price"`},
		{"id,room,price\n1,2,3\n", codec.HeaderPresent, `no column for "rooms", "sqft", neither`},
		{"rooms,sqft\n1,2\n", codec.HeaderAbsent, `needs a header with its inputs (rooms, sqft)`},
	} {
		o := house(rows.CSV)
		o.Header = tt.header
		_, err := readAll(t, []byte(tt.text), o)
		if !errors.Is(err, rows.ErrFormat) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: got %v, want %s", tt.text, err, tt.want)
		}
	}
}

// A string says nothing of whether it is a name.
func TestReadingTheFirstLineOfStrings(t *testing.T) {
	for _, tt := range []struct {
		text, header string
		want         []string
		warned       bool
	}{
		{"text\nfine\n", "", lines(`text="fine"`), false},
		{"id,text\n1,fine\n", "", lines(`text="fine"`), false},
		{"review\nfine\n", "", lines(`text="review"`, `text="fine"`), true},
		{"review\nfine\n", codec.HeaderAbsent, lines(`text="review"`, `text="fine"`), false},
		{"text\nfine\n", codec.HeaderAbsent, lines(`text="text"`, `text="fine"`), false},
	} {
		var warnings []string
		o := inputsOf(rows.CSV, declared("text", infer.String, -1))
		o.Header, o.Warn = tt.header, func(text string) { warnings = append(warnings, text) }
		got, err := readAll(t, []byte(tt.text), o)
		if err != nil {
			t.Fatal(err)
		}
		sameRecords(t, tt.text, got, tt.want)
		if warned := slices.ContainsFunc(warnings, func(w string) bool { return strings.Contains(w, `"text"`) }); warned != tt.warned {
			t.Errorf("%q, header %q: warned %q, want a warning: %v", tt.text, tt.header, warnings, tt.warned)
		}
	}
}

// Parts of a CSV have the columns of its header, and warn of nothing: the first does.
func TestReadingAPartWithFurtherColumns(t *testing.T) {
	const text = "id,sqft,rooms\n1,2,3\n4,5,6\n"
	o := house(rows.CSV)
	o.Part = rows.Part{From: rows.Position{Offset: int64(strings.Index(text, "4,"))}}
	got, err := readAll(t, []byte(text), o)
	if err != nil {
		t.Fatal(err)
	}
	sameRecords(t, "the second part", got, lines("rooms[1]=6 sqft[1]=5"))
	o = inputsOf(rows.CSV, declared("text", infer.String, -1))
	o.Part = rows.Part{From: rows.Position{Offset: 2}}
	o.Warn = func(text string) { t.Errorf("a part warns: %s", text) }
	if got, err = readAll(t, []byte("a\nb\n"), o); err != nil {
		t.Fatal(err)
	}
	sameRecords(t, "the second part of strings", got, lines(`text="b"`))
}

// numpy.savez of one number a row, for inputs whose rows are lists of one.
func TestReadingFlatArraysForListsOfOne(t *testing.T) {
	flat := func(values ...int8) string { return string(arrayOf([]int64{int64(len(values))}, values...)) }
	archive := archiveOf(t, "rooms.npy", flat(3, 4), "sqft.npy", flat(5, 6))
	got, err := readAll(t, archive, house(rows.NPZ))
	if err != nil {
		t.Fatal(err)
	}
	sameRecords(t, "npz", got, lines("rooms[1]=3 sqft[1]=5", "rooms[1]=4 sqft[1]=6"))

	one := npy.AppendHeader(nil, npy.Header{DType: npy.DType{Kind: npy.Int, Size: 1}, Shape: []int64{2}})
	got, err = readAll(t, append(one, 8, 9), inputsOf(rows.NPY, declared("x", infer.Float, -1, 1, 1)))
	if err != nil {
		t.Fatal(err)
	}
	sameRecords(t, "npy", got, lines("x[1,1]=8", "x[1,1]=9"))
}
