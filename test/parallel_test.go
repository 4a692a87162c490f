package test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// question is a request to a model's path, and all of what it is answered.
type question struct {
	path, body string
	jsonLength int // of the header Inference-Header-Content-Length; 0 for none
	want       string
}

// sameAgain are questions to the model dtypes, which gives back what it is given:
// in both protocols, as JSON and in binary, in different types and shapes. Halves,
// unsigned integers and strings take detours on their way into TensorFlow.
func sameAgain() (asked []question) {
	for _, n := range []int{1, 3, 2000} {
		ints, bytes := strings.TrimSuffix(strings.Repeat("7,", n), ","), strings.Repeat("\x07\x00\x00\x00", n)
		var words string
		for i := range n {
			words += fmt.Sprintf("\x04\x00\x00\x00%04d", i)
		}
		asked = append(asked,
			question{":predict", `{"signature_name":"int64","instances":[` + ints + `]}`, 0, `{"predictions":[` + ints + `]}`},
			question{":predict", `{"signature_name":"uint8","inputs":[[` + ints + `]]}`, 0, `{"outputs":[[` + ints + `]]}`},
			question{"/infer", inferHead("half", "FP16", n, `"data":[`+ints+`]`, false), 0,
				inferAnswer("FP16", n, `"data":[`+strings.ReplaceAll(ints, "7", "7.0")+`]`)},
			inBinary("uint32", "UINT32", n, bytes),
			inBinary("float", "FP32", n, bytes),
			inBinary("string", "BYTES", n, words),
		)
	}
	return asked
}

func inferHead(signature, datatype string, n int, data string, binary bool) string {
	return fmt.Sprintf(`{"parameters":{"signature_name":%q,"binary_data_output":%t},"inputs":[{"name":"x","shape":[1,%d],"datatype":%q,%s}]}`,
		signature, binary, n, datatype, data)
}

func inferAnswer(datatype string, n int, data string) string {
	return fmt.Sprintf(`{"model_name":"dtypes","model_version":"1","outputs":[{"name":"y","datatype":%q,"shape":[1,%d],%s}]}`, datatype, n, data)
}

func inBinary(signature, datatype string, n int, data string) question {
	size := fmt.Sprintf(`"parameters":{"binary_data_size":%d}`, len(data))
	head := inferHead(signature, datatype, n, size, true)
	return question{"/infer", head + data, len(head), inferAnswer(datatype, n, size) + data}
}

func (q question) headers() map[string]string {
	if q.jsonLength == 0 {
		return nil
	}
	return map[string]string{"inference-header-content-length": fmt.Sprint(q.jsonLength)}
}

func (q question) check(t *testing.T, r reply, err error) {
	t.Helper()
	if err != nil || r.StatusCode != http.StatusOK || r.Body != q.want {
		t.Errorf("%s %.100q: got %d %.200q (%v), want %.200q", q.path, q.body, r.StatusCode, r.Body, err, q.want)
	}
}

// prefix is the path in front of a question's.
func (q question) prefix() string {
	if q.path == "/infer" {
		return "/v2/models/dtypes"
	}
	return "/v1/models/dtypes"
}

// post asks a server, on any goroutine.
func (q question) post(s *server) (reply, error) {
	req, err := http.NewRequestWithContext(s.t.Context(), post, s.base+q.prefix()+q.path, strings.NewReader(q.body))
	if err != nil {
		return reply{}, err
	}
	req.Header.Set("Accept-Encoding", "identity")
	for name, value := range q.headers() {
		req.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		return reply{}, err
	}
	return readReply(response)
}

// event is the question as an HTTP API sends bodies that may not be text.
func (q question) event() []byte {
	var event map[string]any
	if err := json.Unmarshal(gatewayV2(post, q.prefix()+q.path, base64.StdEncoding.EncodeToString([]byte(q.body))), &event); err != nil {
		panic(err) // it was encoded just now
	}
	event["isBase64Encoded"], event["headers"] = true, q.headers()
	encoded, err := json.Marshal(event)
	if err != nil {
		panic(err)
	}
	return encoded
}

// Requests of both protocols that come at once get the answers that each gets
// alone, over a port and on a managed instance.
func TestMixedRequestsAtOnceGetTheirOwnAnswers(t *testing.T) {
	t.Parallel()
	asked := sameAgain()
	s := startServer(t, absolute(t, "models/dtypes"), raw(t))
	f := readyFunction(t, "MODEL_URI="+absolute(t, "models/dtypes"), raw(t), "AWS_LAMBDA_MAX_CONCURRENCY=4")
	fronts := map[string]func(q question) (reply, error){
		"serve":    func(q question) (reply, error) { return q.post(s) },
		"function": func(q question) (reply, error) { return f.tryInvoke(q.event(), time.Time{}) },
	}
	for name, ask := range fronts {
		t.Run(name, func(t *testing.T) {
			for _, q := range asked {
				r, err := ask(q)
				q.check(t, r, err)
			}
			inParallel(4, func(worker int) {
				for round := range 3 * len(asked) {
					q := asked[(worker*5+round*(2*worker+1))%len(asked)]
					r, err := ask(q)
					q.check(t, r, err)
				}
			})
		})
	}
}
