package codec

import "bytes"

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
	body []byte // as sent, so that offsets in messages are those of the client
	root span

	signatureName []byte
	outputFilter  *span
	instances     *span
	inputs        *span
	named         []member // of inputs, where that is an object
}

// byteOrderMark may stand before a document.
var byteOrderMark = []byte("\xEF\xBB\xBF")

// parse checks the syntax of the whole body. That a signature_name is no string
// is told at once, so that its value need not be read.
func parse(body []byte, maxDepth int) (*document, error) {
	if len(body) == 0 {
		return nil, invalid("JSON Parse error: The document is empty")
	}
	d := &document{body: body}
	sc := &scanner{s: body, maxDepth: maxDepth}
	start := 0
	if bytes.HasPrefix(body, byteOrderMark) {
		start = len(byteOrderMark)
	}
	start = sc.space(start)
	if start == len(body) {
		return nil, syntaxError(textEmpty, start)
	}
	d.root = span{start, len(body)}
	if body[start] != '{' {
		return nil, notObject(sc, start)
	}
	end, err := sc.object(start, 0, func(key []byte, i int) (int, error) { return d.part(sc, key, i) })
	if err != nil {
		return nil, err
	}
	d.root.end = end
	return d, behind(sc, end)
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
	if string(key) == "signature_name" && sc.at(i) != '"' {
		return 0, invalid("JSON Value: %s not formatted correctly. 'signature_name' key must be a string value.", d.text())
	}
	if string(key) == "inputs" && sc.at(i) == '{' {
		return d.namedInputs(sc, i)
	}
	end, err := sc.value(i, 1)
	if err != nil {
		return 0, err
	}
	value := &span{i, end}
	switch string(key) {
	case "signature_name":
		d.signatureName = unquoted(value.of(d.body))
	case "output_filter":
		d.outputFilter = value
	case "instances":
		d.instances = value
	case "inputs":
		d.inputs = value
	}
	return end, nil
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
