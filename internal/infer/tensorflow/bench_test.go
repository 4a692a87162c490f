package tensorflow_test

import (
	"os"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/infer/tensorflow"
)

// BenchmarkRun runs the demo model by one caller after another and by several at
// once, as the program does and with a pool of threads between the operations.
func BenchmarkRun(b *testing.B) {
	graph, err := os.ReadFile("../../../models/digits/digits.pb")
	if err != nil {
		b.Fatal(err)
	}
	for name, threads := range map[string]int{"caller": 1, "pool": 2} {
		definition, err := tensorflow.ReadGraph(graph, tensorflow.Options{InterOpThreads: threads})
		if err != nil {
			b.Fatal(err)
		}
		runner, err := definition.Load()
		if err != nil {
			b.Fatal(err)
		}
		defer runner.Close()
		run := digit(b, runner)
		b.Run(name+"/one", func(b *testing.B) {
			for b.Loop() {
				run()
			}
		})
		b.Run(name+"/parallel", func(b *testing.B) {
			b.SetParallelism(2)
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					run()
				}
			})
		})
	}
}

// digit is a run on one image, made once for TensorFlow to prepare the graph.
func digit(b *testing.B, runner infer.Runner) func() {
	b.Helper()
	signature, err := runner.Catalog().Signature("")
	if err != nil {
		b.Fatal(err)
	}
	image, err := infer.NewTensor(infer.Float, []int64{1, 8, 8, 1}, make([]byte, 256))
	if err != nil {
		b.Fatal(err)
	}
	feeds := []infer.Feed{{TensorInfo: signature.Inputs[0], Value: image}}
	run := func() {
		if _, err := runner.Run(b.Context(), feeds, signature.Outputs); err != nil {
			b.Error(err)
		}
	}
	run()
	return run
}
