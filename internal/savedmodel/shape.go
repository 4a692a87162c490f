package savedmodel

import (
	"errors"
	"fmt"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/savedmodel/internal/wire"
)

var errRank = errors.New("shape of more dimensions than TensorFlow has")

// readShape reads a TensorShapeProto. Unknown rank is nil.
func readShape(b []byte) (infer.Shape, error) {
	shape := infer.Shape{}
	unknown := false
	for f, err := range wire.Fields(b) {
		if err != nil {
			return nil, fmt.Errorf("shape: %w", err)
		}
		switch f.Tag {
		case shapeUnknownRank:
			unknown = f.Value != 0
		case shapeDim:
			size, err := readDim(f.Bytes)
			if err != nil {
				return nil, fmt.Errorf("shape: dimension %d: %w", len(shape), err)
			}
			shape = append(shape, size)
		}
		if len(shape) > maxDims {
			return nil, fmt.Errorf("%w (%d)", errRank, maxDims)
		}
	}
	if unknown {
		return nil, nil
	}
	return shape, nil
}

func readDim(b []byte) (int64, error) {
	var size int64
	for f, err := range wire.Fields(b) {
		if err != nil {
			return 0, err
		}
		if f.Tag == dimSize {
			size = int64(f.Value) // protobuf's own encoding of an int64
		}
	}
	return max(size, -1), nil
}
