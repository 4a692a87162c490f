package packed

import (
	"bytes"
	"io"
)

// hole is the least run of zeros that is not written, in whole blocks of this size. A
// tenth of a library are zeros, where names were that nobody looks up any more.
const hole = 64 << 10

var zeros = make([]byte, hole)

// allZeros reports whether b has no other bytes.
func allZeros(b []byte) bool {
	for len(b) > 0 {
		n := min(len(b), len(zeros))
		if !bytes.Equal(b[:n], zeros[:n]) {
			return false
		}
		b = b[n:]
	}
	return true
}

// writeSparse writes b at an offset of a file that holds nothing yet, leaving out
// zeros: pages that nobody writes to take no memory and no time. What it writes it
// writes in few calls: the kernel serialises writes to one memfd, so more of them only
// add lock traffic.
func writeSparse(w io.WriterAt, b []byte, at int64) error {
	start := 0 // of what is still to be written
	for block := 0; block < len(b); block += hole {
		end := min(block+hole, len(b))
		if !bytes.Equal(b[block:end], zeros[:end-block]) {
			continue
		}
		if err := write(w, b[start:block], at+int64(start)); err != nil {
			return err
		}
		start = end
	}
	return write(w, b[start:], at+int64(start))
}

func write(w io.WriterAt, b []byte, at int64) error {
	if len(b) == 0 {
		return nil
	}
	_, err := w.WriteAt(b, at)
	return err
}
