package rows

import "fmt"

// maxHeld bounds the chunks that wait for the columns to be known, in bytes.
const maxHeld = 16 << 20

// heldChunk is a chunk of an output with columns.
type heldChunk interface {
	size() int     // bytes that it keeps
	failures() int // rows that had results and became error rows when they were encoded
}

// columned is an output with columns, which the signature or the first row with results
// decides.
type columned[C heldChunk] interface {
	// learn takes what is not known of the columns from a chunk, and reports whether
	// all of them are known.
	learn(chunk C) bool
	// begin writes what stands before the rows.
	begin() error
	// write writes a chunk; unfit is how many rows did not fit into the columns.
	write(chunk C) (unfit int, err error)
}

// beginning holds the chunks of an output back until its columns are known.
type beginning[C heldChunk] struct {
	begun bool
	held  []C
	bytes int // of held
}

// add writes a chunk to o, or keeps it for later. failed is that of Output.Write.
func (b *beginning[C]) add(o columned[C], chunk C) (failed int, err error) {
	if !b.begun {
		if !o.learn(chunk) {
			return chunk.failures(), b.hold(chunk)
		}
		if failed, err = b.begin(o); err != nil {
			return 0, err
		}
	}
	failed += chunk.failures() // write gives the chunk back to its pool
	unfit, err := o.write(chunk)
	return failed + unfit, err
}

func (b *beginning[C]) hold(chunk C) error {
	b.held = append(b.held, chunk)
	if b.bytes += chunk.size(); b.bytes > maxHeld {
		return fmt.Errorf("%w: more than %d MiB of rows failed before the first answer, whose shape the signature does not say: use jsonl", ErrOutput, maxHeld>>20)
	}
	return nil
}

// begin begins o and writes what was held.
func (b *beginning[C]) begin(o columned[C]) (failed int, err error) {
	if err := o.begin(); err != nil {
		return 0, err
	}
	b.begun = true
	held := b.held
	b.held = nil
	for _, chunk := range held {
		unfit, err := o.write(chunk)
		if err != nil {
			return 0, err
		}
		failed += unfit
	}
	return failed, nil
}
