package packed_test

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/libtensorflow/packed"
)

// BenchmarkInflate inflates a library of 64 MiB that compresses like code, into
// a file and to nowhere.
func BenchmarkInflate(b *testing.B) {
	const size = 64 << 20
	dir := b.TempDir()
	_, err := packed.Pack(b.Context(), dir, build, []packed.Source{source(packed.CC, library(1, size))}, packed.PackOptions{})
	if err != nil {
		b.Fatal(err)
	}
	lib := open(b, dir)
	file, err := os.Create(filepath.Join(b.TempDir(), packed.CC))
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	for name, dst := range map[string]io.WriterAt{"file": file, "nowhere": nowhere{}} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				err := lib.Inflate(b.Context(), func(packed.Entry) (io.WriterAt, error) { return dst, nil },
					packed.InflateOptions{Workers: runtime.GOMAXPROCS(0)})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

type nowhere struct{}

func (nowhere) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }
