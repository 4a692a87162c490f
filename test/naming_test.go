package test

import (
	"net/http"
	"strings"
	"testing"
)

// exchange is a request and what is to come of it: the body, or with a status of
// an error a part of its text. Space in a body does not count.
type exchange struct {
	request string
	status  int
	answer  string
}

func (x exchange) check(t *testing.T, r reply) {
	t.Helper()
	if x.status != 200 {
		refused(t, r, x.status, x.answer)
		return
	}
	if r.StatusCode != http.StatusOK || strings.Join(strings.Fields(r.Body), "") != x.answer {
		t.Errorf("%s: answer %d %s, want %s", x.request, r.StatusCode, r.Body, x.answer)
	}
}

// Fed zeros, the graph in two_placeholders.pb answers with its biases: the hidden
// layer is relu([0.5 0]), and 0.5 * [1 2 3] + [0.25 0 -0.25] comes out (the
// numbers are in models/recipes/frozen.py).
const (
	feeds  = `"input_1":[[0,0,0,0]],"keep_prob":1`
	answer = `[[0.75,1.0,1.25]]`
)

// Requests name the inputs and outputs of a frozen graph by operation, tensor or
// configured name, choose among outputs, and reach others only where the
// operator lets them.
func TestTensorsOfAFrozenGraphAreNamedAndChosen(t *testing.T) {
	t.Parallel()
	const relu = `[[0.5,0.0]]` // of the hidden layer
	for _, c := range []struct {
		name      string
		settings  []string
		exchanges []exchange
	}{
		{"by operation and tensor", nil, []exchange{
			{`{"inputs":{` + feeds + `}}`, 200, `{"outputs":` + answer + `}`},
			{`{"inputs":{"input_1:0":[[0,0,0,0]],"keep_prob:0":1}}`, 200, `{"outputs":` + answer + `}`},
			{`{"inputs":{` + feeds + `},"output_filter":["dense_1/BiasAdd"]}`, 200, `{"outputs":` + answer + `}`},
			{`{"inputs":{` + feeds + `},"output_filter":["dense_1/BiasAdd:0"]}`, 200, `{"outputs":` + answer + `}`},
			{`{"inputs":{` + feeds + `},"signature_name":"serving_default"}`, 200, `{"outputs":` + answer + `}`},
			{`{"inputs":{` + feeds + `},"output_filter":["Relu"]}`, 400, "output tensor alias not found in signature: Relu"},
			{`{"inputs":{` + feeds + `},"output_filter":["dense_1/BiasAdd:1"]}`, 400, "output tensor alias not found in signature: dense_1/BiasAdd:1"},
			{`{"inputs":{` + feeds + `},"output_filter":["dense_1/BiasAdd","dense_1/BiasAdd"]}`, 400, "duplicate output tensor alias: dense_1/BiasAdd"},
			{`{"inputs":{` + feeds + `},"output_filter":"dense_1/BiasAdd"}`, 400, "output_filter"},
			{`{"inputs":{"Relu":[[0,0]],"keep_prob":1}}`, 400, "Missing named input: input_1"},
			{`{"inputs":{"input_1":[[0,0,0,0]]}}`, 400, "Missing named input: keep_prob"},
		}},
		{"by MODEL_INPUTS and MODEL_OUTPUTS", []string{"MODEL_INPUTS=features=input_1:0,keep=keep_prob", "MODEL_OUTPUTS=logits=dense_1/BiasAdd,hidden=Relu:0"}, []exchange{
			{`{"inputs":{"features":[[0,0,0,0]],"keep":1}}`, 200, `{"outputs":{"hidden":` + relu + `,"logits":` + answer + `}}`},
			{`{"inputs":{` + feeds + `},"output_filter":["logits"]}`, 200, `{"outputs":` + answer + `}`},
			{`{"inputs":{"features":[[0,0,0,0]],"keep":1},"output_filter":["Relu","logits"]}`, 200, `{"outputs":{"Relu":` + relu + `,"logits":` + answer + `}}`},
			{`{"inputs":{"features":[[0,0,0,0]],"input_1":[[0,0,0,0]],"keep":1}}`, 400, "input_1"},
		}},
		{"by an inner input, which makes the placeholders needless", []string{"MODEL_INPUTS=x=mul:0"}, []exchange{
			{`{"instances":[[0.5,0.0]]}`, 200, `{"predictions":` + answer + `}`},
		}},
		{"any, with MODEL_ANY_TENSOR", []string{"MODEL_ANY_TENSOR=true"}, []exchange{
			{`{"inputs":{` + feeds + `}}`, 200, `{"outputs":` + answer + `}`},
			{`{"inputs":{` + feeds + `},"output_filter":["Relu:0","dense_1/BiasAdd"]}`, 200, `{"outputs":{"Relu:0":` + relu + `,"dense_1/BiasAdd":` + answer + `}}`},
			{`{"inputs":{` + feeds + `},"output_filter":["dense/bias"]}`, 200, `{"outputs":[0.5,0.0]}`},
			{`{"inputs":{` + feeds + `},"output_filter":["dense/bias:1"]}`, 400, "output tensor alias not found in signature: dense/bias:1"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := startServer(t, absolute(t, "models/two_placeholders.pb"), append(c.settings, raw(t))...)
			for _, x := range c.exchanges {
				x.check(t, s.predict(x.request))
			}
		})
	}
}

// The outputs of a SavedModel can be chosen too; tensors inside it stay inside.
func TestOutputsOfASavedModelAreChosen(t *testing.T) {
	t.Parallel()
	s := startServer(t, absolute(t, "models/multi"), raw(t))
	const inputs = `"inputs":{"a":[[1,2,3]],"b":[2]}`
	for _, x := range []exchange{
		{`{` + inputs + `,"output_filter":["sum"]}`, 200, `{"outputs":[8.0]}`},
		{`{` + inputs + `,"output_filter":["rounded","product"]}`, 200, `{"outputs":{"rounded":[[1,2,3]],"product":[[2.0,4.0,6.0]]}}`},
		{`{"instances":[{"a":[1,2,3],"b":2}],"output_filter":["sum"]}`, 200, `{"predictions":[8.0]}`},
		{`{` + inputs + `,"output_filter":["StatefulPartitionedCall"]}`, 400, "output tensor alias not found in signature"},
	} {
		x.check(t, s.predict(x.request))
	}
}
