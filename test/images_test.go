package test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/runtimeapi"
)

// picture is an image of the samples as a PNG, and as the numbers that its pixels are.
func picture(t *testing.T, sample json.RawMessage) (encoded []byte, pixels string) {
	t.Helper()
	var values [][][]float64
	if err := json.Unmarshal(sample, &values); err != nil {
		t.Fatal(err)
	}
	grey := image.NewGray(image.Rect(0, 0, len(values[0]), len(values)))
	for y, row := range values {
		for x, v := range row {
			level := math.Round(v[0] * 255)
			grey.SetGray(x, y, color.Gray{Y: uint8(level)})
			v[0] = float64(float32(level) / 255)
		}
	}
	var buf bytes.Buffer
	if err := png.Encode(&buf, grey); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	return buf.Bytes(), string(text)
}

// imageEvent is a picture as a request over an HTTP API, which hands it on in base64.
func imageEvent(t *testing.T, path, contentType string, body []byte) []byte {
	t.Helper()
	var event map[string]any
	if err := json.Unmarshal(gatewayV2(post, path, base64.StdEncoding.EncodeToString(body)), &event); err != nil {
		t.Fatal(err)
	}
	path, query, _ := strings.Cut(path, "?")
	event["rawPath"], event["rawQueryString"], event["isBase64Encoded"] = path, query, true
	event["headers"].(map[string]any)["content-type"] = contentType
	text, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// A picture of a digit is answered as its pixels are, however it comes, and the classes
// have names.
func TestPicturesOfDigits(t *testing.T) {
	t.Parallel()
	d := sample(t)
	model := absolute(t, digitsFolder+"/digits.tar.gz") // which has labels.txt beside it
	f := readyFunction(t, "MODEL_URI="+model, "MODEL_LABELS=labels.txt", raw(t))
	const path = "/v1/models/digits:predict"
	type answer struct {
		Predictions, Outputs [][]float64
		Top                  [][]struct {
			Index int
			Label string
			Score float64
		}
	}
	read := func(r reply) (a answer) {
		t.Helper()
		if err := json.Unmarshal([]byte(r.Body), &a); err != nil || r.StatusCode != http.StatusOK {
			t.Fatalf("answer %d %.300s: %v", r.StatusCode, r.Body, err)
		}
		return a
	}
	for i, digit := range []int{3, 7, 8} { // what models/digits/README.md says they are
		encoded, pixels := picture(t, d.Images[i])
		b64 := `{"b64":"` + base64.StdEncoding.EncodeToString(encoded) + `"}`
		want := read(f.ask(post, path, `{"instances":[`+pixels+`]}`)).Predictions
		if len(want) != 1 || slices.Index(want[0], slices.Max(want[0])) != digit {
			t.Fatalf("the pixels of a %d are answered by %v", digit, want)
		}
		body := read(f.invoke(imageEvent(t, path+"?top=2", "image/png", encoded)))
		if !slices.Equal(body.Predictions[0], want[0]) {
			t.Errorf("the picture is answered by %v, its pixels by %v", body.Predictions, want)
		}
		top := body.Top[0]
		if len(top) != 2 || top[0].Index != digit || top[0].Label != string(rune('0'+digit)) || top[0].Score != want[0][digit] || top[1].Score > top[0].Score {
			t.Errorf("a %d has the best classes %+v", digit, top)
		}
		for name, got := range map[string][][]float64{
			"a row":    read(f.ask(post, path, `{"instances":[`+b64+`]}`)).Predictions,
			"a column": read(f.ask(post, path, `{"inputs":{"image":[`+b64+`]}}`)).Outputs,
		} {
			if len(got) != 1 || !slices.Equal(got[0], want[0]) {
				t.Errorf("%s is answered by %v, its pixels by %v", name, got, want)
			}
		}
		var v2 struct{ Outputs []struct{ Data []float64 } }
		r := f.ask(post, "/v2/models/digits/infer", `{"inputs":[{"name":"image","shape":[1],"datatype":"BYTES","data":["`+base64.StdEncoding.EncodeToString(encoded)+`"]}]}`)
		if err := json.Unmarshal([]byte(r.Body), &v2); err != nil || len(v2.Outputs) != 1 || len(v2.Outputs[0].Data) != 10 || slices.Index(v2.Outputs[0].Data, slices.Max(v2.Outputs[0].Data)) != digit {
			t.Errorf("v2 answers %s (%v)", r.Body, err)
		}
		if result, err := f.Invoke(t.Context(), []byte(`{"instances":[`+b64+`]}`), runtimeapi.Options{}); err != nil || result.ErrorType != "" {
			t.Errorf("a direct call: %s %v", result.ErrorMessage, err)
		}
	}
	refused(t, f.invoke(imageEvent(t, path, "image/jpeg", []byte("\xff\xd8\xff"))), 400, "not an image in JPEG or PNG")
	refused(t, f.invoke(imageEvent(t, path, "application/json", []byte("\x89PNG\r\n\x1a\n"))), 400, "Content-Type: image/png")
}

// A picture for an input without a batch is its whole value. The mean of its pixels says
// that it arrived.
func TestAPictureForAnInputWithoutABatch(t *testing.T) {
	t.Parallel()
	f := readyFunction(t, "MODEL_URI="+absolute(t, "models/one_image"), "MODEL_NAME=colours", raw(t))
	magenta := image.NewRGBA(image.Rect(0, 0, 4, 4))
	draw.Draw(magenta, magenta.Bounds(), image.NewUniform(color.RGBA{255, 0, 255, 255}), image.Point{}, draw.Src)
	var buf bytes.Buffer
	if err := png.Encode(&buf, magenta); err != nil {
		t.Fatal(err)
	}
	file := base64.StdEncoding.EncodeToString(buf.Bytes())
	const path, colour = "/v1/models/colours:predict", `[1.0,0.0,1.0]`
	same := func(name string, r reply, want string) {
		t.Helper()
		var got, wanted any
		if err := errors.Join(json.Unmarshal([]byte(r.Body), &got), json.Unmarshal([]byte(want), &wanted)); err != nil || r.StatusCode != http.StatusOK || !reflect.DeepEqual(got, wanted) {
			t.Errorf("%s: answer %d %.300s (%v), want %s", name, r.StatusCode, r.Body, err, want)
		}
	}
	same("a body", f.invoke(imageEvent(t, path+"?top=1", "image/png", buf.Bytes())), `{"outputs":`+colour+`,"top":[[{"index":0,"score":1}]]}`)
	same("the only input", f.ask(post, path, `{"inputs":{"b64":"`+file+`"}}`), `{"outputs":`+colour+`}`)
	same("by name", f.ask(post, path, `{"inputs":{"image":{"b64":"`+file+`"}}}`), `{"outputs":`+colour+`}`)
	same("planes", f.ask(post, path, `{"signature_name":"planes","inputs":{"b64":"`+file+`"}}`), `{"outputs":255}`)
	same("v2", f.ask(post, "/v2/models/colours/infer", `{"inputs":[{"name":"image","shape":[1],"datatype":"BYTES","data":["`+file+`"]}]}`),
		`{"model_name":"colours","model_version":"1","outputs":[{"name":"colour","datatype":"FP32","shape":[3],"data":`+colour+`}]}`)
	refused(t, f.ask(post, path, `{"instances":[{"b64":"`+file+`"}]}`), 400, `takes one image and has no rows`)
	refused(t, f.ask(post, path, `{"inputs":[{"b64":"`+file+`"},{"b64":"`+file+`"}]}`), 400, `takes one image, and there are 2`)
}

// A row of a file may be a picture as well.
func TestPicturesAmongRows(t *testing.T) {
	t.Parallel()
	d := sample(t)
	model := absolute(t, digitsFolder+"/digits.tar.gz")
	f := scorer(t, "MODEL_URI="+model, raw(t))
	encoded, pixels := picture(t, d.Images[0])
	b64 := `{"b64":"` + base64.StdEncoding.EncodeToString(encoded) + `"}`
	in := drop(t, "rows.jsonl", strings.Join([]string{b64, `{"b64":"AAAA"}`, `{"image":` + b64 + `}`, pixels}, "\n")+"\n")
	if result := f.send(s3Event(in)); result.ErrorType != "" {
		t.Fatal(result.ErrorMessage)
	}
	output, ok := outputOf(t, in)
	rows := lines(output)
	if !ok || len(rows) != 4 || rows[0] != rows[3] || rows[2] != rows[3] || !strings.Contains(rows[1], "not an image in JPEG or PNG") {
		t.Errorf("output %s", output)
	}
}

// Labels for another model are a warning of the start, which goes on.
func TestLabelsThatFitNoOutputAreAWarning(t *testing.T) {
	t.Parallel()
	model := filepath.Join(t.TempDir(), "image")
	if err := os.CopyFS(model, os.DirFS(absolute(t, "models/image"))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(model, "labels.txt"), []byte("a\nb\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, model, "MODEL_LABELS=labels.txt", raw(t))
	var report struct{ Warnings []string }
	r := s.request(get, s.base+"/debug/coldstart", "")
	if err := json.Unmarshal([]byte(r.Body), &report); err != nil || !slices.Contains(report.Warnings, "MODEL_LABELS has 2 labels; no output of the model has 2 classes, but 10") {
		t.Errorf("the report is %s (%v)", r.Body, err)
	}
}

// What is wrong with the labels is said before anybody asks.
func TestLabelsThatAreMissingAreAFault(t *testing.T) {
	t.Parallel()
	f := startFunction(t, "MODEL_URI="+absolute(t, digitsFolder+"/digits.tar.gz"), "MODEL_LABELS=names.txt", raw(t))
	if reported, status := f.failure(); status != 1 || reported.Type != "Model.Labels" || !strings.Contains(reported.Message, "names.txt is neither in the model nor at") {
		t.Errorf("status %d, %v", status, reported)
	}
}
