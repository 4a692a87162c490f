package codec

import (
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// Salvager is Rows that read of a record what can be read, for those who show records
// that Add refuses.
type Salvager interface {
	Rows
	// Salvage is one row for each input of the signature, whose Value is nil where it
	// cannot be read; nil where nothing can. It changes nothing of the batch.
	Salvage(record []byte) []infer.Feed
}

// Salvage reads each member of an object by itself.
func (b *jsonBatch) Salvage(record []byte) []infer.Feed {
	line := b.ended.line(record)
	sc := scanner{s: line, maxDepth: b.maxDepth}
	c := cursor{s: line, i: sc.space(0)}
	if only(&sc, c.i) != nil || !isNamed(&c) {
		return nil
	}
	in := newFileInputs(b.catalog, b.sig, b.limit)
	seen := make([]bool, len(b.sig.Inputs))
	c.step()
	for c.peek() != '}' {
		quote := c.i
		key := unquoted(c.s[quote:c.string()])
		c.space()
		c.step()
		value := c.i
		if k, ok := in.find(key); ok && k < len(seen) && !seen[k] {
			seen[k] = true
			in.given[k] = in.slots[k].row(&c) == nil
			in.slots[k].refund()
		}
		c.i = value
		c.skip()
		c.next()
	}
	return in.salvaged(len(seen))
}

// salvaged are the first n inputs as feeds of one row, as far as they are given.
func (in *inputs) salvaged(n int) []infer.Feed {
	feeds := make([]infer.Feed, n)
	for k, t := range in.slots[:n] {
		feeds[k].TensorInfo = t.info
		if in.given[k] {
			feeds[k].Value, _ = t.tensor(append([]int64{1}, t.firstShape...)) // nil as for what cannot be read
		}
	}
	return feeds
}

// Salvage reads the fields of each input by themselves.
func (b *csvBatch) Salvage(text []byte) []infer.Feed {
	record := batchRecord(text)
	var err error
	if record.quoted {
		err = b.split(text, &record)
	} else {
		err = b.reader.split(&record)
	}
	if err != nil {
		return nil
	}
	in := b.reader.newInputs()
	place := 0
	for k, input := range b.reader.inputs {
		in.given[k] = true
		for range input.columns {
			column := place
			if b.reader.from != nil {
				column = b.reader.from[place]
			}
			in.given[k] = in.given[k] && in.slots[k].field(b.reader.fields[column]) == nil
			place++
		}
		in.slots[k].refund()
	}
	return in.salvaged(len(in.slots))
}
