package codec

import (
	"errors"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// maxShown is how much of a client's own JSON a message repeats. TensorFlow
// Serving cuts at about the same length.
const maxShown = 256

func invalid(format string, args ...any) error {
	return infer.Errorf(infer.ErrInvalidArgument, format, args...)
}

// syntaxError is TensorFlow Serving's message for a body that is not JSON. The
// texts are rapidjson's, which clients may match.
func syntaxError(text string, offset int) error {
	return invalid("JSON Parse error: %s at offset: %d", text, offset)
}

// shown is a piece of the client's body as a message repeats it: cut, and valid
// UTF-8 even where the body or the cut is not.
func shown(json []byte) string {
	if len(json) <= maxShown {
		return strings.ToValidUTF8(string(json), "\uFFFD")
	}
	cut := maxShown
	for cut > maxShown-3 && json[cut]&0xC0 == 0x80 {
		cut--
	}
	return strings.ToValidUTF8(string(json[:cut]), "\uFFFD") + "..."
}

// jsonType is the type of the value that starts with c, as rapidjson names it.
func jsonType(c byte) string {
	switch c {
	case 'n':
		return "Null"
	case 't':
		return "True"
	case 'f':
		return "False"
	case '"':
		return "String"
	case '[':
		return "Array"
	case '{':
		return "Object"
	default:
		return "Number"
	}
}

// within adds the place of a fault in front of its message. TensorFlow Serving
// turns every fault of a row into INVALID_ARGUMENT, naming the first kind in
// the text; only a limit keeps its kind, so that it can have its own status.
func within(place string, err error) error {
	if errors.Is(err, infer.ErrTooLarge) {
		return err
	}
	return invalid("%s Error: %s: %s", place, statusCode(err), err)
}

func statusCode(err error) string {
	if errors.Is(err, infer.ErrUnimplemented) {
		return "UNIMPLEMENTED"
	}
	return "INVALID_ARGUMENT"
}

// formatIndex writes a place inside nested lists: "[0,2]".
func formatIndex(index []int64) string { return string(appendSizes(nil, index)) }

// names lists tensors for a message.
func names(infos []infer.TensorInfo) string {
	list := make([]string, len(infos))
	for i, info := range infos {
		list[i] = info.Name
	}
	return strings.Join(list, ", ")
}

// kind is the kind of an error of this package.
func kind(err error) error {
	var e *infer.Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return infer.ErrInternal
}
