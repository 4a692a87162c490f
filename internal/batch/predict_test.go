package batch

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// halfPlusTwo is the model y = x/2 + 2, which fails as a whole where one of its
// inputs is negative.
type halfPlusTwo struct {
	runs int
	fail error
}

func (m *halfPlusTwo) Catalog() *infer.Catalog { return nil }
func (m *halfPlusTwo) Close() error            { return nil }

func (m *halfPlusTwo) Run(_ context.Context, feeds []infer.Feed, _ []infer.TensorInfo) ([]*infer.Tensor, error) {
	m.runs++
	if m.fail != nil {
		return nil, m.fail
	}
	var y []byte
	for _, x := range floatsOf(feeds[0].Value) {
		if x < 0 {
			return nil, infer.Errorf(infer.ErrInvalidArgument, "%g is negative", x)
		}
		y = binary.LittleEndian.AppendUint32(y, math.Float32bits(x/2+2))
	}
	t, err := infer.NewTensor(infer.Float, []int64{int64(len(y) / 4)}, y)
	return []*infer.Tensor{t}, err
}

func floatsOf(t *infer.Tensor) (f []float32) {
	for i := 0; i < len(t.Data); i += 4 {
		f = append(f, math.Float32frombits(binary.LittleEndian.Uint32(t.Data[i:])))
	}
	return f
}

// ask has n rows of x predicted, as one group.
func ask(model *halfPlusTwo, x ...float32) ([]rows.Row, error) {
	p := &pipeline{s: New(Options{}), stream: stream{
		in: anInput("v", "", noon), model: &infer.Model{Runner: model},
	}}
	var data []byte
	records := make([]int, len(x))
	for i, v := range x {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
		records[i] = i
	}
	value, err := infer.NewTensor(infer.Float, []int64{int64(len(x))}, data)
	if err != nil {
		return nil, err
	}
	group := rows.Group{Records: records, Request: &infer.Request{
		Feeds: []infer.Feed{{Value: value}}, Fetches: make([]infer.TensorInfo, 1),
	}}
	outcome, err := p.predict(context.Background(), &rows.Decoded{N: len(x), Groups: []rows.Group{group}})
	if err != nil {
		return nil, err
	}
	return outcome.Rows, nil
}

// A run that fails is halved until the rows to blame are alone; every other row has
// its answer.
func TestGuiltyRowsAreFound(t *testing.T) {
	for _, guilty := range [][]int{nil, {0}, {255}, {17, 18}, {3, 100, 200}} {
		x := make([]float32, 256)
		for i := range x {
			x[i] = float32(i)
			if slices.Contains(guilty, i) {
				x[i] = -1
			}
		}
		model := &halfPlusTwo{}
		got, err := ask(model, x...)
		if err != nil {
			t.Fatal(err)
		}
		for i, row := range got {
			if slices.Contains(guilty, i) {
				if row.Err == nil || row.Err.Error() != "-1 is negative" {
					t.Errorf("guilty %v: row %d has error %v", guilty, i, row.Err)
				}
				continue
			}
			if row.Err != nil {
				t.Errorf("guilty %v: row %d failed: %v", guilty, i, row.Err)
				continue
			}
			if y := floatsOf(row.Results[0].Value)[row.Index]; y != float32(i)/2+2 {
				t.Errorf("guilty %v: row %d is answered %g", guilty, i, y)
			}
		}
		if most := 1 + 2*8*len(guilty); model.runs > most {
			t.Errorf("guilty %v: %d runs, want at most %d", guilty, model.runs, most)
		}
	}
}

// Splitting keeps to the feeds of the rows: what is joined to an answer is its own.
func TestRowsKeepTheirFeeds(t *testing.T) {
	got, err := ask(&halfPlusTwo{}, 1, -1, 3)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float32{1, -1, 3} {
		if x := floatsOf(got[i].Feeds[0].Value)[got[i].Index]; x != want {
			t.Errorf("row %d has feed %g, want %g", i, x, want)
		}
	}
}

// A fault of the service is not the row's.
func TestUnavailableModelFailsTheStream(t *testing.T) {
	down := infer.Errorf(infer.ErrUnavailable, "no session")
	if _, err := ask(&halfPlusTwo{fail: down}, 1, 2); !errors.Is(err, infer.ErrUnavailable) {
		t.Errorf("error %v, want unavailable", err)
	}
}

// What is no message for a client does not get into the output.
func TestInternalErrorsAreNotShown(t *testing.T) {
	got, err := ask(&halfPlusTwo{fail: errors.New("/tmp/secret")}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if text := got[0].Err.Error(); text != "internal error: the reason is in the log of the function" {
		t.Errorf("row says %q", text)
	}
}

func TestSliceOfStrings(t *testing.T) {
	// Three rows of two strings, with four bytes of length before each.
	data := []byte("....a....bb....ccc....d....e....f")
	s, err := infer.NewStringTensor([]int64{3, 2}, data, []int{0, 5, 11, 18, 23, 28, 33})
	if err != nil {
		t.Fatal(err)
	}
	s.Prefix = 4
	part := sliceTensor(s, 1, 3)
	want := []string{"ccc", "d", "e", "f"}
	if part.Len() != len(want) || !slices.Equal(part.Shape, []int64{2, 2}) {
		t.Fatalf("%d strings of shape %v", part.Len(), part.Shape)
	}
	for i, w := range want {
		if got := string(part.Element(i)); got != w {
			t.Errorf("string %d is %q, want %q", i, got, w)
		}
	}
}
