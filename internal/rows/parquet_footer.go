package rows

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

const (
	// firstTail is what is read of the end of a file: most footers are in it.
	firstTail = 64 << 10
	// tailSize is what follows a footer: its size and the magic number.
	tailSize = 8
	// maxFooter bounds the footer of a file. Tables of a thousand columns and a
	// hundred row groups have one of some 20 MB.
	maxFooter = 64 << 20
	// parquetBuffer is what parquet-go reads of a column at a time where pages are
	// smaller.
	parquetBuffer = 4 << 10
)

// readRange is the bytes of a source from from up to but without to.
func readRange(ctx context.Context, src Source, from, to int64) ([]byte, error) {
	r := newSourceReader(ctx, src, from, to)
	defer r.Close()
	data := make([]byte, to-from)
	if _, err := io.ReadFull(r, data); err != nil {
		return nil, fmt.Errorf("read bytes %d to %d of the input: %w", from, to, err)
	}
	return data, nil
}

// damaged runs what parquet-go does with bytes of an input. It panics at some of those
// that no writer has written, and its errors have no kinds: whatever it says is about
// the file. Errors of this package stay what they are. An io.EOF does not: to those who
// read rows it is the end of a whole input.
func damaged(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrCorrupt, p)
		}
	}()
	err = f()
	if _, ok := errors.AsType[sourceError](err); ok || err == nil {
		return err
	}
	for _, kind := range []error{ErrCorrupt, ErrTooLarge, ErrFormat} {
		if errors.Is(err, kind) {
			return err
		}
	}
	return fmt.Errorf("%w: %s", ErrCorrupt, err.Error())
}

// sourceError is an error of the source, told apart from those of what it holds.
type sourceError struct{ error }

func (e sourceError) Unwrap() error { return e.error }

// openParquetFile reads the directory of a file, which is at its end.
func openParquetFile(ctx context.Context, src Source, l Limits) (*parquet.File, error) {
	footer, err := readFooter(ctx, src, l)
	if err != nil {
		return nil, err
	}
	var file *parquet.File
	err = damaged(func() (err error) {
		if err := checkThrift(footer[:len(footer)-tailSize], l.MaxTensor/footerStruct); err != nil {
			return fmt.Errorf("footer: %w", err)
		}
		at := tailReader{bytes.NewReader(footer), src.Size - int64(len(footer))}
		file, err = parquet.OpenFile(at, src.Size, parquet.SkipMagicBytes(true), parquet.SkipPageIndex(true),
			parquet.SkipBloomFilters(true), parquet.ReadBufferSize(parquetBuffer))
		return err
	})
	if err != nil {
		return nil, err
	}
	return file, checkGroups(file, src.Size)
}

// tailReader is the end of a file, which begins at from.
type tailReader struct {
	tail *bytes.Reader
	from int64
}

func (t tailReader) ReadAt(p []byte, off int64) (int, error) { return t.tail.ReadAt(p, off-t.from) }

// readFooter reads the footer of a file and what follows it.
func readFooter(ctx context.Context, src Source, l Limits) ([]byte, error) {
	tail, err := readRange(ctx, src, max(src.Size-firstTail, 0), src.Size)
	if err != nil {
		return nil, err
	}
	if len(tail) < tailSize || string(tail[len(tail)-4:]) != "PAR1" {
		if bytes.HasSuffix(tail, []byte("PARE")) {
			return nil, fmt.Errorf("%w: the Parquet file is encrypted", ErrFormat)
		}
		return nil, fmt.Errorf("%w: no Parquet file, or one that breaks off: it does not end in PAR1", ErrCorrupt)
	}
	size := int64(binary.LittleEndian.Uint32(tail[len(tail)-tailSize:])) + tailSize
	switch limit := min(l.MaxTensor, maxFooter); {
	case size > src.Size:
		return nil, fmt.Errorf("%w: a footer of %d bytes in a file of %d", ErrCorrupt, size, src.Size)
	case size > limit:
		return nil, fmt.Errorf("%w: a footer of %d bytes, and %d is the limit: use fewer row groups", ErrTooLarge, size, limit)
	case size <= int64(len(tail)):
		return tail[int64(len(tail))-size:], nil
	}
	return readRange(ctx, src, src.Size-size, src.Size)
}

// footerStruct is about what parquet-go needs in memory for one of the many structs of
// a footer.
const footerStruct = 512

// maxNesting is how deep the structs of Parquet may be nested; eight is what they need.
const maxNesting = 32

// thriftCheck walks over encoded structs before parquet-go decodes them: it allocates
// lists by the lengths they claim, and a failure to allocate cannot be recovered from.
type thriftCheck struct {
	r       thrift.BytesReader
	size    int
	structs int64 // how many more there may be
}

// checkThrift checks an encoded struct, which may have bytes behind it.
func checkThrift(data []byte, structs int64) error {
	c := thriftCheck{new(thrift.CompactProtocol).NewReaderFromBytes(data), len(data), structs}
	return c.fields(0)
}

func (c *thriftCheck) fields(depth int) error {
	if c.structs--; c.structs < 0 {
		return fmt.Errorf("%w: more structs than fit into MAX_TENSOR_BYTES", ErrTooLarge)
	}
	for {
		field, err := c.r.ReadField()
		if err != nil {
			return err
		}
		switch field.Type {
		case thrift.STOP:
			return nil
		case thrift.TRUE, thrift.FALSE: // the type is the value
			continue
		}
		if err := c.value(field.Type, depth+1); err != nil {
			return err
		}
	}
}

func (c *thriftCheck) value(t thrift.Type, depth int) (err error) {
	if depth > maxNesting {
		return fmt.Errorf("%w: nested too deep", ErrCorrupt)
	}
	switch t {
	case thrift.TRUE, thrift.FALSE, thrift.I8:
		_, err = c.r.ReadInt8()
	case thrift.I16, thrift.I32, thrift.I64:
		_, err = c.r.ReadInt64()
	case thrift.DOUBLE:
		_, err = c.r.ReadFloat64()
	case thrift.BINARY:
		_, err = c.r.ReadBytes()
	case thrift.LIST, thrift.SET:
		var list thrift.List
		if list, err = c.r.ReadList(); err == nil {
			err = c.list(list, depth)
		}
	case thrift.STRUCT:
		err = c.fields(depth)
	default:
		err = fmt.Errorf("%w: a value of type %s", ErrCorrupt, t)
	}
	return err
}

func (c *thriftCheck) list(list thrift.List, depth int) error {
	if left := c.size - c.r.BytesRead(); int(list.Size) > left {
		return fmt.Errorf("%w: a list of %d in %d bytes", ErrCorrupt, list.Size, left)
	}
	for range list.Size {
		if err := c.value(list.Type, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// checkGroups checks that the row groups are within the file, before memory is made
// for them.
func checkGroups(file *parquet.File, size int64) error {
	for g, group := range file.Metadata().RowGroups {
		if group.NumRows < 0 {
			return fmt.Errorf("%w: row group %d has %d rows", ErrCorrupt, g, group.NumRows)
		}
		for _, chunk := range group.Columns {
			from, to := chunkRange(&chunk.MetaData)
			if from < 0 || to < from || to > size || chunk.MetaData.NumValues < 0 {
				return fmt.Errorf("%w: row group %d: %d values in bytes %d to %d of %d", ErrCorrupt, g, chunk.MetaData.NumValues, from, to, size)
			}
		}
	}
	return nil
}

// chunkRange is where a column chunk begins and ends.
func chunkRange(c *format.ColumnMetaData) (from, to int64) {
	from = c.DataPageOffset
	if c.DictionaryPageOffset != 0 {
		from = c.DictionaryPageOffset
	}
	return from, from + c.TotalCompressedSize
}
