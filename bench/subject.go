package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/tensorlambda/tensorlambda/internal/versitygw"
)

// subject is a model that starts are measured with, and a request for it.
type subject struct {
	name       string
	key        string // of its archive in the bucket
	packedFrom string // the subject that it was packed from, "" for none
	classes    int    // numbers in an answer

	event     []byte
	eventFile string

	// For the floor: the unpacked model, its input and output, the input's shape.
	folder        string
	input, output string
	shape         []string
}

func (s *subject) uri() string { return "s3://" + bucket + "/" + s.key }

// check compares an answer with the first one to the same request.
func (s *subject) check(answer [][]float64, want *[][]float64) error {
	switch {
	case answer == nil: // the floor runs on zeros
		return nil
	case len(answer) != 1 || len(answer[0]) != s.classes:
		return fmt.Errorf("answered %.200v", answer)
	case *want == nil:
		*want = answer
	}
	for i, got := range answer[0] {
		if math.Abs(got-(*want)[0][i]) > 1e-4 {
			return fmt.Errorf("class %d is %v for one and %v for the other", i, (*want)[0][i], got)
		}
	}
	return nil
}

// benchModels is where the models are kept: their making takes a quarter of a minute.
const benchModels = "build/bench"

func makeModels(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(benchModels, "vocabulary", "saved_model.pb")); err == nil {
		return nil
	}
	if err := os.MkdirAll(benchModels, 0o755); err != nil {
		return err
	}
	return runQuietly(ctx, "build/venv/bin/python", "bench/python/models.py", benchModels)
}

// makeSubjects makes the models and brings them into the bucket.
func makeSubjects(ctx context.Context, server *versitygw.Server, dir string) ([]*subject, error) {
	const models = benchModels
	if err := makeModels(ctx); err != nil {
		return nil, err
	}
	const mobilenet = "MobileNetV2 as Keras exports it"
	digits := filepath.Join(dir, "digits")
	if err := os.Mkdir(digits, 0o755); err != nil {
		return nil, err
	}
	if err := runQuietly(ctx, "tar", "-xzf", "models/digits/digits.tar.gz", "-C", digits); err != nil {
		return nil, err
	}
	digits, err := holder(digits)
	if err != nil {
		return nil, err
	}
	subjects := []*subject{
		{name: "demo model", key: modelKey, classes: 10, folder: digits,
			input: "serving_default_image", output: "StatefulPartitionedCall", shape: []string{"1", "8", "8", "1"}},
		{name: mobilenet, key: "mobilenet.tar.gz", classes: 1000, folder: filepath.Join(models, "mobilenet"),
			input: "serving_default_keras_tensor", output: "StatefulPartitionedCall_1", shape: []string{"1", "224", "224", "3"}},
		{name: "the same, packed", key: "packed.tar.gz", classes: 1000, packedFrom: mobilenet},
		{name: "words, with a hash table", key: "vocabulary.tar.gz", classes: 4, folder: filepath.Join(models, "vocabulary"),
			input: "serving_default_text", output: "StatefulPartitionedCall"},
	}
	for _, s := range subjects {
		archive := filepath.Join(dir, s.key)
		switch {
		case s.key == modelKey:
			archive = filepath.Join("models", "digits", modelKey)
		case s.packedFrom != "":
			err = runQuietly(ctx, "build/bootstrap", "pack", filepath.Join(models, "mobilenet"), archive)
		default:
			err = runQuietly(ctx, "tar", "-czf", archive, "-C", s.folder, ".")
		}
		if err == nil {
			err = put(ctx, server, s.key, archive)
		}
		if err == nil {
			err = s.makeEvent(dir)
		}
		if err != nil {
			return nil, err
		}
	}
	return subjects, nil
}

// holder is the folder below dir, or dir itself, that holds the SavedModel.
func holder(dir string) (string, error) {
	found, err := filepath.Glob(filepath.Join(dir, "*", "saved_model.pb"))
	if err != nil || len(found) == 0 {
		return dir, err
	}
	return filepath.Dir(found[0]), nil
}

// makeEvent writes an API Gateway event with a request for the model.
func (s *subject) makeEvent(dir string) error {
	content, err := os.ReadFile(eventFile)
	if err != nil {
		return err
	}
	s.event, s.eventFile = content, eventFile
	var instance any = "word1 word17 other"
	switch s.classes {
	case 10: // the demo model's own event
		return nil
	case 1000:
		random, image := rand.New(rand.NewPCG(1, 1)), make([][][3]float64, 224)
		for y := range image {
			image[y] = make([][3]float64, 224)
			for x := range image[y] {
				for c := range 3 {
					image[y][x][c] = math.Round(random.Float64()*1e3) / 1e3
				}
			}
		}
		instance = image
	}
	body, err := json.Marshal(map[string]any{"instances": []any{instance}})
	if err != nil {
		return err
	}
	var event map[string]any
	if err := json.Unmarshal(content, &event); err != nil {
		return err
	}
	event["body"], event["isBase64Encoded"] = string(body), false
	if s.event, err = json.Marshal(event); err != nil {
		return err
	}
	s.eventFile = filepath.Join(dir, s.key+".json")
	return os.WriteFile(s.eventFile, s.event, 0o600)
}

// compileFloor compiles bench/floor against the headers of the library, which it also
// unpacks.
func compileFloor(ctx context.Context, to string) error {
	if err := runQuietly(ctx, "go", "run", "./layer", "-raw", "build/raw"); err != nil {
		return err
	}
	return runQuietly(ctx, "cc", "-O2", "-Ibuild/include", "-o", to, "bench/floor/floor.c", "-ldl")
}

// runQuietly runs a program whose output nobody needs unless it fails.
func runQuietly(ctx context.Context, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), "TENSORFLOW_LIB=build/layer/lib")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", program, err, out)
	}
	return nil
}
