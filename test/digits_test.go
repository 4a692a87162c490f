package test

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// digits is the demo model's sample request and what Python's TensorFlow answers
// to it.
type digits struct {
	Request     string
	Images      []json.RawMessage
	Predictions [][]float64
	Tolerance   float64
}

var readDigits = sync.OnceValues(func() (*digits, error) { return loadDigits(digitsFolder) })

func loadDigits(dir string) (*digits, error) {
	request, err := os.ReadFile(filepath.Join(dir, "samples.json"))
	if err != nil {
		return nil, err
	}
	answer, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		return nil, err
	}
	d := &digits{Request: string(request)}
	var instances struct{ Instances []json.RawMessage }
	err = errors.Join(json.Unmarshal(request, &instances), json.Unmarshal(answer, d))
	d.Images = instances.Instances
	return d, err
}

func sample(t *testing.T) *digits {
	t.Helper()
	d, err := readDigits()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// check compares a body with Python's predictions for the images from first on.
func (d *digits) check(t *testing.T, r reply, first, count int) {
	t.Helper()
	var body struct{ Predictions [][]float64 }
	if err := json.Unmarshal([]byte(r.Body), &body); err != nil || r.StatusCode != http.StatusOK {
		t.Errorf("answer %d %.500q: %v", r.StatusCode, r.Body, err)
		return
	}
	if len(body.Predictions) != count {
		t.Errorf("%d predictions for %d images", len(body.Predictions), count)
		return
	}
	for i, got := range body.Predictions {
		want := d.Predictions[first+i]
		if len(got) != len(want) {
			t.Errorf("image %d: %d probabilities, want %d", first+i, len(got), len(want))
			continue
		}
		for j := range want {
			if !(math.Abs(got[j]-want[j]) <= d.Tolerance) {
				t.Errorf("image %d, digit %d: %v, Python says %v", first+i, j, got[j], want[j])
			}
		}
	}
}

// image is a request for one of the images.
func (d *digits) image(i int) string { return `{"instances":[` + string(d.Images[i]) + `]}` }

// checkAll asks a function for all images.
func (d *digits) checkAll(t *testing.T, f *function) {
	t.Helper()
	d.check(t, f.ask(post, "/v1/models/digits:predict", d.Request), 0, len(d.Images))
}

// Sample events as AWS sends them are answered with what Python says.
func TestAPIGatewayEventsAreAnsweredWithPredictions(t *testing.T) {
	t.Parallel()
	d := sample(t)
	f := readyFunction(t, "MODEL_URI="+uri(t, digitsInStore))
	for _, name := range []string{"apigateway-v1.json", "apigateway-v1-base64.json", "apigateway-v2.json", "apigateway-v2-base64.json"} {
		t.Run(name, func(t *testing.T) {
			r := f.invoke(read(t, filepath.Join("../events", name)))
			d.check(t, r, 0, 1)
			if r.IsBase64Encoded {
				t.Error("JSON comes back as base64, which clients behind an API without binary media types would see")
			}
		})
	}
	d.checkAll(t, f)
}
