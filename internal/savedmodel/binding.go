package savedmodel

import (
	"fmt"
	"strconv"
	"strings"
)

// Binding gives an input or output of a frozen graph its name: MODEL_INPUTS and
// MODEL_OUTPUTS are lists of them.
type Binding struct {
	Name   string // how requests name it
	Tensor string // "operation:index"
}

// ParseBindings reads "name=operation:index,…". An index left out is 0; a bare
// "operation:index" or "operation" is its own name. The empty string is no
// bindings. The error wraps ErrBinding and names the piece that is wrong.
func ParseBindings(s string) ([]Binding, error) {
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	var bindings []Binding
	seen := make(map[string]bool)
	for piece := range strings.SplitSeq(s, ",") {
		b, err := parseBinding(strings.TrimSpace(piece))
		if err != nil {
			return nil, fmt.Errorf("%w: %q: %w", ErrBinding, piece, err)
		}
		if seen[b.Name] {
			return nil, fmt.Errorf("%w: %q: the name %q is given twice", ErrBinding, piece, b.Name)
		}
		seen[b.Name] = true
		bindings = append(bindings, b)
	}
	return bindings, nil
}

func parseBinding(piece string) (Binding, error) {
	if piece == "" {
		return Binding{}, fmt.Errorf("empty, want name=operation:index")
	}
	name, tensor, named := strings.Cut(piece, "=")
	if !named {
		tensor = piece
	}
	name, tensor = strings.TrimSpace(name), strings.TrimSpace(tensor)
	if name == "" {
		return Binding{}, fmt.Errorf("no name before the equals sign")
	}
	operation, index, err := splitTensor(tensor)
	if err != nil {
		return Binding{}, err
	}
	return Binding{Name: name, Tensor: operation + ":" + strconv.Itoa(index)}, nil
}

// splitTensor takes "operation[:index]" apart. It refuses every other way to
// write an index: names are compared, so a tensor must have one only.
func splitTensor(tensor string) (operation string, index int, err error) {
	operation, digits, found := strings.Cut(tensor, ":")
	if found {
		n, err := strconv.ParseUint(digits, 10, 16)
		if err != nil || strconv.FormatUint(n, 10) != digits {
			return "", 0, fmt.Errorf("%q is not an output's index, want operation:index", digits)
		}
		index = int(n)
	}
	if operation == "" || strings.ContainsAny(operation, "^=, \t\n") {
		return "", 0, fmt.Errorf("%q is not an operation's name", operation)
	}
	return operation, index, nil
}
