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

// batch is the rows of one request while they are collected, with a way back to
// before the last of them.
type batch struct {
	*plain
	in   *inputs
	now  extent
	last extent // of the batch before, which the next is taken to be like

	// What in was before the row that is being read.
	slots []builder
	given []bool
	left  int64
}

// extent is how many rows there are and how many bytes of text they come from.
type extent struct{ rows, text int }

// spareText is the bytes up to which room for the text of a record is kept for the
// next one. Records may be long, and there is a Rows for every worker.
const spareText = 1 << 20

func (b *batch) Len() int { return b.now.rows }

// begin starts a batch without rows, which in collects.
func (b *batch) begin(in *inputs) {
	b.last, b.now, b.in = b.now, extent{}, in
	clear(b.slots) // they hold the tensors of the batch before
}

// mark takes note of what there is before a row.
func (b *batch) mark() {
	b.slots = b.slots[:0]
	for _, t := range b.in.slots {
		b.slots = append(b.slots, *t)
	}
	b.given = append(b.given[:0], b.in.given...)
	b.left = b.in.budget.left
}

// undo takes out what has been added since mark. Buffers that have grown since are
// given up with it, so that a row that fails takes nothing of the budget.
func (b *batch) undo() {
	n := len(b.slots)
	for k, t := range b.slots {
		*b.in.slots[k] = t
	}
	for name, k := range b.in.slot {
		if k >= n {
			delete(b.in.slot, name)
		}
	}
	b.in.slots = b.in.slots[:n]
	b.in.given = append(b.in.given[:0], b.given...)
	b.in.budget.left = b.left
}

// settle ends the row that mark began, which was text of the given size: err says
// how reading it went. It returns what Add does.
func (b *batch) settle(size int, err error) error {
	if err == nil {
		b.now.rows++
		b.now.text += size
		if b.now.rows == 1 {
			b.expect()
		}
		return nil
	}
	b.undo()
	if b.now.rows > 0 && errors.Is(err, infer.ErrTooLarge) {
		return ErrNextBatch
	}
	return err
}

// expect makes room for as many rows like the first, which has been read, as the
// batch before had; but for no more than twice its text, should they be longer, and
// no more than all inputs find room for.
func (b *batch) expect() {
	size := int64(1)
	for _, t := range b.in.slots {
		t.refund() // what the first row did not need
		size += int64(len(t.data) + len(t.offsets)*infer.StringOverhead)
	}
	rows := min(b.last.rows, 1+2*b.last.text/max(b.now.text, 1), int(min(b.in.budget.left/size, int64(b.last.rows))))
	if rows > 1 {
		b.in.expectRows(rows, b.last.text)
	}
}

// take is the request for the rows. The caller begins the next batch.
func (b *batch) take() (*infer.Request, error) {
	if b.now.rows == 0 {
		return nil, errNoRows
	}
	p, err := b.requestOf(b.in)
	if err != nil {
		return nil, err
	}
	return p.Request, nil
}

// errNoRows is a fault of the caller of Take.
var errNoRows = infer.Errorf(infer.ErrInternal, "take of a batch without rows")

// ended is room for a record that came without its line feed.
type ended []byte

// line is the record with a line feed behind it, as cursors want it.
func (e *ended) line(record []byte) []byte {
	if n := len(record); n > 0 && record[n-1] == '\n' {
		return record
	}
	if cap(*e) > spareText {
		*e = nil
	}
	*e = append(append((*e)[:0], record...), '\n')
	return *e
}
