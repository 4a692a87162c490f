package rows

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// NewOutput starts to write. The error is ErrOutput for what the format cannot hold.
func NewOutput(sink Sink, o OutputOptions) (Output, error) {
	signature, err := o.Catalog.Signature("")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOutput, err)
	}
	switch o.Format {
	case JSONLines:
		return newLinesOutput(sink, signature, o.Join)
	case CSV:
		return newCSVOutput(sink, signature, o.Join, o.Joined)
	case NPY:
		return newNPYOutput(sink, signature, o.Join)
	case Parquet:
		return newParquetOutput(sink, o)
	default:
		return nil, fmt.Errorf("%w: format %q is none of jsonl, csv, parquet and npy", ErrOutput, o.Format)
	}
}

// checkTypes refuses tensors that have no form as text.
func checkTypes(f Format, written []infer.TensorInfo) error {
	for _, info := range written {
		if !codec.Writable(info.DType) {
			return fmt.Errorf("%w: %q of type %s cannot be written as %s", ErrOutput, info.Name, info.DType, f)
		}
	}
	return nil
}

// checker checks results once for all the rows that share them.
type checker struct {
	last []infer.Result
	err  error
}

// check is codec.CheckRows. changed says that the row before had other results.
func (c *checker) check(results []infer.Result) (changed bool, err error) {
	if len(results) > 0 && len(c.last) > 0 && &results[0] == &c.last[0] {
		return false, c.err
	}
	c.last = results
	_, c.err = codec.CheckRows(results)
	return true, c.err
}

// maxMessage is how many bytes of an error's text a row holds. TensorFlow's texts may
// repeat whole shapes and graphs.
const maxMessage = 1024

// message is what a row says of its error: one line of valid UTF-8, never empty.
// Texts that are not for the owner of the data may name buckets and paths.
func message(err error) string {
	text := ""
	if public, ok := errors.AsType[*infer.Error](err); ok {
		text = public.Message
	}
	if len(text) > maxMessage {
		text = text[:maxMessage] + "..."
	}
	text = strings.ToValidUTF8(text, "\uFFFD") // of a character that was cut, too
	if strings.ContainsFunc(text, breaksLine) {
		text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || breaksLine(r) }), " ")
	}
	if text == "" {
		return "internal error"
	}
	return text
}

// breaksLine reports whether some reader takes r for the end of a line, or cannot
// show it.
func breaksLine(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }
