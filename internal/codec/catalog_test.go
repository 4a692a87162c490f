package codec_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// catalogOf is a catalog with one signature, the default, with the given
// outputs and inputs.
func catalogOf(outputs []string, inputs ...infer.TensorInfo) *infer.Catalog {
	sig := &infer.Signature{Name: "serving_default", Method: "tensorflow/serving/predict", Inputs: inputs}
	for _, name := range outputs {
		sig.Outputs = append(sig.Outputs, infer.TensorInfo{Name: name, Tensor: name + "_op:0", DType: infer.Float})
	}
	infer.SortTensors(sig.Inputs)
	infer.SortTensors(sig.Outputs)
	return &infer.Catalog{Signatures: map[string]*infer.Signature{sig.Name: sig}, Default: sig.Name}
}

func input(name string, d infer.DType) infer.TensorInfo {
	return infer.TensorInfo{Name: name, Tensor: name + "_op:0", DType: d}
}

func oneInput(name string, d infer.DType) *infer.Catalog {
	return catalogOf([]string{"y"}, input(name, d))
}

// inputsOf is a catalog whose signature has the given inputs: "a:float b:string".
func inputsOf(list string) *infer.Catalog {
	var infos []infer.TensorInfo
	for _, field := range strings.Fields(list) {
		name, dtype, _ := strings.Cut(field, ":")
		infos = append(infos, input(name, dtypeOf(dtype)))
	}
	return catalogOf([]string{"y"}, infos...)
}

func dtypeOf(name string) infer.DType {
	for d := infer.Float; d <= infer.Uint64; d++ {
		if d.String() == name {
			return d
		}
	}
	panic("no data type " + name)
}

// described is what a request feeds, one "name=[shape] element element …" an
// input, so that tables can say it.
func described(p *codec.Predict) string {
	var feeds []string
	for _, f := range p.Feeds {
		feeds = append(feeds, f.Name+"="+describe(f.Value))
	}
	form := "column"
	if p.Row {
		form = "row"
	}
	return form + " " + strings.Join(feeds, " ")
}

func describe(t *infer.Tensor) string {
	var b strings.Builder
	b.WriteString(infer.FormatShape(t.Shape))
	for i := range t.Len() {
		b.WriteByte(' ')
		b.WriteString(element(t, i))
	}
	return b.String()
}

// element reads one element by the definition of its type.
func element(t *infer.Tensor, i int) string {
	if t.DType == infer.String {
		return fmt.Sprintf("%q", t.Element(i))
	}
	b := t.Data[i*t.DType.Size():]
	switch t.DType {
	case infer.Float:
		return fmt.Sprint(math.Float32frombits(binary.LittleEndian.Uint32(b)))
	case infer.Double:
		return fmt.Sprint(math.Float64frombits(binary.LittleEndian.Uint64(b)))
	case infer.Half, infer.Bfloat16:
		return fmt.Sprintf("%#04x", binary.LittleEndian.Uint16(b))
	case infer.Bool:
		return fmt.Sprint(b[0] == 1)
	case infer.Int8:
		return fmt.Sprint(int8(b[0]))
	case infer.Uint8:
		return fmt.Sprint(b[0])
	case infer.Int16:
		return fmt.Sprint(int16(binary.LittleEndian.Uint16(b)))
	case infer.Uint16:
		return fmt.Sprint(binary.LittleEndian.Uint16(b))
	case infer.Int32:
		return fmt.Sprint(int32(binary.LittleEndian.Uint32(b)))
	case infer.Uint32:
		return fmt.Sprint(binary.LittleEndian.Uint32(b))
	case infer.Int64:
		return fmt.Sprint(int64(binary.LittleEndian.Uint64(b)))
	default:
		return fmt.Sprint(binary.LittleEndian.Uint64(b))
	}
}
