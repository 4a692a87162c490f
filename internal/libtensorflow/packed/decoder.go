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

// decoder inflates one frame after the other into the same two buffers. The
// zero value is ready for use.
type decoder struct {
	zstd   *zstd.Decoder
	packed []byte
	plain  []byte
}

// inflate brings one frame from the pack file to its place in the library.
func (d *decoder) inflate(ctx context.Context, t *task, opts InflateOptions) error {
	if t.Size > 0 {
		if err := d.put(ctx, t, opts); err != nil {
			return err
		}
	}
	if opts.Progress != nil {
		opts.Progress(t.Size)
	}
	if !t.late && t.to.early.Add(-1) <= 0 && opts.Place != nil && opts.Early != nil {
		if err := opts.Early(ctx, t.to.Entry); err != nil {
			return err
		}
	}
	if t.to.frames.Add(-1) == 0 && opts.Done != nil {
		return opts.Done(t.to.Entry)
	}
	return nil
}

// put decodes a frame into the memory that is its place, or writes it there.
func (d *decoder) put(ctx context.Context, t *task, opts InflateOptions) error {
	inPlace := t.late && opts.Place != nil
	var to []byte
	if inPlace {
		memory, err := opts.Place(ctx, t.to.Entry, t.at, t.Size)
		if err != nil {
			return fmt.Errorf("place of %s at offset %d: %w", t.to.Name, t.at, err)
		}
		to = memory
	} else {
		d.plain = slices.Grow(d.plain[:0], int(t.Size))
		to = d.plain
	}
	plain, err := d.decode(t, to)
	if err != nil {
		return fmt.Errorf("%s, frame %d at offset %d: %w", t.to.PackName(), t.index, t.packedAt, err)
	}
	if inPlace {
		return nil
	}
	if err := writeSparse(t.to.dst, plain, t.at); err != nil {
		return fmt.Errorf("write %s at offset %d: %w", t.to.Name, t.at, err)
	}
	return nil
}

// decode puts the frame's content into to, which has room for it and holds nothing.
func (d *decoder) decode(t *task, to []byte) ([]byte, error) {
	if err := d.open(); err != nil {
		return nil, err
	}
	d.packed = slices.Grow(d.packed[:0], int(t.Packed))[:t.Packed]
	if _, err := t.to.pack.ReadAt(d.packed, t.packedAt); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%w: the file ends within it", ErrDamaged)
		}
		return nil, err
	}
	plain, err := d.zstd.DecodeAll(d.packed, to[:0:t.Size])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if int64(len(plain)) != t.Size {
		return nil, fmt.Errorf("%w: it holds %d bytes, the manifest says %d", ErrDamaged, len(plain), t.Size)
	}
	if sum := crc32.Checksum(plain, castagnoli); sum != t.CRC32C {
		return nil, fmt.Errorf("%w: CRC32C is %08x, the manifest says %08x", ErrDamaged, sum, t.CRC32C)
	}
	return plain, nil
}

func (d *decoder) open() error {
	if d.zstd != nil {
		return nil
	}
	var err error
	d.zstd, err = zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(1),
		// What a frame may grow to is what the manifest says, not what the
		// frame's own header says.
		zstd.WithDecodeAllCapLimit(true),
	)
	return err
}

func (d *decoder) close() {
	if d.zstd != nil {
		d.zstd.Close()
	}
}
