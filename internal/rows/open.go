package rows

import "context"

// Detect tells the encoding of an object from the extensions of its name, and where
// those say nothing from its content type and content encoding. The error is
// ErrFormat and lists what there is.
func Detect(name, contentType, contentEncoding string) (Encoding, error) {
	panic("not written yet")
}

// Extension is the extension of outputs in a format, with the dot.
func (f Format) Extension() string { return "." + string(f) }

// Open starts to read a part of an input. ctx must live until Close. Errors are those
// of Reader.Next.
func Open(ctx context.Context, src Source, o Options) (Reader, error) {
	panic("not written yet")
}

// Split cuts an input into parts of about size bytes: where JSON lines end by
// arithmetic, others where their records end, which takes reading CSV and TFRecord
// once. The error is ErrNoSplit, with the reason, for what has to be read as a whole
// (compressed objects, json, npz, images, CSV with line breaks in quotation marks, and
// what is no longer than size).
func Split(ctx context.Context, src Source, o Options, size int64) ([]Part, error) {
	panic("not written yet")
}

// NewOutput starts to write. The error is ErrOutput for what the format cannot hold.
func NewOutput(sink Sink, o OutputOptions) (Output, error) {
	panic("not written yet")
}
