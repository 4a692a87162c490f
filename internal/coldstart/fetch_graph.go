package coldstart

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/blob"
)

// graph reads a frozen graph straight into memory of its size: TensorFlow
// imports it from there, so a file would only cost time.
func (f *fetch) graph(ctx context.Context) error {
	o, err := f.stat(ctx)
	if err != nil {
		return err
	}
	if err := checkProto(o.URI.String(), o.Size); err != nil {
		return err
	}
	sum := sha256.New()
	if f.out.Graph, err = f.readGraph(ctx, o, sum); err != nil {
		return err
	}
	f.out.Format = GraphDef
	f.stage("fetch", f.start, time.Now(), o.Size)
	return f.checkSum(hex.EncodeToString(sum.Sum(nil)))
}

func (f *fetch) readGraph(ctx context.Context, o blob.Object, sum hash.Hash) (graph []byte, err error) {
	r, err := f.o.Source.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	graph = make([]byte, o.Size)
	_, err = io.ReadFull(io.TeeReader(f.progress(r, o.Size), sum), graph)
	if err = errors.Join(err, r.Close()); err != nil {
		return nil, err
	}
	return graph, checkGraph(o.URI.String(), graph)
}

// maxProto is the size of the largest message that protobuf reads, in bytes.
const maxProto = 1<<31 - 1

// checkProto refuses a graph that TensorFlow could not read, before memory is
// taken for it.
func checkProto(name string, size int64) error {
	if size > maxProto {
		return fmt.Errorf("%s: %w: %d bytes, and a protobuf message ends at %d: keep the weights out of the graph, in the variables of a SavedModel", name, ErrTooLarge, size, maxProto)
	}
	return nil
}

// schemaVersion is how a SavedModel begins: field 1, a number. Field 1 of a
// GraphDef is a message.
const schemaVersion = 1 << 3

// checkGraph refuses a SavedModel under another name: its variables are in
// other files, which nobody named.
func checkGraph(name string, graph []byte) error {
	if len(graph) > 0 && graph[0] == schemaVersion {
		return fmt.Errorf("%s: %w: it is the %s of a SavedModel and not a frozen graph: give the SavedModel's folder", name, ErrNoModel, savedModelFile)
	}
	return nil
}

// progress tells the caller how far the reading of r is.
func (f *fetch) progress(r io.Reader, total int64) io.Reader {
	if f.o.Progress == nil {
		return r
	}
	return &progressReader{r: r, total: total, report: f.o.Progress}
}

type progressReader struct {
	r           io.Reader
	done, total int64
	report      func(done, total int64)
}

func (p *progressReader) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.done += int64(n)
	p.report(p.done, p.total)
	return n, err
}
