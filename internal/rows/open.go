package rows

import (
	"context"
	"fmt"
)

// Extension is the extension of outputs in a format, with the dot.
func (f Format) Extension() string { return "." + string(f) }

// openers begin to read a format. Limits have their defaults.
var openers = map[Format]func(context.Context, Source, Options) (Reader, error){
	JSONLines: openLines,
	JSON:      openDocument,
	CSV:       openCSV,
	TFRecord:  openTFRecord,
	Parquet:   openColumns,
	NPY:       openNPY,
	NPZ:       openNPZ,
	Image:     openImage,
}

// Open starts to read a part of an input. ctx must live until Close. Errors are those
// of Reader.Next.
func Open(ctx context.Context, src Source, o Options) (Reader, error) {
	o.Limits = o.Limits.withDefaults()
	open, ok := openers[o.Encoding.Format]
	if !ok {
		return nil, fmt.Errorf("format %q: %w", o.Encoding.Format, ErrFormat)
	}
	if o.Part != (Part{}) {
		if err := divisible(o.Encoding); err != nil {
			return nil, err
		}
	}
	return open(ctx, src, o)
}

// openColumns reads Parquet, whose directory is at its end: what is compressed as a
// whole has to be inflated into memory.
func openColumns(ctx context.Context, src Source, o Options) (Reader, error) {
	if o.Encoding.Compression != None {
		data, err := readAll(ctx, src, o, "compressed Parquet")
		if err != nil {
			return nil, err
		}
		src = memory(data)
		o.Encoding.Compression = None
	}
	return openParquet(ctx, src, o)
}
