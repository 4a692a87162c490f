package packed

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"github.com/klauspost/compress/zstd"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// worker inflates one frame after the other into the same two buffers.
type worker struct {
	decoder Decoder
	packed  []byte
	plain   []byte
}

// inflate brings one frame from the pack file to its place in the library.
func (d *worker) inflate(ctx context.Context, t *task, opts InflateOptions) error {
	if t.Size > 0 && (!t.Zeros || t.late()) {
		if err := d.put(ctx, t, opts); err != nil {
			return err
		}
	}
	if opts.Progress != nil {
		opts.Progress(t.Size)
	}
	if !t.late() && t.to.early.Add(-1) <= 0 && opts.Place != nil && opts.Early != nil {
		return opts.Early(ctx, t.to.Entry)
	}
	return nil
}

// put decodes a frame into the memory that is its place, or writes it there.
func (d *worker) put(ctx context.Context, t *task, opts InflateOptions) error {
	var to []byte
	if t.late() && opts.Place != nil {
		memory, err := opts.Place(ctx, t.to.Entry, t.region, t.at, t.Size)
		if err != nil {
			return fmt.Errorf("place of %s at offset %d: %w", t.to.Name, t.at, err)
		}
		to = memory
	}
	inPlace := to != nil
	if !inPlace {
		d.plain = slices.Grow(d.plain[:0], int(t.Size))[:t.Size]
		to = d.plain
	}
	if err := d.decode(t, to); err != nil {
		return fmt.Errorf("%s, frame %d at offset %d: %w", t.to.PackName(), t.index, t.packedAt, err)
	}
	if inPlace {
		return nil
	}
	if err := writeSparse(t.to.dst, to, t.at); err != nil {
		return fmt.Errorf("write %s at offset %d: %w", t.to.Name, t.at, err)
	}
	return nil
}

// decode puts the frame's content into to, which has as many bytes.
func (d *worker) decode(t *task, to []byte) error {
	d.packed = slices.Grow(d.packed[:0], int(t.Packed))[:t.Packed]
	if _, err := t.to.pack.ReadAt(d.packed, t.packedAt); err != nil {
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("%w: the file ends within it", ErrDamaged)
		}
		return err
	}
	n, err := d.decoder.Decode(to, d.packed)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if int64(n) != t.Size {
		return fmt.Errorf("%w: it holds %d bytes, the manifest says %d", ErrDamaged, n, t.Size)
	}
	if sum := crc32.Checksum(to, castagnoli); sum != t.CRC32C {
		return fmt.Errorf("%w: CRC32C is %08x, the manifest says %08x", ErrDamaged, sum, t.CRC32C)
	}
	return nil
}

// goDecoder needs no C compiler. The zero value is ready for use.
type goDecoder struct{ zstd *zstd.Decoder }

func (d *goDecoder) Decode(dst, frame []byte) (int, error) {
	if d.zstd == nil {
		var err error
		d.zstd, err = zstd.NewReader(nil,
			zstd.WithDecoderConcurrency(1),
			// What a frame may grow to is what the manifest says, not what the
			// frame's own header says.
			zstd.WithDecodeAllCapLimit(true),
		)
		if err != nil {
			return 0, err
		}
	}
	plain, err := d.zstd.DecodeAll(frame, dst[:0:len(dst)])
	return len(plain), err
}

func (d *goDecoder) Close() {
	if d.zstd != nil {
		d.zstd.Close()
	}
}
