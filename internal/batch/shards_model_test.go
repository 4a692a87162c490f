package batch

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// scalar is the model y = x/2 + 2 over single numbers.
type scalar struct {
	name   string       // "half" if empty
	before func() error // before each run, where set
}

func (m *scalar) model() *infer.Model {
	name := m.name
	if name == "" {
		name = "half"
	}
	return &infer.Model{Name: name, Version: "1", Identity: name, SHA256: "abcd", Runner: m}
}

func (m *scalar) Catalog() *infer.Catalog {
	tensor := func(name string) []infer.TensorInfo {
		return []infer.TensorInfo{{Name: name, Tensor: name + ":0", DType: infer.Float, Shape: infer.Shape{-1}}}
	}
	return &infer.Catalog{Default: "serving_default", Signatures: map[string]*infer.Signature{"serving_default": {
		Name: "serving_default", Method: "tensorflow/serving/predict", Inputs: tensor("x"), Outputs: tensor("y"),
	}}}
}

func (m *scalar) Run(_ context.Context, feeds []infer.Feed, _ []infer.TensorInfo) ([]*infer.Tensor, error) {
	if m.before != nil {
		if err := m.before(); err != nil {
			return nil, err
		}
	}
	x := feeds[0].Value
	var y []byte
	for i := 0; i < len(x.Data); i += 4 {
		v := math.Float32frombits(binary.LittleEndian.Uint32(x.Data[i:]))
		y = binary.LittleEndian.AppendUint32(y, math.Float32bits(v/2+2))
	}
	t, err := infer.NewTensor(infer.Float, x.Shape, y)
	return []*infer.Tensor{t}, err
}

func (m *scalar) Close() error { return nil }

// queue is what was sent and not done yet.
type queue struct {
	crash *crash // nil, or what may happen to a Send too

	mu    sync.Mutex
	tasks []Task
}

func (q *queue) Send(ctx context.Context, tasks []Task) error {
	crashes := q.crash.hit("send")
	if crashes && !q.crash.lose {
		q.crash.die()
		return ctx.Err()
	}
	for _, t := range tasks {
		q.back(t)
	}
	if crashes {
		q.crash.die()
	}
	return ctx.Err()
}

func (q *queue) take() (Task, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.tasks) == 0 {
		return Task{}, false
	}
	t := q.tasks[0]
	q.tasks = q.tasks[1:]
	return t, true
}

func (q *queue) back(t Task) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.tasks = append(q.tasks, t)
}

// all takes everything, as index.hop.
func (q *queue) all() string {
	var list []string
	for {
		t, ok := q.take()
		if !ok {
			return strings.Join(list, " ")
		}
		list = append(list, fmt.Sprint(t.Index, ".", t.Hop))
	}
}

// takeShard takes the tasks of a shard out of the queue.
func (q *queue) takeShard(shard int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.tasks = slices.DeleteFunc(q.tasks, func(t Task) bool { return t.Index == shard })
}
