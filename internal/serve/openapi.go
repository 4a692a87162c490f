package serve

import (
	"net/http"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/openapi"
)

// described is the OpenAPI document of a model.
type described struct {
	model *infer.Model
	text  []byte
}

// openAPI answers with the document of the model that is served.
func (s *Server) openAPI(w http.ResponseWriter, r *http.Request) error {
	if err := allowGet(w, r); err != nil {
		return err
	}
	m, err := s.loaded(r.Context())
	if err != nil {
		return err
	}
	text, err := s.describe(m)
	if err != nil {
		return err
	}
	nameVersion(w, m)
	return s.send(w, r, jsonReply(text))
}

// describe makes the document of a model once, since models do not change. Of several
// requests that are the first, each may make it.
func (s *Server) describe(m *infer.Model) ([]byte, error) {
	if d := s.described.Load(); d != nil && d.model == m {
		return d.text, nil
	}
	text, err := openapi.Document(m, s.maxBody)
	if err != nil {
		return nil, err
	}
	s.described.Store(&described{m, text})
	return text, nil
}
