package savedmodel

import (
	"fmt"
	"slices"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/savedmodel/internal/wire"
)

// signature reads an entry of signature_def. A signature may have been read
// before under the same name: the later one counts.
func (m *metaGraphReader) signature(b []byte) error {
	key, value, err := mapEntry(b)
	if err != nil {
		return fmt.Errorf("signature: %w", err)
	}
	name := string(key)
	def, err := readSignature(value)
	if err != nil {
		return fmt.Errorf("signature %q: %w", name, err)
	}
	switch name {
	case infer.InitOpSignature:
		m.inits[name] = def.outputs[name].Tensor
	case trainOpSignature:
	default:
		m.Signatures[name] = &infer.Signature{
			Name:     name,
			Method:   def.method,
			Inputs:   def.inputs.list(),
			Outputs:  def.outputs.list(),
			Defaults: def.defaults,
		}
		m.fetched[name] = def.outputs.components()
		m.fed[name] = def.inputs.components()
	}
	return nil
}

// signatureDef is TensorFlow's SignatureDef.
type signatureDef struct {
	inputs, outputs tensorInfos
	method          string
	defaults        map[string][]byte
}

func readSignature(b []byte) (*signatureDef, error) {
	def := &signatureDef{inputs: make(tensorInfos), outputs: make(tensorInfos)}
	for f, err := range wire.Fields(b) {
		if err == nil {
			switch f.Tag {
			case signatureInputs:
				err = def.inputs.add(f.Bytes)
			case signatureOutputs:
				err = def.outputs.add(f.Bytes)
			case signatureMethod:
				def.method = string(f.Bytes)
			case signatureDefaults:
				err = def.addDefault(f.Bytes)
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return def, nil
}

// addDefault keeps a default value as the bytes of its TensorProto, which it checks
// to be a message.
func (def *signatureDef) addDefault(entry []byte) error {
	key, value, err := mapEntry(entry)
	if err != nil {
		return err
	}
	for _, err := range wire.Fields(value) {
		if err != nil {
			return fmt.Errorf("default of %q: %w", key, err)
		}
	}
	if def.defaults == nil {
		def.defaults = make(map[string][]byte)
	}
	def.defaults[string(key)] = value
	return nil
}

// tensorInfos are the inputs or the outputs of a signature by alias.
type tensorInfos map[string]tensorInfo

func (t tensorInfos) add(entry []byte) error {
	key, value, err := mapEntry(entry)
	if err != nil {
		return err
	}
	info := tensorInfo{TensorInfo: infer.TensorInfo{Name: string(key)}}
	if err := info.merge(value); err != nil {
		return fmt.Errorf("tensor %q: %w", key, err)
	}
	t[info.Name] = info
	return nil
}

func (t tensorInfos) list() []infer.TensorInfo {
	infos := make([]infer.TensorInfo, 0, len(t))
	for _, info := range t {
		infos = append(infos, info.TensorInfo)
	}
	infer.SortTensors(infos)
	return infos
}

func (t tensorInfos) components() []string {
	var tensors []string
	for _, info := range t {
		tensors = append(append(tensors, info.Tensor), info.components...)
	}
	return slices.DeleteFunc(tensors, func(name string) bool { return name == "" }) // which nothing can fetch
}

// tensorInfo is TensorFlow's TensorInfo: a tensor, or the several tensors that
// encode a sparse or composite one.
type tensorInfo struct {
	infer.TensorInfo
	components []string
}

func (t *tensorInfo) merge(b []byte) error {
	for f, err := range wire.Fields(b) {
		if err == nil {
			switch f.Tag {
			case tensorInfoName:
				t.Tensor, err = readName(f.Bytes)
			case tensorInfoDType:
				t.DType = dtype(f.Value)
			case tensorInfoShape:
				t.Shape, err = readShape(f.Bytes)
			case tensorInfoSparse:
				err = t.sparse(f.Bytes)
			case tensorInfoComposite:
				err = t.composite(f.Bytes)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *tensorInfo) sparse(b []byte) error {
	for f, err := range wire.Fields(b) {
		if err != nil {
			return err
		}
		switch f.Tag {
		case sparseValues, sparseIndices, sparseDenseShape:
			if err := t.component(f.Bytes); err != nil {
				return err
			}
		}
	}
	return nil
}

// composite reads the components, which are dense: TensorFlow does not nest
// composite tensors.
func (t *tensorInfo) composite(b []byte) error {
	for f, err := range wire.Fields(b) {
		if err != nil {
			return err
		}
		if f.Tag != compositeComponents {
			continue
		}
		for c, err := range wire.Fields(f.Bytes) {
			if err != nil {
				return err
			}
			if c.Tag != tensorInfoName {
				continue
			}
			if err := t.component(c.Bytes); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *tensorInfo) component(tensor []byte) error {
	name, err := readName(tensor)
	t.components = append(t.components, name)
	return err
}
