package coldstart

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/archive"
	"github.com/tensorlambda/tensorlambda/internal/blob"
)

// The kinds of failure of Fetch, besides those of blob and archive.
var (
	// ErrNoModel is a folder or archive without anything that can be served.
	ErrNoModel = errors.New("no model found")
	// ErrAmbiguous is a folder or archive with several models.
	ErrAmbiguous = errors.New("several models found")
	// ErrIncomplete is a SavedModel of which files are missing.
	ErrIncomplete = errors.New("incomplete SavedModel")
	// ErrChecksum is content that differs from its pin.
	ErrChecksum = errors.New("checksum mismatch")
	// ErrPin is a pin on what cannot be pinned.
	ErrPin = errors.New("nothing to pin")
	// ErrTooLarge is a model over a limit.
	ErrTooLarge = errors.New("model too large")
	// ErrNoSpace is a disk without room for the model.
	ErrNoSpace = errors.New("no space for the model")
	// ErrCacheFolder is a cache folder that others could have written to.
	ErrCacheFolder = errors.New("unsafe cache folder")
)

// The formats of a model and the places it came from.
const (
	SavedModel = "savedmodel"
	GraphDef   = "graphdef"

	FromS3    = "s3"
	FromFile  = "file"
	FromCache = "tmp"
)

// Source is where models are read from; blob.Stores says what the methods
// promise.
type Source interface {
	Stat(ctx context.Context, u blob.URI, versionID string) (blob.Object, error)
	List(ctx context.Context, prefix blob.URI) ([]blob.Object, error)
	Open(ctx context.Context, o blob.Object) (io.ReadCloser, error)
	Download(ctx context.Context, o blob.Object, w io.WriterAt) error
}

// FetchOptions say which model to fetch. URI and Source are required.
type FetchOptions struct {
	URI    blob.URI
	Source Source
	// ObjectVersion and SHA256 (hex) pin a single object: an archive or a .pb.
	ObjectVersion string
	SHA256        string
	// CacheDir holds models that are unpacked or were downloaded as folders;
	// empty means /tmp/models.
	CacheDir string
	// MaxBytes is the size of a model, packed and unpacked; 0 means 8 GiB.
	MaxBytes int64
	// MaxFiles is how many files a folder or archive may have; 0 means 100 000.
	MaxFiles int
	// MaxRatio is how many bytes one packed byte may become; 0 means 1000.
	MaxRatio int64
	// Progress, if not nil, is told how much of the download is done, in bytes,
	// by one goroutine at a time.
	Progress func(done, total int64)
}

func (o FetchOptions) withDefaults() FetchOptions {
	if o.CacheDir == "" {
		o.CacheDir = "/tmp/models"
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = 8 << 30
	}
	if o.MaxFiles == 0 {
		o.MaxFiles = 100_000
	}
	o.SHA256 = strings.ToLower(o.SHA256)
	return o
}

// Fetched is a model on this machine.
type Fetched struct {
	Format string // SavedModel or GraphDef
	// Dir is the SavedModel's folder, or the folder the graph lay in where it
	// came out of a folder or archive; else empty. It must not be changed, and
	// stays while the Fetched is not closed.
	Dir     string
	Graph   []byte // the frozen graph, in memory only
	Name    string // from the URI
	Version string // of the version folder without leading zeros, else "1"
	SHA256  string // hex, of the archive or .pb; empty for folders
	// Identity tells the model's files apart from others, in hex: the SHA256, or for
	// a folder a checksum over names, sizes and ETags. It says nothing of the place,
	// so that a copy of the model in another bucket has it too.
	Identity string
	Bytes    int64  // that were fetched, or would have been had they not been here
	From     string // FromS3, FromFile, or FromCache if it was here already
	// Warnings are what the operator should know although all went well.
	Warnings []string
	Stages   []Stage // "fetch" and "unpack"; they overlap for archives

	hold *entry
}

// Close lets others remove the model's folder. Call it once the model is loaded
// and its files are no longer needed. A second Close does nothing.
func (f *Fetched) Close() error {
	if f.hold == nil {
		return nil
	}
	err := errors.Join(f.hold.release(), f.hold.cache.close())
	f.hold = nil
	return err
}

// IsTransient reports whether a Fetch that failed may succeed when tried again.
// An object that changed while it was read is such a case: the next Fetch reads
// the new one.
func IsTransient(err error) bool {
	for _, kind := range []error{blob.ErrUnavailable, blob.ErrTruncated, blob.ErrChanged, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// Fetch brings a model to this machine. What the URI names is decided by its
// end: .pb is a frozen graph, .tar.gz and the like an archive, anything else a
// folder or prefix with a SavedModel or with version folders. Graphs are read
// into memory; folders of this machine are used where they are; everything else
// goes through the cache. A failed Fetch leaves nothing behind.
func Fetch(ctx context.Context, o FetchOptions) (*Fetched, error) {
	f := &fetch{o: o.withDefaults(), uri: o.URI, start: time.Now(), out: Fetched{Version: "1", From: FromS3}}
	if o.URI.Scheme == blob.FileScheme {
		f.out.From = FromFile
		if err := f.makeAbsolute(); err != nil {
			return nil, err
		}
	}
	if err := f.run(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("fetch model: %w", err), f.out.Close())
	}
	return &f.out, nil
}

// fetch is one Fetch under way.
type fetch struct {
	o     FetchOptions
	out   Fetched
	uri   blob.URI // o.URI, made absolute and without saved_model.pb
	start time.Time
}

func (f *fetch) run(ctx context.Context) error {
	name := path.Base(f.uri.Key)
	format, base := archive.FormatOf(name)
	switch {
	case f.uri.IsPrefix():
		return f.folder(ctx)
	case format != "":
		f.out.Name = base
		return f.archive(ctx, format)
	case name == savedModelFile:
		f.uri.Key = strings.TrimSuffix(f.uri.Key, name)
		return f.folder(ctx)
	case strings.EqualFold(path.Ext(name), ".pb"):
		f.out.Name = name[:len(name)-len(".pb")]
		return f.graph(ctx)
	}
	return f.folder(ctx)
}

// makeAbsolute lets a path name a model ("serve .") and outlive a change of the
// working directory.
func (f *fetch) makeAbsolute() error {
	abs, err := filepath.Abs(f.uri.Key)
	if err != nil {
		return fmt.Errorf("fetch model: %w", err)
	}
	if f.uri.IsPrefix() {
		abs += "/"
	}
	f.uri.Key = abs
	return nil
}

// nameFolder takes name and version from the URI of a folder; found is the
// version of a folder below it, or empty.
func (f *fetch) nameFolder(found string) {
	parts := strings.FieldsFunc(f.uri.Key, func(r rune) bool { return r == '/' })
	if n := len(parts); n > 0 {
		if v, ok := versionNumber(parts[n-1]); ok && found == "" {
			found = strconv.FormatUint(v, 10)
			parts = parts[:n-1]
		}
	}
	if found != "" {
		f.out.Version = found
	}
	switch {
	case len(parts) > 0:
		f.out.Name = parts[len(parts)-1]
	case f.uri.Bucket != "":
		f.out.Name = f.uri.Bucket
	default:
		f.out.Name = "model"
	}
}

// stat looks up the single object that a pin may be on.
func (f *fetch) stat(ctx context.Context) (blob.Object, error) {
	if f.o.ObjectVersion != "" && f.uri.Scheme == blob.FileScheme {
		return blob.Object{}, fmt.Errorf("%w: MODEL_OBJECT_VERSION is set, but %s is a file, and files have no versions", ErrPin, f.uri)
	}
	o, err := f.o.Source.Stat(ctx, f.uri, f.o.ObjectVersion)
	if err != nil {
		return blob.Object{}, err
	}
	f.out.Bytes = o.Size
	return o, f.checkSize(o.Size)
}

func (f *fetch) checkSize(size int64) error {
	if size > f.o.MaxBytes {
		return fmt.Errorf("%s: %w: %d bytes, the limit is %d (MAX_MODEL_BYTES)", f.uri, ErrTooLarge, size, f.o.MaxBytes)
	}
	return nil
}

func (f *fetch) tooManyFiles(n int) error {
	return fmt.Errorf("%s: %w: %d files, the limit is %d (MAX_ARCHIVE_FILES)", f.uri, ErrTooLarge, n, f.o.MaxFiles)
}

func (f *fetch) checkSum(sum string) error {
	f.out.SHA256, f.out.Identity = sum, sum
	if f.o.SHA256 != "" && f.o.SHA256 != sum {
		return fmt.Errorf("%s: %w: it has SHA-256 %s, pinned is %s (MODEL_SHA256)", f.uri, ErrChecksum, sum, f.o.SHA256)
	}
	return nil
}

func (f *fetch) stage(name string, start, end time.Time, bytes int64) {
	f.out.Stages = append(f.out.Stages, Stage{Name: name, Start: start, End: end, Bytes: bytes})
}

func (f *fetch) warn(warnings ...string) { f.out.Warnings = append(f.out.Warnings, warnings...) }
