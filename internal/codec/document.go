package codec

import (
	"bytes"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// span is a part of a document: from start up to, not including, end.
type span struct{ start, end int }

func (s span) of(doc []byte) []byte { return doc[s.start:s.end] }

// member is a member of an object.
type member struct {
	key   []byte
	value span
}

// document is the body of a predict request whose syntax has been checked, and
// where its parts are. Parts that are missing have no span.
type document struct {
	body    []byte // as sent, so that offsets in messages are those of the client
	catalog *infer.Catalog
	limits  Limits

	root span

	signatureName []byte
	outputFilter  *span
	instances     *span
	inputs        *span
	named         []member // of inputs, where that is an object
	dense         *inputs  // what readDense has read, under the signature of then
}

// byteOrderMark may stand before a document.
var byteOrderMark = []byte("\xEF\xBB\xBF")

// parse checks the syntax of the whole body. That a signature_name is no string
// is told at once, so that its value need not be read.
func parse(body []byte, c *infer.Catalog, l Limits) (*document, error) {
	d := &document{body: body, catalog: c, limits: l}
	return d, readRoot(body, l, &d.root, d.part)
}

// readRoot checks the syntax of a body that is one object. part is told of every
// member of it, as each of scanner.object is. root is where the object lies; while
// it is being read, it reaches up to the end of the body.
func readRoot(body []byte, l Limits, root *span, part func(sc *scanner, key []byte, i int) (int, error)) error {
	if len(body) == 0 {
		return invalid("JSON Parse error: The document is empty")
	}
	sc := &scanner{s: body, maxDepth: l.MaxDepth}
	start, err := sc.root()
	if err != nil {
		return err
	}
	*root = span{start, len(body)}
	end, err := sc.object(start, 0, func(key []byte, i int) (int, error) { return part(sc, key, i) })
	if err != nil {
		return err
	}
	root.end = end
	return behind(sc, end)
}

// root is the offset of the object that the body must be.
func (sc *scanner) root() (int, error) {
	start, err := sc.start()
	if err == nil && sc.s[start] != '{' {
		return 0, notObject(sc, start)
	}
	return start, err
}

// start is the offset of the value that the body must be. A byte order mark and
// white space may stand before it.
func (sc *scanner) start() (int, error) {
	start := 0
	if bytes.HasPrefix(sc.s, byteOrderMark) {
		start = len(byteOrderMark)
	}
	start = sc.space(start)
	if start == len(sc.s) {
		return 0, syntaxError(textEmpty, start)
	}
	return start, nil
}

// behind refuses what follows the document. TensorFlow Serving ignores it; but
// two documents in one body are a client's fault that would go unseen.
func behind(sc *scanner, end int) error {
	if end = sc.space(end); end < len(sc.s) {
		return syntaxError(textTrailing, end)
	}
	return nil
}

func notObject(sc *scanner, start int) error {
	end, err := sc.value(start, 0)
	if err != nil {
		return err
	}
	if err := behind(sc, end); err != nil {
		return err
	}
	return invalid("JSON Value: %s Is not object", shown(sc.s[start:end]))
}

// part takes note of the member of the outermost object whose value is at i.
// Keys that mean nothing here are checked and ignored.
func (d *document) part(sc *scanner, key []byte, i int) (int, error) {
	switch string(key) {
	case "signature_name":
		var end int
		var err error
		d.signatureName, end, err = signatureName(sc, d.root, i)
		return end, err
	case "output_filter":
		return d.take(sc, i, &d.outputFilter)
	case "instances":
		return d.values(sc, i, &d.instances)
	case "inputs":
		if sc.at(i) == '{' {
			return d.namedInputs(sc, i)
		}
		return d.values(sc, i, &d.inputs)
	default:
		return sc.value(i, 1)
	}
}

// signatureName reads the value of signature_name at i.
func signatureName(sc *scanner, root span, i int) (name []byte, end int, err error) {
	if sc.at(i) != '"' {
		return nil, 0, invalid("JSON Value: %s not formatted correctly. 'signature_name' key must be a string value.", shown(root.of(sc.s)))
	}
	if end, err = sc.str(i); err != nil {
		return nil, 0, err
	}
	return unquoted(sc.s[i:end]), end, nil
}

// take checks the value at i and remembers where it is.
func (d *document) take(sc *scanner, i int, to **span) (int, error) {
	end, err := sc.value(i, 1)
	*to = &span{i, end}
	return end, err
}

// values is take for the values of tensors.
func (d *document) values(sc *scanner, i int, to **span) (int, error) {
	if sc.at(i) == '[' && d.dense == nil {
		if end, ok := d.readDense(i); ok {
			*to = &span{i, end}
			return end, nil
		}
	}
	return d.take(sc, i, to)
}

func (d *document) namedInputs(sc *scanner, i int) (int, error) {
	end, err := sc.object(i, 1, func(key []byte, i int) (int, error) {
		end, err := sc.value(i, 2)
		d.named = append(d.named, member{key, span{i, end}})
		return end, err
	})
	d.inputs = &span{i, end}
	return end, err
}

// text is the document as a message repeats it.
func (d *document) text() string { return shown(d.root.of(d.body)) }
