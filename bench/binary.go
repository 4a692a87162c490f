package main

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
)

const binaryRounds = 1000

// benchBinary measures what an image of 224×224×3 floats as a binary tensor of the
// Open Inference Protocol costs beyond the run of the session: over HTTP, and as
// an API Gateway event, in which the body is base64 inside JSON.
func benchBinary(ctx context.Context) error {
	image := newPixels[float32]()
	bare, err := newBareSession(imageModel, "image", "probabilities", [1][224][224][3]float32(*image))
	if err != nil {
		return err
	}
	expected, err := bare.answer()
	if err != nil {
		return err
	}
	header, body, err := binaryRequest(image)
	if err != nil {
		return err
	}
	overHTTP, err := binaryOverHTTP(ctx, bare, header, body, expected)
	if err != nil {
		return fmt.Errorf("binary tensor over HTTP: %w", err)
	}
	asEvent, err := binaryAsEvent(ctx, bare, header, body, expected)
	if err != nil {
		return fmt.Errorf("binary tensor in an event: %w", err)
	}
	fmt.Printf("| 1×224×224×3 floats as a binary tensor, medians of %d pairs | request | bare Session.Run | everything else |\n|---|---|---|---|\n", binaryRounds)
	for _, row := range []struct {
		name string
		turns
	}{{"`bootstrap serve`, HTTP on this machine", overHTTP}, {"API Gateway event, base64", asEvent}} {
		whole, session := median(row.whole), median(row.session)
		fmt.Printf("| %s | %.2f ms | %.2f ms | **%.2f ms** |\n", row.name, ms(whole), ms(session), ms(whole-session))
	}
	fmt.Println()
	return nil
}

func binaryOverHTTP(ctx context.Context, bare *bareSession, header http.Header, body []byte, expected []float32) (t turns, err error) {
	s, err := startServer(ctx, "tensorlambda", "build/bootstrap", "serve", "--addr", "127.0.0.1:0", imageModel)
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	request, err := rawRequest("/v2/models/bench/infer", header, body)
	if err != nil {
		return t, err
	}
	c, err := dialAlone(ctx, s.addr)
	if err != nil {
		return t, err
	}
	defer c.close()
	return takeTurns(binaryRounds, bare,
		func() ([]byte, error) { err := c.do(request); return c.answer, err },
		func(reply []byte) error { return checkBinary(reply, expected) })
}

func binaryAsEvent(ctx context.Context, bare *bareSession, header http.Header, body []byte, expected []float32) (t turns, err error) {
	handler, runner, err := newHandler("bench", imageModel)
	if err != nil {
		return t, err
	}
	defer runner.Close()
	event, err := gatewayEvent("/v2/models/bench/infer", header, body)
	if err != nil {
		return t, err
	}
	return takeTurns(binaryRounds, bare,
		func() ([]byte, error) { return handler.Invoke(ctx, event) },
		func(reply []byte) error {
			var decoded struct {
				StatusCode int
				Body       []byte // base64
			}
			if err := json.Unmarshal(reply, &decoded); err != nil || decoded.StatusCode != http.StatusOK {
				return fmt.Errorf("reply %.200q is no 200 with a body in base64", reply)
			}
			return checkBinary(decoded.Body, expected)
		})
}

// binaryRequest asks for the answer as a binary tensor, too.
func binaryRequest(image *pixels[float32]) (header http.Header, body []byte, err error) {
	tensor, err := binary.Append(nil, binary.LittleEndian, image)
	if err != nil {
		return nil, nil, err
	}
	body = fmt.Appendf(nil, `{"inputs":[{"name":"image","shape":[1,224,224,3],"datatype":"FP32","parameters":{"binary_data_size":%d}}],"parameters":{"binary_data_output":true}}`, len(tensor))
	header = http.Header{
		"Content-Type":                    {"application/octet-stream"},
		"Inference-Header-Content-Length": {strconv.Itoa(len(body))},
	}
	return header, append(body, tensor...), nil
}

// checkBinary looks at the end of a reply, where its only tensor is.
func checkBinary(reply []byte, expected []float32) error {
	got, size := make([]float32, len(expected)), 4*len(expected)
	if len(reply) < size {
		return fmt.Errorf("reply %.200q is too short", reply)
	}
	if _, err := binary.Decode(reply[len(reply)-size:], binary.LittleEndian, got); err != nil {
		return err
	}
	if !near(doubles(got), doubles(expected)) {
		return fmt.Errorf("answered %v, want %v", got, expected)
	}
	return nil
}

func doubles(floats []float32) []float64 {
	d := make([]float64, len(floats))
	for i, f := range floats {
		d[i] = float64(f)
	}
	return d
}

// gatewayEvent is the sample event of an HTTP API with another request in it.
func gatewayEvent(path string, header http.Header, body []byte) ([]byte, error) {
	content, err := os.ReadFile(eventFile)
	if err != nil {
		return nil, err
	}
	var event map[string]any
	if err := json.Unmarshal(content, &event); err != nil {
		return nil, fmt.Errorf("sample event: %w", err)
	}
	fields := make(map[string]string)
	for name := range header {
		fields[strings.ToLower(name)] = header.Get(name)
	}
	event["rawPath"], event["headers"] = "/prod"+path, fields
	event["body"], event["isBase64Encoded"] = base64.StdEncoding.EncodeToString(body), true
	return json.Marshal(event)
}
