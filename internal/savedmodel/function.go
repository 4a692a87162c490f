package savedmodel

import (
	"errors"
	"fmt"

	"github.com/tensorlambda/tensorlambda/internal/savedmodel/internal/wire"
	"github.com/tensorlambda/tensorlambda/internal/savedmodel/optable"
)

// Function is a function of a graph's library: TensorFlow's FunctionDef.
type Function struct {
	Name    string
	Inputs  []optable.Arg
	Outputs []optable.Arg
	Nodes   []Node

	raw []byte
}

// Attr finds an attribute of the function itself.
func (fn *Function) Attr(name string) (Attr, bool) { return findAttr(fn.raw, name) }

var errNamelessFunction = errors.New("function without a name")

func (r *reader) function(b []byte) (*Function, error) {
	fn := &Function{raw: b}
	var op optable.Op
	for f, err := range wire.Fields(b) {
		if err == nil {
			switch f.Tag {
			case functionSignature:
				err = op.Merge(f.Bytes)
			case functionNode:
				err = r.functionNode(fn, f.Bytes)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("function %q: %w", op.Name, err)
		}
	}
	if op.Name == "" {
		return nil, errNamelessFunction
	}
	if err := checkName([]byte(op.Name)); err != nil {
		return nil, fmt.Errorf("function: %w", err)
	}
	fn.Name, fn.Inputs, fn.Outputs = op.Name, op.Inputs, op.Outputs
	return fn, nil
}

func (r *reader) functionNode(fn *Function, b []byte) error {
	n, err := r.node(b)
	if err != nil {
		return fmt.Errorf("node %d: %w", len(fn.Nodes), err)
	}
	fn.Nodes = append(fn.Nodes, n)
	return nil
}
