// Package rows reads streams of records as rows for a model, and writes rows of
// answers as streams: the formats of batch scoring. It knows no store, no model and
// no job; those are package batch's.
//
// An input is cut into blocks of a few hundred records by one goroutine, and blocks
// are decoded by several. Reading is therefore kept to finding where records end.
package rows

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// The kinds of failure of an input as a whole. None is cured by another try. A
// fault of one record is a Fault and no error.
var (
	// ErrFormat is an object whose format is not known, or that cannot be read for
	// this signature (a missing column, several inputs where there is one array).
	ErrFormat = errors.New("cannot be read as rows")
	// ErrCorrupt is an input that breaks off or is damaged.
	ErrCorrupt = errors.New("damaged input")
	// ErrTooLarge is an input over a limit of its format.
	ErrTooLarge = errors.New("over the limit")
	// ErrNoSplit is an input that cannot be cut into parts.
	ErrNoSplit = errors.New("cannot be split")
	// ErrOutput is an answer that the output's format has no place for.
	ErrOutput = errors.New("cannot be written in this format")
)

// Format is a file format.
type Format string

// The formats of inputs. JSONLines, CSV, Parquet and NPY are those of outputs too.
const (
	JSONLines Format = "jsonl"
	JSON      Format = "json"
	CSV       Format = "csv"
	TFRecord  Format = "tfrecord"
	Parquet   Format = "parquet"
	NPY       Format = "npy"
	NPZ       Format = "npz"
	Image     Format = "image"
)

// Compression is what a whole object is compressed with.
type Compression string

// The compressions.
const (
	None Compression = ""
	Gzip Compression = "gzip"
	Zstd Compression = "zstd"
)

// Encoding is how an object holds its rows.
type Encoding struct {
	Format      Format
	Compression Compression
}

// Source is the bytes of an input.
type Source struct {
	Size int64
	// Open reads the bytes from from up to but without to. Errors are the store's
	// and are passed on wrapped.
	Open func(ctx context.Context, from, to int64) (io.ReadCloser, error)
}

// Limits bounds what an input can make a reader do. A zero field means the default;
// no limit can be switched off.
type Limits struct {
	// BlockRows is how many records a block holds at most: BATCH_ROWS. 0 means 256.
	BlockRows int
	// BlockBytes ends a block early once its records have that many bytes. 0 means
	// 4 MiB. One record may be longer.
	BlockBytes int64
	// MaxLine is the bytes of one record at most: MAX_LINE_BYTES. A longer line is a
	// Fault and is skipped without being held. 0 means 64 MiB.
	MaxLine int64
	// MaxTensor is the bytes of the tensors of one group, MAX_TENSOR_BYTES, and of
	// an input that must be in memory as a whole (json, npz, images, compressed
	// Parquet), after decompression. 0 means 256 MiB.
	MaxTensor int64
	// MaxDepth is how deep JSON nests. 0 means 64.
	MaxDepth int
	// MaxRatio is how many times larger than its compressed form a compressed input
	// may be, MAX_INFLATE_RATIO, beyond the first 64 MiB. 0 means 1000.
	MaxRatio int64
}

// Position is a place between two records: a byte offset, or for Parquet the number
// of a row group and how many of its rows come before.
type Position struct {
	Offset int64 `json:"offset"`
	Row    int64 `json:"row,omitempty"`
}

// Part is a part of an input: the records that start at From or behind it and before
// To. The zero To is the end of the input. What is not at the boundary of a record in
// From belongs, for JSON lines, to the part before.
type Part struct {
	From Position `json:"from"`
	To   Position `json:"to,omitzero"`
}

// Options says how to read an input.
type Options struct {
	Encoding Encoding
	// Catalog has the signatures. Rows are for the default one, with all outputs.
	Catalog *infer.Catalog
	Limits  Limits
	Part    Part
	// Join wants Decoded.Instance, and for CSV Decoded.Columns and Decoded.Fields.
	Join bool
	// Header says whether a CSV has one: codec.HeaderPresent or codec.HeaderAbsent.
	// Empty leaves it to the first line.
	Header string
	// Warn, where set, is told what the owner of the data may want to know although
	// nothing is wrong. Open calls it.
	Warn func(text string)
}

// Block is consecutive records of an input, not decoded yet.
type Block struct {
	First int64    // the number of the first record, from 0 at the start of the part
	N     int      // how many records; at least 1
	Next  Position // behind the last record
	Read  int64    // bytes of the source behind the last record, for progress

	records any     // the format's own
	lines   []int64 // in which records begin, from 1 at the start of the part; nil where there are none
}

// Place names a record as an editor or a table would: "line 3", where records are lines,
// or "row 2". It counts from 1 at the start of the part.
func (b *Block) Place(record int) string {
	if b.lines != nil {
		return fmt.Sprintf("line %d", b.lines[record])
	}
	return fmt.Sprintf("row %d", b.First+int64(record)+1)
}

// Reader cuts an input into blocks. One goroutine calls Next; decoders are for
// others.
type Reader interface {
	// Next is the next block, io.EOF behind the last one. An error is ErrFormat,
	// ErrCorrupt or ErrTooLarge, with the place, or the store's.
	Next() (*Block, error)
	// Decoder makes a decoder, which works independently of the reader and of other
	// decoders. It may be called by any goroutine, after the first Next.
	Decoder() Decoder
	// Close frees what reading needs. Blocks stay valid.
	Close() error
}

// Decoder turns blocks into requests. It is for one goroutine at a time.
type Decoder interface {
	// Decode reads the records of b. What it returns is the caller's. The error is
	// one of those of Reader.Next: about the input and not about one record.
	Decode(b *Block) (*Decoded, error)
}

// Decoded is the records of a block as requests.
type Decoded struct {
	N int // how many records
	// Groups are requests over the records that could be read. Records of one group
	// have the same shape; every record is in one group or has a Fault.
	Groups []Group
	// Faults are the others, in order.
	Faults []Fault

	// Instance appends a record as JSON, or null where it cannot be shown so. It is
	// nil unless Options.Join asks for it.
	Instance func(dst []byte, record int) []byte
	// Columns are the names of the columns of a CSV input, and Fields appends the
	// fields of a record, as many as there are columns, each with a comma behind.
	// They are nil for other formats and unless Options.Join asks for them.
	Columns []string
	Fields  func(dst []byte, record int) []byte

	// columns are further columns of the input, and further appends a value for each of
	// them. They are nil unless Options.Join asks for them and there are any.
	columns []furtherColumn
	further func(dst []parquet.Value, record int) []parquet.Value
}

// Group is a request over several records. The first dimension of every feed is the
// number of records; a request that is Whole is over one.
type Group struct {
	*infer.Request
	// Records are the numbers within the block of the rows of the feeds, ascending.
	Records []int
}

// Fault is a record that cannot be read. Err is an *infer.Error: its text is for the
// owner of the data.
type Fault struct {
	Record int
	Err    error
	// Feeds is what could be read where Options.Join asks for it: nil, or a feed of one
	// row for each input of the signature, whose Value is nil where that is at fault.
	Feeds []infer.Feed
}

// Row is what became of one record of a block: row Index of Results, which were
// asked for with Feeds, or Err.
type Row struct {
	Results []infer.Result // nil where Err is set
	Feeds   []infer.Feed   // those of Fault where the record could not be read
	Index   int
	Err     error
}

// Outcome is what became of a block.
type Outcome struct {
	*Decoded
	Rows []Row // one for each record, in order
	// Place names a record; nil where nobody knows how many there are before.
	Place func(record int) string
}

// Message is what outputs say of the Err of a row: one line of bounded length, with the
// place.
func (o *Outcome) Message(record int) string { return o.message(record, o.Rows[record].Err) }

func (o *Outcome) message(record int, err error) string {
	if o.Place == nil {
		return message(err)
	}
	return o.Place(record) + ": " + message(err)
}

// Output writes rows in one format, one for each record.
type Output interface {
	// Encode makes what Write takes. It is safe for concurrent use, also beside
	// Write. The chunk does not alias o. Every Results of o has first dimensions of
	// the same size. The error is ErrOutput, for a format without error rows.
	Encode(o *Outcome) (Chunk, error)
	// Write writes a chunk behind those before. failed is how many rows that had
	// results became error rows, because they do not fit into the columns.
	Write(c Chunk) (failed int, err error)
	// Close writes what belongs behind the rows. It does not close the sink.
	Close() error
}

// Chunk is an encoded block, of a form that the output knows.
type Chunk any

// Sink is where an output goes.
type Sink interface {
	io.Writer
	// Rewrite replaces the first bytes, as many as head has; they have been written.
	Rewrite(head []byte) error
}

// OutputOptions says how to write.
type OutputOptions struct {
	Format  Format // JSONLines, CSV, Parquet or NPY
	Catalog *infer.Catalog
	Join    bool // write the instances too
	Joined  Joined
}

// carried appends the values of a record's further columns, none where there are none.
func (o *Outcome) carried(dst []parquet.Value, record int) []parquet.Value {
	if o.further == nil {
		return dst
	}
	return o.further(dst, record)
}
