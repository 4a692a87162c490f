package codec

// Reply is the encoded body of an answer: Pieces, one behind the other. Pieces
// may alias the results that were encoded, so those must be kept alive until the
// pieces have been written, and are read-only.
type Reply struct {
	ContentType string
	// JSONLength is the length of the JSON that binary tensors follow, 0 where
	// none do. It is the header Inference-Header-Content-Length.
	JSONLength int
	Pieces     [][]byte
}

// Len is the length of the body in bytes.
func (r *Reply) Len() int {
	n := 0
	for _, p := range r.Pieces {
		n += len(p)
	}
	return n
}
