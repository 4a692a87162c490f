package codec

import (
	"errors"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// ErrNextBatch says that a row is right, but does not fit into the batch: it has
// another shape than the rows before, or the batch is at its limit of bytes. Take the
// batch and add the row again.
var ErrNextBatch = errors.New("row belongs to the next batch")

// Rows collects records as the rows of one batch after another, for the default
// signature and all of its outputs. It is for one goroutine.
type Rows interface {
	// Add reads a record as one more row. Of a record that fails, nothing remains.
	// The error is ErrNextBatch, which the first row of a batch never gets, or an
	// *infer.Error for the owner of the record. The record is not kept; it may be
	// without the line feed that ends it.
	Add(record []byte) error
	// Len is the number of rows of the batch.
	Len() int
	// Take is the request for the rows so far, at least one, whose tensors are the
	// caller's; the next batch begins.
	Take() (*infer.Request, error)
}

// NewJSONRows makes Rows of JSON values, each a row as an element of "instances" is
// in DecodePredict: a value or list for the only input, or an object of named inputs.
// For a signature whose method is classify or regress a record is the object of
// features that DecodeExamples reads. The error is that of a signature that cannot be
// asked so.
func NewJSONRows(c *infer.Catalog, l Limits) (Rows, error) { panic("not written yet") }

// CSVLayout is which columns of a CSV belong to which input. It is not changed once
// made and may be used by several goroutines.
type CSVLayout struct{}

// NewCSVLayout lays a CSV out by its first record. header says that the record is a
// header and no row. The errors and rules are those of DecodeCSV.
func NewCSVLayout(c *infer.Catalog, first []byte, l Limits) (layout *CSVLayout, header bool, err error) {
	panic("not written yet")
}

// Columns are the names of the columns, in the order in which they stand in the
// records: those of the header, or where there is none names as a header would have
// them.
func (l *CSVLayout) Columns() []string { panic("not written yet") }

// Rows makes Rows of CSV records. Fields in quotation marks are those of
// encoding/csv.
func (l *CSVLayout) Rows() Rows { panic("not written yet") }
