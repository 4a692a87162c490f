package rows

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// parquetLeaf is a column of values that an input is made of.
type parquetLeaf struct {
	name string
	// index is the number of the column among those with values.
	index int
	kind  infer.DType
	input infer.TensorInfo
	// rank is how deep the lists are that the values are in, 0 for none.
	rank int
	// empty says what an entry without a value is, by its definition level: an empty
	// list of this depth, or with 0 a null.
	empty []int
}

// chunk is the column in a row group.
func (l *parquetLeaf) chunk(file *parquet.File, group int) *format.ColumnMetaData {
	return &file.Metadata().RowGroups[group].Columns[l.index].MetaData
}

// newParquetLeaf follows a column of the schema down to its values, through lists of
// any of the forms that there are: they are groups of one.
func newParquetLeaf(c *parquet.Column, input infer.TensorInfo, elements []*format.SchemaElement) (*parquetLeaf, error) {
	leaf := &parquetLeaf{name: c.Name(), input: input}
	for {
		switch {
		case c.Optional():
			leaf.empty = append(leaf.empty, 0)
		case c.Repeated():
			leaf.rank++
			leaf.empty = append(leaf.empty, leaf.rank)
		}
		if c.Leaf() {
			break
		}
		if len(c.Columns()) != 1 {
			return nil, fmt.Errorf("column %q is a struct or a map", leaf.name)
		}
		c = c.Columns()[0]
	}
	leaf.index = c.Index()
	kind, ok := kindOf(elements[leaf.index])
	if !ok {
		return nil, fmt.Errorf("column %q of type %s has no place in a tensor", leaf.name, c.Type())
	}
	leaf.kind = kind
	return leaf, nil
}

// parquetInput is where an input comes from: one column, or one for each element of a
// row.
type parquetInput struct {
	info     infer.TensorInfo
	columns  []int // in parquetTable.leaves
	elements bool  // the columns are elements
}

// parquetTable says which columns are which inputs.
type parquetTable struct {
	signature *infer.Signature
	leaves    []*parquetLeaf // in the order of the inputs
	inputs    []parquetInput // those of the signature
	limit     int64          // bytes of the tensors of a group

	further []parquetFurther // where instances are joined
	joins   Joined
}

// matchColumns finds the columns of the default signature's inputs. The error is
// ErrFormat and says what is there and what is wanted.
func matchColumns(file *parquet.File, o Options) (*parquetTable, error) {
	signature, err := o.Catalog.Signature("")
	if err != nil {
		return nil, unreadable(Parquet, err)
	}
	if len(signature.Inputs) == 0 {
		return nil, fmt.Errorf("%w: signature %q has no inputs", ErrFormat, signature.Name)
	}
	t := &parquetTable{signature: signature, limit: o.Limits.MaxTensor}
	found := make([]map[int]*parquet.Column, len(signature.Inputs)) // by element, -1 for all of them
	for k := range found {
		found[k] = map[int]*parquet.Column{}
	}
	for _, c := range file.Root().Columns() {
		k, element := inputOf(o.Catalog, signature, c.Name())
		if k < 0 {
			continue
		}
		if found[k][element] != nil {
			return nil, fmt.Errorf("%w: two columns are %q", ErrFormat, c.Name())
		}
		found[k][element] = c
	}
	elements := leafElements(file)
	for k, info := range signature.Inputs {
		if err := t.add(info, found[k], elements); err != nil {
			return nil, fmt.Errorf("%w: %w; the columns are %s, and the inputs %s", ErrFormat, err,
				columnNames(file.Root().Columns()), infoNames(signature.Inputs))
		}
	}
	for _, leaf := range t.leaves {
		if err := checkCodec(file, leaf); err != nil {
			return nil, err
		}
	}
	if o.Join {
		t.addFurther(o, file, elements)
		t.joins = t.joined(elements)
	}
	return t, nil
}

// inputOf is the input that the name of a column means, -1 for none, and which element
// of its rows, -1 for all of them. The rules are those for the header of a CSV.
func inputOf(c *infer.Catalog, s *infer.Signature, name string) (input, element int) {
	index := func(name string) int {
		info, ok := c.Input(s, name)
		if !ok {
			return -1
		}
		return slices.IndexFunc(s.Inputs, func(t infer.TensorInfo) bool { return t.Name == info.Name })
	}
	if k := index(name); k >= 0 {
		return k, -1
	}
	if cut := strings.LastIndexByte(name, '_'); cut >= 0 {
		number := name[cut+1:]
		if n, err := strconv.Atoi(number); err == nil && n >= 0 && strconv.Itoa(n) == number {
			return index(name[:cut]), n
		}
	}
	return -1, 0
}

// add adds an input and its columns, by element.
func (t *parquetTable) add(info infer.TensorInfo, found map[int]*parquet.Column, elements []*format.SchemaElement) error {
	input := parquetInput{info: info, elements: found[-1] == nil}
	columns := []*parquet.Column{found[-1]}
	if input.elements {
		columns = make([]*parquet.Column, len(found))
		for n := range columns {
			if columns[n] = found[n]; found[n] == nil {
				return fmt.Errorf("column %s_%d is missing", info.Name, n)
			}
		}
	}
	if len(columns) == 0 {
		return fmt.Errorf("no column is input %q", info.Name)
	}
	for _, c := range columns {
		leaf, err := newParquetLeaf(c, info, elements)
		if err != nil {
			return err
		}
		if input.elements && leaf.rank > 0 {
			return fmt.Errorf("column %q is a list, and not an element", leaf.name)
		}
		if !converts(leaf.kind, info.DType) {
			return fmt.Errorf("column %q holds %s, and input %q is of type %s", leaf.name, leaf.kind, info.Name, info.DType)
		}
		input.columns = append(input.columns, len(t.leaves))
		t.leaves = append(t.leaves, leaf)
	}
	t.inputs = append(t.inputs, input)
	return nil
}

// leafElements is what the footer says of the columns that have values.
func leafElements(file *parquet.File) []*format.SchemaElement {
	var leaves []*format.SchemaElement
	for i := range file.Metadata().Schema {
		if e := &file.Metadata().Schema[i]; e.Type.Valid {
			leaves = append(leaves, e)
		}
	}
	return leaves
}

// maxNames is how many names a message lists.
const maxNames = 20

func columnNames(columns []*parquet.Column) string {
	return list(len(columns), func(i int) string { return columns[i].Name() })
}

func infoNames(infos []infer.TensorInfo) string {
	return list(len(infos), func(i int) string { return infos[i].Name })
}

// list lists n names, or the first of them.
func list(n int, name func(int) string) string {
	var b strings.Builder
	for i := range min(n, maxNames) {
		fmt.Fprintf(&b, ", %q", name(i))
	}
	if n > maxNames {
		fmt.Fprintf(&b, " and %d more", n-maxNames)
	}
	return strings.TrimPrefix(b.String(), ", ")
}
