package savedmodel

import (
	"bytes"
	"errors"
	"fmt"
)

var errNUL = errors.New("a name with a NUL byte in it")

// checkName refuses a name with a NUL byte. TensorFlow's C API reads a name up
// to there: the guard would judge one operation and TensorFlow run another.
func checkName(name []byte) error {
	if bytes.IndexByte(name, 0) >= 0 {
		return fmt.Errorf("%w: %q", errNUL, name)
	}
	return nil
}

func readName(b []byte) (string, error) { return string(b), checkName(b) }

// isNodeName reports whether TensorFlow takes the name for a node of a graph:
// parts with ">" between them, each of letters, digits and "._-/". A part
// begins with a letter, a digit or a dot; the first one may begin with an
// underscore, as the names that TensorFlow itself gives do. Such a name holds
// neither colon nor caret, so the name of a tensor can be read in one way only.
func isNodeName(name string) bool {
	atStart := true
	for i := range len(name) {
		switch c := name[i]; {
		case c-'0' < 10 || c|0x20-'a' < 26 || c == '.' || c == '_' && i == 0:
			atStart = false
		case c == '>' && !atStart:
			atStart = true
		case (c == '_' || c == '-' || c == '/') && !atStart:
		default:
			return false
		}
	}
	return !atStart
}
