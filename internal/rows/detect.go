package rows

import (
	"fmt"
	"mime"
	"path"
	"strings"
)

// extensions are the formats by the extensions of names.
var extensions = map[string]Format{
	".jsonl":     JSONLines,
	".ndjson":    JSONLines,
	".json":      JSON,
	".csv":       CSV,
	".tfrecord":  TFRecord,
	".tfrecords": TFRecord,
	".parquet":   Parquet,
	".npy":       NPY,
	".npz":       NPZ,
	".jpg":       Image,
	".jpeg":      Image,
	".png":       Image,
}

// packed are the compressions by the extensions that names have behind that of the
// format.
var packed = map[string]Compression{
	".gz":   Gzip,
	".gzip": Gzip,
	".zst":  Zstd,
	".zstd": Zstd,
}

// mediaTypes are the formats by content type.
var mediaTypes = map[string]Format{
	"application/jsonlines":          JSONLines,
	"application/x-jsonlines":        JSONLines,
	"application/jsonl":              JSONLines,
	"application/x-ndjson":           JSONLines,
	"application/ndjson":             JSONLines,
	"application/json":               JSON,
	"text/csv":                       CSV,
	"application/csv":                CSV,
	"application/x-tfrecord":         TFRecord,
	"application/vnd.apache.parquet": Parquet,
	"application/x-parquet":          Parquet,
	"application/x-npy":              NPY,
	"application/x-npz":              NPZ,
	"image/jpeg":                     Image,
	"image/jpg":                      Image,
	"image/png":                      Image,
}

const known = ".jsonl .ndjson .json .csv .tfrecord .parquet .npy .npz .jpg .jpeg .png, each also with .gz or .zst behind"

// Detect tells the encoding of an object from the extensions of its name, and where
// those say nothing from its content type and content encoding. An object that both
// the name and the content encoding call compressed is compressed once. The error is
// ErrFormat and lists what there is.
func Detect(name, contentType, contentEncoding string) (Encoding, error) {
	base := strings.ToLower(path.Base(name))
	compression, ok := packed[path.Ext(base)]
	if ok {
		base = strings.TrimSuffix(base, path.Ext(base))
	} else {
		var err error
		if compression, err = contentCoding(contentEncoding); err != nil {
			return Encoding{}, err
		}
	}
	if format, ok := extensions[path.Ext(base)]; ok {
		return Encoding{format, compression}, nil
	}
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil { // a broken parameter, say; the type stands in front of it
		media, _, _ = strings.Cut(strings.ToLower(contentType), ";")
	}
	if format, ok := mediaTypes[strings.TrimSpace(media)]; ok {
		return Encoding{format, compression}, nil
	}
	return Encoding{}, fmt.Errorf("the name's extension %q and the content type %q are of no known format (%s): %w",
		path.Ext(base), contentType, known, ErrFormat)
}

// Compressed reports whether a name has the extension of a compression.
func Compressed(name string) bool {
	_, ok := packed[strings.ToLower(path.Ext(name))]
	return ok
}

// contentCoding reads a Content-Encoding. S3 may keep the "aws-chunked" of an upload in it,
// which says how the bytes travelled and not what they are.
func contentCoding(header string) (Compression, error) {
	found := None
	for coding := range strings.SplitSeq(strings.ToLower(header), ",") {
		var c Compression
		switch coding = strings.TrimSpace(coding); coding {
		case "", "identity", "aws-chunked":
			continue
		case "gzip", "x-gzip":
			c = Gzip
		case "zstd":
			c = Zstd
		default:
			return None, fmt.Errorf("the content encoding %q is neither gzip nor zstd: %w", coding, ErrFormat)
		}
		if found != None {
			return None, fmt.Errorf("the content encoding %q compresses twice: %w", header, ErrFormat)
		}
		found = c
	}
	return found, nil
}
