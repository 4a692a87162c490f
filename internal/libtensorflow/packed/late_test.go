package packed_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/libtensorflow/packed"
)

// late is a library whose middle comes last. Its borders are not those of frames of
// equal size.
func late(name string, data []byte) packed.Source {
	s := source(name, data)
	s.Late = []packed.Region{
		{Offset: frame, Size: 2 * frame, Address: frame},
		{Offset: 4 * frame, Size: 3 * frame, Address: 5 * frame, Executable: true},
	}
	return s
}

// TestLateRegionsComeLast inflates as the opening of a library does: the loader maps
// what is there early, and only then there is a place for the rest.
func TestLateRegionsComeLast(t *testing.T) {
	want := map[string][]byte{packed.Framework: library(1, 8*frame+7), packed.CC: library(2, 9*frame)}
	dir := t.TempDir()
	sources := []packed.Source{late(packed.Framework, want[packed.Framework]), late(packed.CC, want[packed.CC])}
	if _, err := packed.Pack(t.Context(), dir, build, sources, packed.PackOptions{FrameSize: 3 * frame / 2}); err != nil {
		t.Fatal(err)
	}
	lib := open(t, dir)

	files, memory := make(map[string]*memory), make(map[string][]byte)
	mapped := map[string]chan struct{}{packed.Framework: make(chan struct{}), packed.CC: make(chan struct{})}
	for name, data := range want {
		memory[name] = make([]byte, len(data))
	}
	err := lib.Inflate(t.Context(), func(e packed.Entry) (io.WriterAt, error) {
		files[e.Name] = newMemory(e.Size)
		return files[e.Name], nil
	}, packed.InflateOptions{
		Workers: 2,
		Early: func(_ context.Context, e packed.Entry) error {
			rest := bytes.Clone(want[e.Name])
			for _, r := range e.Late {
				clear(rest[r.Offset:r.End()])
			}
			if !bytes.Equal(files[e.Name].data, rest) {
				t.Errorf("%s is said to be there early, but for its late regions, and is not", e.Name)
			}
			close(mapped[e.Name]) // a second call would panic
			return nil
		},
		Place: func(ctx context.Context, e packed.Entry, region int, offset, size int64) ([]byte, error) {
			if !e.Late[region].Holds(offset, size) {
				t.Errorf("%d bytes at %d of %s are said to be in region %d", size, offset, e.Name, region)
			}
			select {
			case <-mapped[e.Name]:
				return memory[e.Name][offset : offset+size], nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range lib.Manifest().Libraries {
		whole := bytes.Clone(files[e.Name].data)
		for _, r := range e.Late {
			copy(whole[r.Offset:r.End()], memory[e.Name][r.Offset:r.End()])
		}
		if !bytes.Equal(whole, want[e.Name]) {
			t.Errorf("%s is not whole in the end", e.Name)
		}
	}
}

// TestFailureWhileOthersWait is one in which a worker waits for a place that there
// will never be.
func TestFailureWhileOthersWait(t *testing.T) {
	dir := t.TempDir()
	if _, err := packed.Pack(t.Context(), dir, build, []packed.Source{late(packed.CC, library(2, 9*frame))}, packed.PackOptions{FrameSize: frame}); err != nil {
		t.Fatal(err)
	}
	refused, waiting := errors.New("not to be mapped"), make(chan struct{})
	var once sync.Once
	_, err := inflate(t.Context(), open(t, dir), packed.InflateOptions{
		Workers: 2,
		Early: func(context.Context, packed.Entry) error {
			<-waiting
			return refused
		},
		Place: func(ctx context.Context, _ packed.Entry, _ int, _, _ int64) ([]byte, error) {
			once.Do(func() { close(waiting) })
			<-ctx.Done()
			return nil, ctx.Err()
		},
	})
	if !errors.Is(err, refused) {
		t.Errorf("err = %v, want %v", err, refused)
	}
}

// counting is a file that knows how many bytes were written to it.
type counting struct {
	*memory
	written int
}

func (c *counting) WriteAt(b []byte, at int64) (int, error) {
	c.written += len(b)
	return c.memory.WriteAt(b, at)
}

func TestLongRunsOfZerosAreNotWritten(t *testing.T) {
	const block = 64 << 10
	data := library(1, 10*block+100)
	clear(data[2*block : 7*block])
	clear(data[10*block:])
	dir := t.TempDir()
	if _, err := packed.Pack(t.Context(), dir, build, []packed.Source{source(packed.CC, data)}, packed.PackOptions{}); err != nil {
		t.Fatal(err)
	}
	file := &counting{memory: newMemory(int64(len(data)))}
	err := open(t, dir).Inflate(t.Context(), func(packed.Entry) (io.WriterAt, error) { return file, nil }, packed.InflateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(file.data, data) {
		t.Error("the library came out otherwise")
	}
	if file.written != 5*block {
		t.Errorf("%d bytes were written, want %d", file.written, 5*block)
	}
}

// TestFramesOfZerosAreNotRead damages them: what a start need not look at is not there.
func TestFramesOfZerosAreNotRead(t *testing.T) {
	data := library(1, 6*frame)
	clear(data[2*frame : 5*frame])
	dir := pack(t, source(packed.CC, data))
	lib := open(t, dir)
	m := lib.Manifest()
	if got := m.ZeroSize(); got != 3*frame {
		t.Errorf("%d bytes are in frames of zeros, want %d", got, 3*frame)
	}
	var at int64
	for _, f := range m.Libraries[0].Frames {
		if f.Zeros {
			flip(t, dir, at)
		}
		at += f.Packed
	}
	files, err := inflate(t.Context(), lib, packed.InflateOptions{})
	if err != nil || !bytes.Equal(files[packed.CC].data, data) {
		t.Errorf("the library came out otherwise: %v", err)
	}
}

// TestColdRegionsAreForRegions leaves one of two out, and fetches it alone.
func TestColdRegionsAreForRegions(t *testing.T) {
	data := library(3, 9*frame)
	src := late(packed.CC, data)
	src.Late[1].Cold = true
	dir := t.TempDir()
	if _, err := packed.Pack(t.Context(), dir, build, []packed.Source{src}, packed.PackOptions{FrameSize: 4 * frame}); err != nil {
		t.Fatal(err)
	}
	lib := open(t, dir)
	cold := src.Late[1]
	if got := lib.Manifest().ColdSize(); got != cold.Size {
		t.Errorf("%d bytes are cold, want %d", got, cold.Size)
	}
	memory := make([]byte, len(data))
	files, err := inflate(t.Context(), lib, packed.InflateOptions{
		LeaveCold: true,
		Place: func(_ context.Context, _ packed.Entry, _ int, offset, size int64) ([]byte, error) {
			return memory[offset : offset+size], nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	hot := src.Late[0]
	want := bytes.Clone(data)
	clear(want[hot.Offset:hot.End()])
	clear(want[cold.Offset:cold.End()])
	if !bytes.Equal(files[packed.CC].data, want) {
		t.Error("the file holds something else than what is not late")
	}
	if !bytes.Equal(memory[hot.Offset:hot.End()], data[hot.Offset:hot.End()]) || !bytes.Equal(memory[cold.Offset:cold.End()], make([]byte, cold.Size)) {
		t.Error("the memory holds something else than the region that is not cold")
	}

	regions := lib.Regions(nil)
	defer regions.Close()
	got := make([]byte, cold.Size)
	if err := regions.Inflate(packed.CC, 1, got); err != nil || !bytes.Equal(got, data[cold.Offset:cold.End()]) {
		t.Errorf("the cold region came out otherwise: %v", err)
	}
	if err := regions.Inflate(packed.CC, 2, got); err == nil {
		t.Error("there is a third region")
	}
	if err := regions.Inflate(packed.CC, 1, got[1:]); err == nil {
		t.Error("it fits into less memory than its size")
	}
}

// Systems have pages of 4, 16 or 64 KiB, and late regions may begin where only the first
// have one.
func TestLateRegionsOfPages(t *testing.T) {
	const k = 1 << 10
	m := func(r packed.Region) packed.Manifest {
		return packed.Manifest{Libraries: []packed.Entry{{}, {Late: []packed.Region{{Offset: 64 * k, Size: 64 * k, Address: 128 * k}, r}}}}
	}
	for _, c := range []struct {
		name    string
		region  packed.Region
		largest int64
	}{
		{"all are large", packed.Region{Offset: 192 * k, Size: 64 * k, Address: 256 * k}, 64 * k},
		{"one is small", packed.Region{Offset: 192 * k, Size: 16 * k, Address: 256 * k}, 16 * k},
		{"one begins at a small page", packed.Region{Offset: 132 * k, Size: 64 * k, Address: 256 * k}, 4 * k},
		{"one is mapped at a small page", packed.Region{Offset: 192 * k, Size: 64 * k, Address: 132 * k}, 4 * k},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, size := range []int64{4 * k, 16 * k, 64 * k} {
				if got := m(c.region).LateIsOfPages(size); got != (size <= c.largest) {
					t.Errorf("pages of %d bytes: %v", size, got)
				}
			}
		})
	}
	if !(packed.Manifest{}).LateIsOfPages(64 * k) {
		t.Error("nothing is late, and not of whole pages")
	}
}
