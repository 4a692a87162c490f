// Package optable knows TensorFlow's operations: for each, the types of its
// outputs and whether it is stateful. With it the output types of any node can
// be told without loading TensorFlow's library. The table is made by opgen from
// the library's own list, so it is regenerated and never edited.
package optable

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// Op is an operation: TensorFlow's OpDef, as far as output types need it.
type Op struct {
	Name     string
	Stateful bool
	// Inputs are filled by Read only; the embedded table leaves them out.
	Inputs  []Arg
	Outputs []Arg
	// Defaults holds the default values of the attributes that the outputs
	// refer to: one value for a type or an int, several for a list of types.
	// Exported models leave attributes out that have their default value.
	Defaults map[string][]int64
}

// Arg is an input or output of an operation: TensorFlow's ArgDef. It is one
// tensor of Type or of the type in the attribute TypeAttr; with NumberAttr, as
// many such tensors as that attribute says; with TypeListAttr, one tensor for
// each type in that attribute.
type Arg struct {
	Name         string // empty in the embedded table
	Type         infer.DType
	TypeAttr     string
	NumberAttr   string
	TypeListAttr string
}

//go:embed ops.txt
var text string

var table = sync.OnceValue(func() map[string]string {
	lines := make(map[string]string, 2048)
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		name, _, _ := strings.Cut(line, " ")
		lines[strings.TrimSuffix(name, "!")] = line
	}
	return lines
})

// Known reports whether TensorFlow has the operation. It costs one map look-up.
func Known(name string) bool {
	_, ok := table()[name]
	return ok
}

// Stateful reports whether TensorFlow marks the operation as one that has state
// or side effects. known is as Known says. It costs one map look-up.
func Stateful(name string) (stateful, known bool) {
	line, known := table()[name]
	return strings.HasPrefix(line[min(len(name), len(line)):], "!"), known
}

// Lookup finds an operation of TensorFlow by its type, "MatMul". It parses one
// line of the table: callers with many nodes keep what it returns.
func Lookup(name string) (Op, bool) {
	line, ok := table()[name]
	if !ok {
		return Op{}, false
	}
	op, err := Parse(line)
	if err != nil {
		panic("optable: ops.txt: " + err.Error()) // a build fault; the tests parse every line
	}
	return op, true
}

// Parse reads a line of the table, the inverse of Op.String.
func Parse(line string) (Op, error) {
	tokens := strings.Fields(line)
	if len(tokens) == 0 {
		return Op{}, fmt.Errorf("operation %q: empty line", line)
	}
	name, stateful := strings.CutSuffix(tokens[0], "!")
	op := Op{Name: name, Stateful: stateful}
	for _, token := range tokens[1:] {
		if attr, values, ok := strings.Cut(token, "="); ok {
			numbers, err := parseInts(values)
			if err != nil {
				return Op{}, fmt.Errorf("operation %s: default %q: %w", name, token, err)
			}
			op.setDefault(attr, numbers)
			continue
		}
		op.Outputs = append(op.Outputs, parseArg(token))
	}
	return op, nil
}

func (op *Op) setDefault(attr string, values []int64) {
	if op.Defaults == nil {
		op.Defaults = make(map[string][]int64)
	}
	op.Defaults[attr] = values
}

func parseArg(token string) Arg {
	if list, ok := strings.CutSuffix(token, "..."); ok {
		return Arg{TypeListAttr: list}
	}
	var a Arg
	number, typ, ok := strings.Cut(token, "*")
	if ok {
		a.NumberAttr = number
	} else {
		typ = token
	}
	if n, err := strconv.Atoi(typ); err == nil {
		a.Type = infer.DType(n)
	} else {
		a.TypeAttr = typ
	}
	return a
}

func parseInts(s string) ([]int64, error) {
	var values []int64
	for piece := range strings.SplitSeq(s, ",") {
		if piece == "" {
			continue
		}
		n, err := strconv.ParseInt(piece, 10, 64)
		if err != nil {
			return nil, err
		}
		values = append(values, n)
	}
	return values, nil
}

// String is the operation's line in the table: its type, "!" if it is
// stateful, a word for each output (the number of a DType, an attribute, a
// count attribute times one of these, or a list attribute with dots), and
// attribute=default words.
func (op Op) String() string {
	var b strings.Builder
	b.WriteString(op.Name)
	if op.Stateful {
		b.WriteByte('!')
	}
	for _, a := range op.Outputs {
		b.WriteByte(' ')
		b.WriteString(a.word())
	}
	for _, attr := range slices.Sorted(maps.Keys(op.Defaults)) {
		b.WriteString(" " + attr + "=")
		for i, v := range op.Defaults[attr] {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(strconv.FormatInt(v, 10))
		}
	}
	return b.String()
}

func (a Arg) word() string {
	if a.TypeListAttr != "" {
		return a.TypeListAttr + "..."
	}
	word := a.TypeAttr
	if word == "" {
		word = strconv.Itoa(int(a.Type))
	}
	if a.NumberAttr != "" {
		word = a.NumberAttr + "*" + word
	}
	return word
}
