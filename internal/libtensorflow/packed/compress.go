package packed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"
)

// chunk is a piece of a library on its way into a frame.
type chunk struct {
	plain  []byte
	part   Part
	packed []byte
	crc    uint32
	ready  chan struct{} // closed when packed and crc are set
}

// compress writes the frames of s to w. Workers read and compress; this
// goroutine writes in order and hashes the whole, which no worker could.
func compress(ctx context.Context, w io.Writer, s Source, opts PackOptions, report func(int64)) (Entry, error) {
	group, ctx := errgroup.WithContext(ctx)
	queue := make(chan *chunk)
	// As many chunks as there are workers may wait for the one before them.
	ordered := make(chan *chunk, opts.Workers)
	group.Go(func() error { return split(ctx, s, opts.FrameSize, ordered, queue) })
	for range opts.Workers {
		group.Go(func() error { return compressChunks(ctx, queue, opts.NewEncoder()) })
	}
	e := Entry{Name: s.Name, Size: s.Size, Frames: []Frame{}, Late: s.Late}
	group.Go(func() error {
		sum := sha256.New()
		for c := range ordered {
			select {
			case <-c.ready:
			case <-ctx.Done():
				return ctx.Err()
			}
			if _, err := w.Write(c.packed); err != nil {
				return err
			}
			sum.Write(c.plain)
			e.Frames = append(e.Frames, Frame{Packed: int64(len(c.packed)), Size: int64(len(c.plain)), CRC32C: c.crc, Zeros: allZeros(c.plain)})
			report(int64(len(c.plain)))
		}
		e.SHA256 = hex.EncodeToString(sum.Sum(nil))
		return nil
	})
	if err := group.Wait(); err != nil {
		return Entry{}, err
	}
	return e, nil
}

// split reads s into chunks and hands each to the writer, in order, and to the
// workers. It closes both channels.
func split(ctx context.Context, s Source, frameSize int, ordered, queue chan<- *chunk) error {
	defer close(queue)
	defer close(ordered)
	for at := int64(0); at < s.Size; {
		c := &chunk{plain: make([]byte, s.frame(at, frameSize)), part: s.part(at), ready: make(chan struct{})}
		if n, err := s.Reader.ReadAt(c.plain, at); n < len(c.plain) {
			if errors.Is(err, io.EOF) {
				return fmt.Errorf("it ends at %d of %d bytes: %w", at+int64(n), s.Size, io.ErrUnexpectedEOF)
			}
			return fmt.Errorf("read at offset %d: %w", at, err)
		}
		at += int64(len(c.plain))
		for _, to := range []chan<- *chunk{ordered, queue} {
			select {
			case to <- c:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return nil
}

func compressChunks(ctx context.Context, queue <-chan *chunk, enc Encoder) (err error) {
	defer enc.Close()
	for c := range queue {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		c.crc = crc32.Checksum(c.plain, castagnoli)
		if c.packed, err = enc.Encode(c.plain, c.part); err != nil {
			return err
		}
		close(c.ready)
	}
	return nil
}

// goEncoder treats all parts alike.
type goEncoder struct{ zstd *zstd.Encoder }

// NewGoEncoder is an encoder in Go, at its highest level. What it makes is inflated
// faster than what libzstd makes at levels that take less room.
func NewGoEncoder() Encoder {
	enc, err := zstd.NewWriter(nil,
		zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderLevel(zstd.SpeedBestCompression),
		// The manifest's CRC32C is the check; zstd's own would be dead weight.
		zstd.WithEncoderCRC(false),
	)
	if err != nil {
		panic("packed: " + err.Error()) // the options are wrong
	}
	return goEncoder{enc}
}

func (e goEncoder) Encode(plain []byte, _ Part) ([]byte, error) {
	return e.zstd.EncodeAll(plain, make([]byte, 0, len(plain)/2)), nil
}

func (e goEncoder) Close() { _ = e.zstd.Close() } // it has nothing to write
