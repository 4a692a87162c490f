package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"

	tf "github.com/galeone/tensorflow/tensorflow/go"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// blockRows is BATCH_ROWS.
const blockRows = 256

// threads is how many goroutines the pipeline of batch scoring has for blocks.
func threads() int { return runtime.NumCPU() + 1 }

// bareBatch is the least that scoring JSON lines can be: parsing alone, and the runs
// of the session over the same batches, with all of the input in memory, and in C
// memory for the runs.
type bareBatch struct {
	catalog *infer.Catalog
	blocks  [][]byte // whole lines
	session *bareSession
	tensors []*tf.Tensor
}

func newBareBatch(folder string, text []byte) (*bareBatch, error) {
	session, err := newBareSession(folder, "image", "probabilities", [1][8][8][1]float32{})
	if err != nil {
		return nil, err
	}
	signature := &infer.Signature{
		Name:    "serving_default",
		Inputs:  []infer.TensorInfo{{Name: "image", Tensor: "image:0", DType: infer.Float, Shape: infer.Shape{-1, 8, 8, 1}}},
		Outputs: []infer.TensorInfo{{Name: "probabilities", Tensor: "probabilities:0", DType: infer.Float, Shape: infer.Shape{-1, 10}}},
	}
	b := &bareBatch{
		catalog: &infer.Catalog{Signatures: map[string]*infer.Signature{signature.Name: signature}, Default: signature.Name},
		session: session,
	}
	for len(text) > 0 {
		n := 0
		for range blockRows {
			k := bytes.IndexByte(text[n:], '\n')
			if k < 0 {
				break
			}
			n += k + 1
		}
		b.blocks, text = append(b.blocks, text[:n]), text[n:]
	}
	for _, block := range b.blocks {
		request, err := b.parse(block)
		if err != nil {
			return nil, err
		}
		value := request.Feeds[0].Value
		tensor, err := tf.ReadTensor(tf.Float, value.Shape, bytes.NewReader(value.Data))
		if err != nil {
			return nil, err
		}
		b.tensors = append(b.tensors, tensor)
	}
	return b, nil
}

func (b *bareBatch) parse(block []byte) (*infer.Request, error) {
	rows, err := codec.NewJSONRows(b.catalog, codec.Limits{})
	if err != nil {
		return nil, err
	}
	for line := range bytes.Lines(block) {
		if err := rows.Add(line); err != nil {
			return nil, err
		}
	}
	return rows.Take()
}

// measure times parsing and running, one after the other.
func (b *bareBatch) measure() (parse, run time.Duration, err error) {
	runtime.GC() // of what the round before has left
	parse, err = timed(len(b.blocks), func(i int) error {
		_, err := b.parse(b.blocks[i])
		return err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("parse: %w", err)
	}
	var input tf.Output
	for output := range b.session.feeds {
		input = output
	}
	run, err = timed(len(b.tensors), func(i int) error {
		_, err := b.session.session.Run(map[tf.Output]*tf.Tensor{input: b.tensors[i]}, b.session.fetches, nil)
		return err
	})
	return parse, run, err
}

// timed does n pieces of work by as many goroutines as the pipeline has.
func timed(n int, work func(int) error) (time.Duration, error) {
	pieces := make(chan int, n)
	for i := range n {
		pieces <- i
	}
	close(pieces)
	var tasks sync.WaitGroup
	failures := make(chan error, threads())
	start := time.Now()
	for range threads() {
		tasks.Go(func() {
			for i := range pieces {
				if err := work(i); err != nil {
					failures <- err
					return
				}
			}
		})
	}
	tasks.Wait()
	took := time.Since(start)
	close(failures)
	return took, <-failures
}

// digitSample is an image of the demo model's samples.
type digitSample [8][8][1]float32

func digitSamples() ([]digitSample, error) {
	content, err := os.ReadFile(filepath.Join("models", "digits", "samples.json"))
	if err != nil {
		return nil, fmt.Errorf("the demo model: %w", err)
	}
	var samples struct{ Instances []digitSample }
	if err := json.Unmarshal(content, &samples); err != nil {
		return nil, fmt.Errorf("samples of the demo model: %w", err)
	}
	return samples.Instances, nil
}

// varied is sample i of n rows: the samples in turn, each time turned by another
// number of pixels, so that rows differ as those of real files do.
func varied(samples []digitSample, i int) digitSample {
	sample, shift := samples[i%len(samples)], i/len(samples)
	var out digitSample
	for p := range 64 {
		q := (p + shift) % 64
		out[p/8][p%8] = sample[q/8][q%8]
	}
	return out
}

// writeJSONLines writes n digits as Python's json would, a line each.
func writeJSONLines(w io.Writer, samples []digitSample, n int) error {
	var line []byte
	for i := range n {
		line = line[:0]
		for y, row := range varied(samples, i) {
			line = append(line, [...]string{"[[", ", ["}[min(y, 1)]...)
			for x, pixel := range row {
				if x > 0 {
					line = append(line, ", "...)
				}
				line = append(appendFloat(append(line, '['), pixel[0]), ']')
			}
			line = append(line, ']')
		}
		line = append(line, "]\n"...)
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
	return nil
}

// writeCSV writes n digits as CSV without a header.
func writeCSV(w io.Writer, samples []digitSample, n int) error {
	var line []byte
	for i := range n {
		line = line[:0]
		for _, row := range varied(samples, i) {
			for _, pixel := range row {
				line = append(appendFloat(line, pixel[0]), ',')
			}
		}
		line[len(line)-1] = '\n'
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
	return nil
}

// appendFloat appends a float as Python writes it: 0.0, 0.4375, 1.0.
func appendFloat(dst []byte, f float32) []byte {
	before := len(dst)
	dst = strconv.AppendFloat(dst, float64(f), 'f', -1, 32)
	if bytes.IndexByte(dst[before:], '.') < 0 {
		dst = append(dst, ".0"...)
	}
	return dst
}
