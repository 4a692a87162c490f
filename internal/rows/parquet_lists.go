package rows

import (
	"bytes"
	"slices"

	"github.com/parquet-go/parquet-go"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// rowLists finds out how long the lists of a row are.
type rowLists struct {
	n          int    // values
	repetition []byte // of lists in lists: where they begin
	empty      int    // the depth of lists that are empty; 0 where there are none

	// Of the last row that had lists in lists, because most are alike.
	lastRepetition []byte
	lastDims       []int64
}

func (r *rowLists) reset() { r.n, r.empty, r.repetition = 0, 0, r.repetition[:0] }

// add adds values of the row, of which none is missing where full says so. The error is
// a fault of the row: a null, or lists of which only some are empty.
func (r *rowLists) add(leaf *parquetLeaf, values []parquet.Value, full bool) error {
	if full && leaf.rank < 2 && r.empty == 0 {
		r.n += len(values)
		return nil
	}
	for i := range values {
		empty := 0
		if values[i].IsNull() {
			if level := values[i].DefinitionLevel(); level < len(leaf.empty) {
				empty = leaf.empty[level]
			}
			if empty == 0 {
				return infer.Errorf(infer.ErrInvalidArgument, "column %q is null, or holds one", leaf.name)
			}
		}
		if r.n+i > 0 && empty != r.empty {
			return ragged(leaf)
		}
		r.empty = empty
		if leaf.rank > 1 {
			r.repetition = append(r.repetition, byte(values[i].RepetitionLevel()))
		}
	}
	r.n += len(values)
	return nil
}

func ragged(leaf *parquetLeaf) error {
	return infer.Errorf(infer.ErrInvalidArgument, "column %q has lists of different lengths", leaf.name)
}

// dims is the lengths of the row's lists, none for a scalar.
func (r *rowLists) dims(leaf *parquetLeaf) ([]int64, error) {
	n := int64(r.n)
	switch {
	case leaf.rank == 0:
		return nil, nil
	case r.empty > 0: // what is empty has one entry, and no lists in it
		dims, err := listDims(leaf, r.repetition, r.empty-1)
		return append(dims, make([]int64, leaf.rank-r.empty+1)...), err
	case leaf.rank == 1 && len(r.lastDims) == 1 && r.lastDims[0] == n:
		return r.lastDims, nil
	case leaf.rank == 1:
		r.lastDims = []int64{n}
		return r.lastDims, nil
	case r.lastDims != nil && bytes.Equal(r.repetition, r.lastRepetition):
		return r.lastDims, nil
	}
	dims, err := listDims(leaf, r.repetition, leaf.rank)
	if err == nil {
		r.lastDims, r.lastRepetition = dims, slices.Clone(r.repetition)
	}
	return dims, err
}

// listDims is the lengths of lists of the given depth, by the repetition levels of
// their values: a level below l begins a list of depth l.
func listDims(leaf *parquetLeaf, repetition []byte, depth int) ([]int64, error) {
	dims := make([]int64, depth)
	lists := 1 // of the depth before
	for l := range depth {
		n := 0
		for _, level := range repetition {
			if int(level) <= l+1 {
				n++
			}
		}
		dims[l] = int64(n / lists)
		lists = n
	}
	size := 1
	for l := depth - 1; l >= 0; l-- { // lists must begin where the lengths have it
		size *= int(dims[l])
		for i, level := range repetition {
			if i%size == 0 != (int(level) <= l) {
				return nil, ragged(leaf)
			}
		}
	}
	if len(repetition) > 0 && size != len(repetition) {
		return nil, ragged(leaf)
	}
	return dims, nil
}

// rowShapeOf is the shape of a row of an input whose values come in lists of the
// lengths dims. Lists of another depth than the input's are taken as a flat one, whose
// length says one unknown dimension. last is the shape of another row, which is
// returned again where it is the same.
func rowShapeOf(info infer.TensorInfo, dims, last []int64) ([]int64, error) {
	want := dims
	if info.Shape != nil {
		want = info.Shape[min(1, len(info.Shape)):]
	}
	if last != nil && slices.Equal(last, dims) && len(want) == len(dims) {
		return last, nil
	}
	shape := append([]int64{}, want...)
	if len(want) != len(dims) {
		return shape, inferShape(info, shape, dims)
	}
	for i, size := range dims {
		if want[i] >= 0 && want[i] != size {
			return nil, misshapen(info, dims)
		}
	}
	copy(shape, dims)
	return shape, nil
}

// inferShape fills in the unknown dimension of a shape by the number of values.
func inferShape(info infer.TensorInfo, shape, dims []int64) error {
	n, err := infer.Elements(dims)
	if err != nil {
		return err
	}
	unknown := slices.Index(shape, -1)
	if unknown >= 0 {
		shape[unknown] = 1
	}
	want, err := infer.Elements(shape)
	switch {
	case err != nil: // a second one is unknown
		return infer.Errorf(infer.ErrInvalidArgument, "a list of %d values does not say the shape of input %q, which is %s: use lists of lists", n, info.Name, info.Shape)
	case unknown < 0 && n == want:
		return nil
	case unknown < 0 || want == 0 && n > 0 || want > 0 && n%want != 0:
		return misshapen(info, dims)
	}
	shape[unknown] = n / max(want, 1)
	return nil
}

func misshapen(info infer.TensorInfo, dims []int64) error {
	return infer.Errorf(infer.ErrInvalidArgument, "the row has values of shape %s for input %q, whose shape with the rows is %s", infer.FormatShape(dims), info.Name, info.Shape)
}
