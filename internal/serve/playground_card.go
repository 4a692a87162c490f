package serve

import (
	"encoding/json"
	"net/http"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/openapi"
)

// PixelRange is what black and white become in an input of floats: a number for each
// channel, or one for all. What is between them lies on the line.
type PixelRange struct {
	Black []float32 `json:"black"`
	White []float32 `json:"white"`
}

// modelCard is what the page says of a model and makes its form from.
type modelCard struct {
	Name       string                   `json:"name"`
	Version    string                   `json:"version"`
	Format     string                   `json:"format"`
	TensorFlow string                   `json:"tensorflow,omitempty"`
	Bytes      int64                    `json:"bytes,omitempty"`
	SHA256     string                   `json:"sha256,omitempty"`
	Identity   string                   `json:"identity,omitempty"` // of a folder, which has no SHA-256
	Labels     []string                 `json:"labels,omitempty"`
	Default    string                   `json:"default"`
	Signatures map[string]cardSignature `json:"signatures"`
	Pixels     PixelRange               `json:"pixels"`
	Limits     cardLimits               `json:"limits"`
}

type cardSignature struct {
	Method  string       `json:"method"`
	Inputs  []cardTensor `json:"inputs"`
	Outputs []cardTensor `json:"outputs"`
}

// cardTensor is a tensor of a signature; its shape is null where the rank is not known,
// and has -1 where a size is not. Image says of an input that images may stand for its
// rows, or where it is OneImage, that one may stand for its whole value.
type cardTensor struct {
	Name  string      `json:"name"`
	DType string      `json:"dtype"`
	Shape infer.Shape `json:"shape"`
	Image bool        `json:"image,omitempty"`

	OneImage bool `json:"oneImage,omitempty"`
}

type cardLimits struct {
	MaxBodyBytes int64 `json:"maxBodyBytes"`
}

// pictured are the signatures of a model as the page has them.
type pictured struct {
	model      *infer.Model
	signatures map[string]cardSignature
}

func (s *Server) card(w http.ResponseWriter, r *http.Request) error {
	if err := allowGet(w, r); err != nil {
		return err
	}
	m, err := s.loaded(r.Context())
	if err != nil {
		return err
	}
	card := modelCard{
		Name: m.Name, Version: m.Version, Format: m.Format, TensorFlow: s.page.TensorFlow(), Bytes: m.Bytes, SHA256: m.SHA256,
		Labels: m.Labels, Default: m.Catalog().Default, Signatures: s.cardSignatures(m), Pixels: s.page.Pixels, Limits: cardLimits{s.maxBody},
	}
	if m.SHA256 == "" {
		card.Identity = m.Identity
	}
	text, err := json.Marshal(card)
	if err != nil {
		return err
	}
	nameVersion(w, m)
	w.Header().Set("Cache-Control", "no-store")
	return s.send(w, r, jsonReply(text))
}

// cardSignatures makes the signatures of a model once: asking what takes images decodes
// one for each input, at the input's size. Of several requests that are the first, each
// may make them.
func (s *Server) cardSignatures(m *infer.Model) map[string]cardSignature {
	if p := s.pictured.Load(); p != nil && p.model == m {
		return p.signatures
	}
	catalog := m.Catalog()
	signatures := map[string]cardSignature{}
	for name, signature := range catalog.Signatures {
		inputs := cardTensors(signature.Inputs)
		for i, input := range signature.Inputs {
			inputs[i].Image = openapi.TakesImage(catalog, input)
			inputs[i].OneImage = inputs[i].Image && input.OneImage()
		}
		signatures[name] = cardSignature{signature.Method, inputs, cardTensors(signature.Outputs)}
	}
	s.pictured.Store(&pictured{m, signatures})
	return signatures
}

func cardTensors(infos []infer.TensorInfo) []cardTensor {
	tensors := make([]cardTensor, len(infos))
	for i, info := range infos {
		tensors[i] = cardTensor{Name: info.Name, DType: info.DType.Enum(), Shape: info.Shape}
	}
	return tensors
}
