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
	"time"

	"github.com/tensorlambda/tensorlambda/internal/archive"
	"github.com/tensorlambda/tensorlambda/internal/blob"
)

const (
	spoolFile = "packed"
	// unpackGuess is how much larger than the archive its content is taken to
	// be when room is made for it; only a full disk is an error.
	unpackGuess = 4
)

// archive unpacks an archive into the cache, or finds it there.
func (f *fetch) archive(ctx context.Context, format archive.Format) error {
	o, err := f.stat(ctx)
	if err != nil {
		return err
	}
	c, err := openCache(f.o.CacheDir)
	if err != nil {
		return err
	}
	name := archiveKey(o)
	e, err := c.lookup(name)
	if err != nil {
		return errors.Join(err, c.close())
	}
	if e != nil {
		f.out.From = FromCache
		f.stage("fetch", f.start, time.Now(), 0)
	} else if e, err = f.fill(c, name, func(e *entry) (*marker, error) { return f.unpack(ctx, format, o, e) }); err != nil {
		return errors.Join(err, c.close())
	}
	return f.use(e)
}

// fill makes a new entry by work and finishes it, if a model is in it.
func (f *fetch) fill(c *cache, name string, work func(*entry) (*marker, error)) (*entry, error) {
	if err := c.sweep(); err != nil {
		f.warn("what earlier processes left in the cache could not be removed: " + err.Error())
	}
	e, err := c.create()
	if err != nil {
		return nil, err
	}
	m, err := work(e)
	if err == nil {
		m.Files, err = e.list()
	}
	if err == nil {
		if _, err = f.locate(m); err != nil {
			err = withAdvice(err, m.names(), e.head)
		}
	}
	if err != nil {
		return nil, errors.Join(err, e.discard())
	}
	return e.finish(name, m)
}

// use takes the model out of an entry, finished just now or long ago. From here
// on the entry is held by what Fetch returns.
func (f *fetch) use(e *entry) error {
	f.out.hold = e
	if n := e.marker.bytes(); n > f.o.MaxBytes {
		return f.checkSize(n)
	}
	if n := len(e.marker.Files); n > f.o.MaxFiles {
		return f.tooManyFiles(n)
	}
	if e.marker.SHA256 != "" {
		if err := f.checkSum(e.marker.SHA256); err != nil {
			return err
		}
	}
	found, err := f.locate(e.marker)
	if err != nil {
		return err
	}
	f.out.Bytes = e.marker.Fetched
	return f.take(found, e.path)
}

// locate finds the model among the files of an entry.
func (f *fetch) locate(m *marker) (located, error) {
	found, err := locate(m.names())
	if err != nil {
		return located{}, fmt.Errorf("%s: %w", f.uri, err)
	}
	for _, file := range m.Files {
		if file.Name == found.proto() {
			return found, checkProto(f.uri.String()+": "+file.Name, file.Size)
		}
	}
	return found, nil
}

// take makes the located model the result; at tells where its files are.
func (f *fetch) take(found located, at func(name string) string) error {
	f.warn(found.warnings...)
	if found.version != "" {
		f.out.Version = found.version
	}
	if found.graph == "" {
		f.out.Format, f.out.Dir = SavedModel, at(found.folder)
		return nil
	}
	f.out.Format, f.out.Dir = GraphDef, at(path.Dir(found.graph))
	graph, err := os.ReadFile(at(found.graph))
	if err != nil {
		return err
	}
	f.out.Graph = graph
	return checkGraph(found.graph, graph)
}

// unpack reads an archive once: what arrives is hashed and unpacked at the same
// time. A zip starts at its end, so it has to be put aside first.
func (f *fetch) unpack(ctx context.Context, format archive.Format, o blob.Object, e *entry) (*marker, error) {
	if _, err := e.cache.makeRoom(o.Size * unpackGuess); err != nil {
		return nil, err
	}
	into, err := e.root.OpenRoot(modelDir)
	if err != nil {
		return nil, err
	}
	defer into.Close()
	r, err := f.o.Source.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	packed := &timed{r: io.TeeReader(f.progress(r, o.Size), sum)}
	unpack := f.unpackTar
	if format == archive.Zip {
		unpack = f.unpackZip
	}
	unpacked, err := unpack(format, packed, o.Size, e, into)
	err = errors.Join(err, r.Close())
	f.stage("fetch", f.start, packed.end, o.Size)
	begin := packed.begin
	if format == archive.Zip {
		begin = packed.end
	}
	f.stage("unpack", begin, time.Now(), unpacked.Bytes)
	if err == nil {
		// Before the entry is finished: content that fails its pin must never
		// be found in the cache.
		err = f.checkSum(hex.EncodeToString(sum.Sum(nil)))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.uri, e.cache.noSpace(err, max(unpacked.Bytes, o.Size)))
	}
	return &marker{URI: f.uri.String(), ObjectVersion: o.VersionID, SHA256: f.out.SHA256, Fetched: o.Size}, nil
}

func (f *fetch) limits() archive.Limits {
	return archive.Limits{Bytes: f.o.MaxBytes, Entries: f.o.MaxFiles, Ratio: f.o.MaxRatio}
}

func (f *fetch) unpackTar(format archive.Format, packed io.Reader, _ int64, _ *entry, into *os.Root) (archive.Summary, error) {
	return archive.Extract(format, packed, into, f.limits())
}

func (f *fetch) unpackZip(_ archive.Format, packed io.Reader, size int64, e *entry, into *os.Root) (archive.Summary, error) {
	spool, err := e.root.Create(spoolFile)
	if err != nil {
		return archive.Summary{}, err
	}
	defer spool.Close()
	if _, err := io.Copy(spool, packed); err != nil {
		return archive.Summary{}, err
	}
	sum, err := archive.ExtractZip(spool, size, into, f.limits())
	return sum, errors.Join(err, e.root.Remove(spoolFile))
}

// timed notes when the first byte came and when the last one had.
type timed struct {
	r          io.Reader
	begin, end time.Time
}

func (t *timed) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	t.end = time.Now()
	if t.begin.IsZero() {
		t.begin = t.end
	}
	return n, err
}
