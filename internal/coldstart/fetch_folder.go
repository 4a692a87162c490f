package coldstart

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tensorlambda/tensorlambda/internal/blob"
)

// parallelFiles is how many files of a folder are downloaded at once, each by
// several connections.
const parallelFiles = 4

// folder finds the model in a folder or under a prefix. Files are used where
// they are; objects are downloaded, those of the model only.
func (f *fetch) folder(ctx context.Context) error {
	if f.o.ObjectVersion != "" || f.o.SHA256 != "" {
		if err := f.oddFile(ctx); err != nil {
			return err
		}
		return fmt.Errorf("%w: MODEL_OBJECT_VERSION and MODEL_SHA256 pin one object, an archive or a .pb, but %s is a folder", ErrPin, f.uri)
	}
	f.uri = f.uri.Prefix()
	objects, err := f.o.Source.List(ctx, f.uri)
	if err != nil {
		return err
	}
	if len(objects) == 0 {
		return f.nothing(ctx)
	}
	found, err := locate(f.names(objects))
	if err != nil {
		return f.noModel(ctx, objects, err)
	}
	f.nameFolder(found.version)
	objects = f.ofModel(objects, found)
	if err := f.checkFolder(objects, found.proto()); err != nil {
		return err
	}
	top := f.below(path.Dir(found.proto()))
	f.out.Identity = folderIdentity(objects, top)
	switch {
	case f.uri.Scheme == blob.FileScheme:
		f.stage("fetch", f.start, time.Now(), 0)
		return f.take(found, func(name string) string { return filepath.Join(f.uri.Key, name) })
	case found.graph != "":
		f.uri = objects[0].URI
		return f.graph(ctx)
	}
	f.warn(found.warnings...)
	return f.mirror(ctx, objects, top)
}

// noModel is the error for objects among which no model was located, which err says.
func (f *fetch) noModel(ctx context.Context, objects []blob.Object, err error) error {
	err = withAdvice(err, f.names(objects), func(name string) ([]byte, error) {
		i := slices.IndexFunc(objects, func(o blob.Object) bool { return f.name(o) == name })
		return f.head(ctx, objects[i])
	})
	return fmt.Errorf("%s: %w", f.uri, err)
}

// checkFolder adds up the objects of a model, whose graph is in proto, and
// compares them with the limits.
func (f *fetch) checkFolder(objects []blob.Object, proto string) error {
	for _, o := range objects {
		f.out.Bytes += o.Size
		if f.name(o) != proto {
			continue
		}
		if err := checkProto(o.URI.String(), o.Size); err != nil {
			return err
		}
	}
	if len(objects) > f.o.MaxFiles {
		return f.tooManyFiles(len(objects))
	}
	return f.checkSize(f.out.Bytes)
}

func (f *fetch) names(objects []blob.Object) []string {
	names := make([]string, len(objects))
	for i, o := range objects {
		names[i] = f.name(o)
	}
	return names
}

func (f *fetch) name(o blob.Object) string { return strings.TrimPrefix(o.URI.Key, f.uri.Key) }

// ofModel are the objects of the located model.
func (f *fetch) ofModel(objects []blob.Object, found located) []blob.Object {
	var kept []blob.Object
	for _, o := range objects {
		name := f.name(o)
		if name == found.graph || found.graph == "" && isPath(name) && within(path.Dir(name), found.folder) {
			kept = append(kept, o)
		}
	}
	return kept
}

// below is the URI of a folder of the listing; "." is the whole of it.
func (f *fetch) below(folder string) blob.URI {
	if folder == "." {
		return f.uri
	}
	return f.uri.Join(folder).Prefix()
}

// mirror brings the objects, all below top, into the cache, or finds them there.
func (f *fetch) mirror(ctx context.Context, objects []blob.Object, top blob.URI) error {
	c, err := openCache(f.o.CacheDir)
	if err != nil {
		return err
	}
	name := folderKey(objects)
	e, err := c.lookup(name)
	if err != nil {
		return errors.Join(err, c.close())
	}
	if e != nil {
		f.out.From = FromCache
	} else if e, err = f.fill(c, name, func(e *entry) (*marker, error) { return f.download(ctx, objects, top, e) }); err != nil {
		return errors.Join(err, c.close())
	}
	f.stage("fetch", f.start, time.Now(), f.out.Bytes)
	return f.use(e)
}

func (f *fetch) download(ctx context.Context, objects []blob.Object, top blob.URI, e *entry) (*marker, error) {
	free, err := e.cache.makeRoom(f.out.Bytes)
	if err != nil {
		return nil, err
	}
	if free < f.out.Bytes {
		return nil, fmt.Errorf("%s: %w", f.uri, e.cache.spaceError(f.out.Bytes, free))
	}
	into, err := e.root.OpenRoot(modelDir)
	if err != nil {
		return nil, err
	}
	defer into.Close()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelFiles)
	progress := &progressWriter{total: f.out.Bytes, report: f.o.Progress}
	for _, o := range objects {
		group.Go(func() error {
			return f.downloadFile(ctx, o, strings.TrimPrefix(o.URI.Key, top.Key), into, progress)
		})
	}
	if err := group.Wait(); err != nil {
		return nil, e.cache.noSpace(err, f.out.Bytes)
	}
	return &marker{URI: top.String(), Fetched: f.out.Bytes}, nil
}

func (f *fetch) downloadFile(ctx context.Context, o blob.Object, name string, into *os.Root, progress *progressWriter) error {
	if err := into.MkdirAll(path.Dir(name), 0o700); err != nil {
		return fmt.Errorf("%s: %w", o.URI, err)
	}
	file, err := into.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("%s: %w", o.URI, err)
	}
	return errors.Join(f.o.Source.Download(ctx, o, progress.over(file)), file.Close())
}

// progressWriter adds up what all files of a folder have received.
type progressWriter struct {
	total  int64
	report func(done, total int64)

	mu   sync.Mutex
	done int64
}

func (p *progressWriter) over(w io.WriterAt) io.WriterAt {
	if p.report == nil {
		return w
	}
	return writerAt(func(b []byte, off int64) (int, error) {
		n, err := w.WriteAt(b, off)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.done += int64(n)
		p.report(p.done, p.total)
		return n, err
	})
}

type writerAt func(p []byte, off int64) (int, error)

func (w writerAt) WriteAt(p []byte, off int64) (int, error) { return w(p, off) }

// archiveKey is the cache's name for what an archive unpacks to.
func archiveKey(o blob.Object) string {
	return cacheKey("archive", o.URI.String(), o.VersionID, o.ETag)
}

// folderKey is the cache's name for a folder. It changes with every key, ETag
// and size in it.
func folderKey(objects []blob.Object) string {
	parts := []string{"folder"}
	for _, o := range objects {
		parts = append(parts, o.URI.String(), o.ETag, fmt.Sprint(o.Size))
	}
	return cacheKey(parts...)
}

// folderIdentity tells a folder's content from others without reading it.
func folderIdentity(objects []blob.Object, top blob.URI) string {
	parts := []string{"model"}
	for _, o := range objects {
		parts = append(parts, strings.TrimPrefix(o.URI.Key, top.Key), o.ETag, fmt.Sprint(o.Size))
	}
	return checksum(parts)
}

// cacheKey is the start of a checksum: enough for a name, and short.
func cacheKey(parts ...string) string { return checksum(parts)[:32] }

func checksum(parts []string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p) // lengths keep neighbours apart
	}
	return hex.EncodeToString(h.Sum(nil))
}
