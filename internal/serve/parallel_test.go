package serve_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/serve"
)

// passThrough is a model whose outputs are its inputs, under signatures that are
// named for their types. Binary answers are then the bytes of the request, where
// they lie: nothing may use that memory again too early.
func passThrough() *infer.Model {
	catalog := &infer.Catalog{Default: "float", Signatures: map[string]*infer.Signature{}}
	for _, dtype := range []infer.DType{infer.Float, infer.Int64, infer.String} {
		tensor := infer.TensorInfo{Name: "x", Tensor: "x:0", DType: dtype, Shape: infer.Shape{-1}}
		catalog.Signatures[dtype.String()] = &infer.Signature{
			Name: dtype.String(), Inputs: []infer.TensorInfo{tensor}, Outputs: []infer.TensorInfo{tensor},
		}
	}
	return &infer.Model{Name: "same", Version: "1", Runner: runner{catalog, func(_ context.Context, feeds []infer.Feed) ([]*infer.Tensor, error) {
		return []*infer.Tensor{feeds[0].Value}, nil
	}}}
}

// inquiry is a request, and what of its answer must be so.
type inquiry struct {
	path, body string
	headers    []string // name and value in turns
	ends       string   // of the answer, which tells it from all others
}

// inquiries asks for n values from first on, in every protocol and format.
func inquiries(t *testing.T, first, n int) []inquiry {
	t.Helper()
	var list, rows, raw, wide, words []string
	for i := range n {
		v := first + i
		list = append(list, fmt.Sprintf("%d.0", v))
		raw = append(raw, little(float32(v)))
		wide = append(wide, string(binary.LittleEndian.AppendUint64(nil, uint64(v)+math.MaxInt32)))
		word := fmt.Sprint("word ", v)
		words = append(words, string(binary.LittleEndian.AppendUint32(nil, uint32(len(word))))+word)
		rows = append(rows, fmt.Sprintf(`{"prediction":%d.0}`, v))
	}
	commas, lines, bytes := strings.Join(list, ","), strings.Join(list, "\n")+"\n", strings.Join(raw, "")
	const predict, infers = "/v1/models/same:predict", "/v2/models/same/infer"
	const floats = "application/octet-stream"
	file := npy(fmt.Sprintf(`{'descr': '<f4', 'fortran_order': False, 'shape': (%d,), }`, n), bytes)
	json := func(datatype, parameters string) string {
		return fmt.Sprintf(`{"id":"%d","inputs":[{"name":"x","shape":[%d],"datatype":%q%s}]`, first, n, datatype, parameters)
	}
	inBinary := func(signature, datatype, data string) inquiry {
		head := json(datatype, fmt.Sprintf(`,"parameters":{"binary_data_size":%d}`, len(data))) +
			fmt.Sprintf(`,"parameters":{"binary_data_output":true,"signature_name":%q}}`, signature)
		return inquiry{infers, head + data, []string{"Inference-Header-Content-Length", fmt.Sprint(len(head))}, "}" + data}
	}
	asked := []inquiry{
		{predict, `{"instances":[` + commas + `]}`, nil, `{"predictions":[` + commas + `]}`},
		{predict, `{"inputs":[` + commas + `]}`, nil, `{"outputs":[` + commas + `]}`},
		{predict, file, []string{"Content-Type", "application/x-npy", "Accept", "application/x-npy"}, "\n" + bytes},
		{predict, bytes, []string{"Content-Type", floats, "Accept", "text/csv"}, "x\n" + lines},
		{predict, lines, []string{"Content-Type", "text/csv", "Accept", "application/jsonlines"}, strings.Join(rows, "\n") + "\n"},
		{predict, lines, []string{"Content-Type", "application/jsonlines"}, `{"predictions":[` + commas + `]}`},
		{infers, json("FP32", `,"data":[`+commas+`]`) + "}", nil, `"data":[` + commas + `]}]}`},
		{infers, bytes, []string{"Inference-Header-Content-Length", "0"}, "}" + bytes},
		inBinary("float", "FP32", bytes),
		inBinary("int64", "INT64", strings.Join(wide, "")),
		inBinary("string", "BYTES", strings.Join(words, "")),
	}
	plain := asked[len(asked)-2:]
	for _, coding := range []string{"gzip", "zstd"} {
		for _, q := range plain {
			q.body = string(compressed(t, coding, q.body))
			q.headers = append([]string{"Content-Encoding", coding, "Accept-Encoding", coding}, q.headers...)
			asked = append(asked, q)
		}
	}
	return asked
}

// ask is nil if the answer is right.
func (q inquiry) ask(t *testing.T, client *http.Client, base string) error {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+q.path, strings.NewReader(q.body))
	if err != nil {
		return err
	}
	r.Header.Set("Accept-Encoding", "identity")
	for i := 0; i < len(q.headers); i += 2 {
		r.Header.Set(q.headers[i], q.headers[i+1])
	}
	response, err := client.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	answer := inflated(t, response.Header.Get("Content-Encoding"), body)
	if response.StatusCode != http.StatusOK || !strings.HasSuffix(answer, q.ends) {
		return fmt.Errorf("%.60q of %d bytes with %q: got %d and %d bytes, %.80q", q.body, len(q.body), q.headers, response.StatusCode, len(answer), answer)
	}
	return nil
}

// Clients that ask at once, in all protocols and formats and with bodies from a
// few bytes to 100 kB, get the answers that each gets alone.
func TestParallelRequestsGetTheirOwnAnswers(t *testing.T) {
	s := httptest.NewServer(handler(serve.Options{Model: having(passThrough())}))
	defer s.Close()
	var asked []inquiry
	for i, n := range []int{1, 7, 300, 8_000, 2} {
		asked = append(asked, inquiries(t, 1+i*100_000, n)...)
	}
	for _, q := range asked {
		if err := q.ask(t, s.Client(), s.URL); err != nil {
			t.Fatalf("alone: %v", err)
		}
	}
	const clients = 4
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			for i := range asked {
				if err := asked[(i*(2*c+1)+c*len(asked)/clients)%len(asked)].ask(t, s.Client(), s.URL); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}
