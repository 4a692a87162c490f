package rows

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/example"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// featureSlot is the rows of one input.
type featureSlot struct {
	info    infer.TensorInfo
	shape   []int64 // of the rows of the batch
	data    []byte
	offsets []int // of strings

	// Of the example that is being read.
	entry  []byte
	values example.Values
	wide   []float64
}

// read reads the values of the example's entry and returns what they take of the
// limit.
func (s *featureSlot) read() (int64, error) {
	if s.entry == nil {
		return 0, infer.Errorf(infer.ErrInvalidArgument, "the feature %q is missing", s.info.Name)
	}
	err := s.values.Read(s.entry)
	if errors.Is(err, example.ErrTooMany) {
		return 0, infer.Errorf(infer.ErrInvalidArgument, "the feature %q has more than %d values", s.info.Name, s.values.Limit)
	} else if err != nil {
		return 0, malformed()
	}
	if !takesKind(s.info.DType, s.values.Kind) {
		return 0, infer.Errorf(infer.ErrInvalidArgument, "the feature %q has values of kind %s, but the input is of type %s", s.info.Name, s.values.Kind, s.info.DType)
	}
	if _, err := s.sizes(); err != nil {
		return 0, err
	}
	size := int64(s.values.Len()) * int64(elementSize(s.info.DType))
	for _, v := range s.values.Bytes {
		size += int64(len(v))
	}
	return size, nil
}

// takesKind reports whether features of a kind can be values of a type: floats for
// floats, integers for any numbers. A feature without values has no kind.
func takesKind(d infer.DType, k example.Kind) bool {
	float := d == infer.Float || d == infer.Double || d == infer.Half || d == infer.Bfloat16
	switch k {
	case example.Bytes:
		return d == infer.String
	case example.Floats:
		return float
	case example.Int64s:
		return d != infer.String
	default:
		return true
	}
}

// sizes is how many elements of the unknown dimension the values fill; 0 where there is
// no such dimension.
func (s *featureSlot) sizes() (int64, error) {
	shape, unknown := featureShape(s.info)
	n, want := int64(s.values.Len()), int64(1)
	for k, size := range shape {
		if k != unknown {
			want *= size
		}
	}
	switch {
	case unknown < 0 && n == want:
		return 0, nil
	case unknown < 0:
		return 0, infer.Errorf(infer.ErrInvalidArgument, "the feature %q has %d values, but a row of the input, of shape %s, has %d", s.info.Name, n, s.info.Shape, want)
	case want == 0 && n == 0:
		return 0, nil
	case want == 0 || n%want != 0:
		return 0, infer.Errorf(infer.ErrInvalidArgument, "the feature %q has %d values, but a row of the input, of shape %s, has a multiple of %d", s.info.Name, n, s.info.Shape, want)
	default:
		return n / want, nil
	}
}

// fits reports whether the row that has been read has the shape of the batch's.
func (s *featureSlot) fits() bool {
	_, unknown := featureShape(s.info)
	if unknown < 0 {
		return true
	}
	size, _ := s.sizes() // read has looked at the error
	return s.shape[unknown] == size
}

// check reports values that append would refuse.
func (s *featureSlot) check() error {
	if s.values.Kind != example.Int64s {
		return nil
	}
	_, err := s.integers(nil)
	return err
}

func (s *featureSlot) integers(dst []byte) ([]byte, error) {
	out, err := codec.AppendIntegers(dst, s.info.DType, s.values.Int64s)
	if err != nil {
		return dst, infer.Errorf(infer.ErrInvalidArgument, "the feature %q: %s", s.info.Name, err)
	}
	return out, nil
}

// append adds the row that has been read. The first of a batch decides the shape.
func (s *featureSlot) append() error {
	switch v := &s.values; v.Kind {
	case example.Bytes:
		for _, b := range v.Bytes {
			s.data = append(s.data, b...)
			s.offsets = append(s.offsets, len(s.data))
		}
	case example.Floats:
		s.floats(v.Floats)
	case example.Int64s:
		var err error
		if s.data, err = s.integers(s.data); err != nil {
			return err
		}
	}
	if s.shape == nil {
		shape, unknown := featureShape(s.info)
		s.shape = append([]int64{}, shape...)
		if unknown >= 0 {
			s.shape[unknown], _ = s.sizes() // read has looked at the error
		}
	}
	return nil
}

func (s *featureSlot) floats(values []float32) {
	if s.info.DType == infer.Float {
		for _, f := range values {
			s.data = binary.LittleEndian.AppendUint32(s.data, math.Float32bits(f))
		}
		return
	}
	s.wide = s.wide[:0]
	for _, f := range values {
		s.wide = append(s.wide, float64(f))
	}
	s.data, _ = codec.AppendFloats(s.data, s.info.DType, s.wide) // takesKind has looked at the type
}

// undo takes out what is behind the first n rows.
func (s *featureSlot) undo(n int) {
	if n == 0 {
		s.shape = nil
	}
	elements, _ := infer.Elements(s.shape)
	keep := n * int(elements)
	if s.info.DType == infer.String {
		s.offsets = s.offsets[:keep+1]
		s.data = s.data[:s.offsets[keep]]
		return
	}
	s.data = s.data[:keep*s.info.DType.Size()]
}

// take is the tensor of n rows. The next batch is taken to be alike.
func (s *featureSlot) take(n int) (*infer.Tensor, error) {
	shape := append([]int64{int64(n)}, s.shape...)
	data, offsets := s.data, s.offsets
	s.shape, s.data = nil, make([]byte, 0, len(data))
	if s.info.DType != infer.String {
		return infer.NewTensor(s.info.DType, shape, data)
	}
	s.offsets = make([]int, 1, len(offsets))
	return infer.NewStringTensor(shape, data, offsets)
}
