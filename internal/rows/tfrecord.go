package rows

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// A record of a TFRecord file is its length, a checksum of that, the data, and a
// checksum of them (tensorflow/core/lib/io/record_writer.h).
const (
	lengthSize   = 8
	checksumSize = 4
	headSize     = lengthSize + checksumSize
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum is TFRecord's: a CRC-32C, turned and moved, so that records may hold
// records with theirs.
func checksum(b []byte) uint32 {
	crc := crc32.Checksum(b, castagnoli)
	return (crc>>15 | crc<<17) + 0xa282ead8
}

// AppendTFRecord appends data to b as a record of a TFRecord file.
func AppendTFRecord(b, data []byte) []byte {
	head := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	b = append(b, head...)
	b = binary.LittleEndian.AppendUint32(b, checksum(head))
	b = append(b, data...)
	return binary.LittleEndian.AppendUint32(b, checksum(data))
}

// tfRecords are the records of a TFRecord file. Behind each, within its capacity, is the
// checksum, for decoders to check.
type tfRecords struct {
	*stream
	window
	to      int64 // records start before it; 0 is no bound
	maxLine int64
	n       int64 // records so far
}

func openTFRecords(ctx context.Context, src Source, o Options, part Part) (*tfRecords, error) {
	from, to := part.From.Offset, part.To.Offset
	s, err := openStream(ctx, src, o, from, to)
	if err != nil {
		return nil, err
	}
	size := s.source.end - from
	if s.compressed != None {
		size = chunk
	}
	return &tfRecords{stream: s, window: newWindow(s, from, size, o.Limits.MaxLine), to: to, maxLine: o.Limits.MaxLine}, nil
}

func (t *tfRecords) next() ([]byte, error) {
	if t.to > 0 && t.offset() >= t.to {
		return nil, io.EOF
	}
	if !t.has(headSize) {
		if errors.Is(t.err, io.EOF) && len(t.text()) == 0 {
			return nil, io.EOF
		}
		return nil, t.broken()
	}
	head := t.text()[:headSize]
	if checksum(head[:lengthSize]) != binary.LittleEndian.Uint32(head[lengthSize:]) {
		return nil, fmt.Errorf("record %d at byte %d: the checksum of its length is wrong: %w", t.n+1, t.offset(), ErrCorrupt)
	}
	length := binary.LittleEndian.Uint64(head)
	if length > uint64(t.maxLine) {
		return nil, t.skip(length)
	}
	if !t.has(headSize + int(length) + checksumSize) {
		return nil, t.broken()
	}
	t.n++
	t.drop(headSize)
	return t.take(int(length) + checksumSize)[:length], nil
}

// has reads until there are n bytes of text.
func (t *tfRecords) has(n int) bool {
	for len(t.text()) < n {
		if !t.more() {
			return false
		}
	}
	return true
}

// skip skips a record with data of a length, which is not held.
func (t *tfRecords) skip(length uint64) error {
	start := t.offset()
	// A length near the largest number must not wrap round to a few bytes.
	for left := min(length, math.MaxInt64) + headSize + checksumSize; left > 0; {
		n := min(left, uint64(len(t.text())))
		t.drop(int(n))
		if left -= n; left > 0 && !t.more() {
			if errors.Is(t.err, io.EOF) {
				return t.ends(start)
			}
			return t.err
		}
	}
	t.n++
	return nil
}

// broken is why there is no more of the record under way.
func (t *tfRecords) broken() error {
	if errors.Is(t.err, io.EOF) {
		return t.ends(t.offset())
	}
	return t.err
}

func (t *tfRecords) ends(start int64) error {
	return fmt.Errorf("the input ends inside record %d at byte %d: %w", t.n+1, start, ErrCorrupt)
}

func (t *tfRecords) line() int64 { return 0 }

func (t *tfRecords) place() (Position, int64) { return t.stream.place(t.offset()) }

// openTFRecord reads TFRecord. Records are examples whose features are the inputs; for a
// signature that takes serialized examples they are the values.
func openTFRecord(ctx context.Context, src Source, o Options) (Reader, error) {
	sig, err := o.Catalog.Signature("")
	if err != nil {
		return nil, unreadable(TFRecord, err)
	}
	if !takesStrings(sig) {
		if err := checkFeatures(sig); err != nil {
			return nil, unreadable(TFRecord, err)
		}
	}
	records, err := openTFRecords(ctx, src, o, o.Part)
	if err != nil {
		return nil, err
	}
	return &recordReader{recordSource: records, limits: o.Limits, decoder: func() Decoder {
		d := &rowsDecoder{tooLong: tooLong(o.Limits)}
		if takesStrings(sig) {
			d.rows = newStringRows(sig, o.Limits)
		} else {
			d.rows = newFeatureRows(o.Catalog, sig, o.Limits)
		}
		if o.Join {
			d.show = func(d *Decoded, _ [][]byte) { showFeeds(d) }
		}
		return &tfDecoder{d}
	}}, nil
}

// takesStrings reports whether a signature's only input is a vector of strings.
func takesStrings(sig *infer.Signature) bool {
	return len(sig.Inputs) == 1 && sig.Inputs[0].DType == infer.String && (sig.Inputs[0].Shape == nil || len(sig.Inputs[0].Shape) == 1)
}

// takesExamples reports whether rows are for one of TensorFlow Serving's methods that
// take serialized examples.
func takesExamples(c *infer.Catalog) bool {
	sig, err := c.Signature("")
	return err == nil && takesStrings(sig) &&
		(sig.Method == "tensorflow/serving/classify" || sig.Method == "tensorflow/serving/regress")
}

// tfDecoder checks the data of records before it is decoded. That is left to decoders
// because several of them work at once.
type tfDecoder struct{ rows *rowsDecoder }

func (d *tfDecoder) Decode(b *Block) (*Decoded, error) {
	for i, record := range b.records.([][]byte) {
		if record == nil {
			continue
		}
		sum := record[len(record) : len(record)+checksumSize]
		if checksum(record) != binary.LittleEndian.Uint32(sum) {
			return nil, fmt.Errorf("record %d: the checksum of its data is wrong: %w", b.First+int64(i)+1, ErrCorrupt)
		}
	}
	return d.rows.Decode(b)
}
