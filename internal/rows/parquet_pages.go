package rows

import (
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// What is read of a page's header: first what most need, and up to what bounds them.
const (
	firstHeader = 1 << 10
	lastHeader  = 1 << 20
)

// pageGuard stands between a column chunk and parquet-go, which allocates whatever the
// header of a page says, and lets it see one page with values at a time, checked; empty
// ones, which some writers leave where they change the encoding, it does not survive.
//
// What the guard cannot bound is what parquet-go makes of a page's bytes: it inflates a
// page beyond the size in its header, and expands runs of levels and of indexes, and
// packed deltas, beyond the number of values there.
type pageGuard struct {
	r       io.ReaderAt
	at, end int64 // of the next header, and of the chunk
	limit   int64
	// What is behind dictionary is shown skipped bytes earlier than it is.
	dictionary, skipped int64
}

// errEnd says that there are no more pages. It is not io.EOF, which parquet-go uses for
// pages that break off, too.
var errEnd = errors.New("no more pages")

// next shows the next page with values, and a dictionary before it. It is errEnd at the
// end of the chunk.
func (g *pageGuard) next() error {
	for g.at < g.end {
		header, size, err := g.header()
		if err != nil {
			return err
		}
		if err := g.check(header); err != nil {
			return err
		}
		size += int64(header.CompressedPageSize)
		if g.at += size; g.at > g.end {
			return fmt.Errorf("%w: a page of %d bytes goes beyond its column", ErrCorrupt, header.CompressedPageSize)
		}
		switch {
		case header.Type == format.DictionaryPage && (g.dictionary > 0 || g.skipped > 0):
			return fmt.Errorf("%w: a dictionary behind other pages", ErrCorrupt)
		case header.Type == format.DictionaryPage:
			g.dictionary = g.at
		case header.DataPageHeader.V.NumValues > 0 || header.DataPageHeaderV2.V.NumValues > 0:
			return nil
		default:
			g.skipped += size
		}
	}
	return errEnd
}

// ReadAt reads up to the end of what is shown, without an error where that is less than
// p has room for: parquet-go reads on.
func (g *pageGuard) ReadAt(p []byte, off int64) (int, error) {
	end := g.dictionary
	if off >= end {
		off += g.skipped
		end = g.at
	}
	if off >= end {
		return 0, io.EOF
	}
	return g.r.ReadAt(p[:min(int64(len(p)), end-off)], off)
}

// header decodes a header and returns how many bytes it has.
func (g *pageGuard) header() (*format.PageHeader, int64, error) {
	for room := int64(firstHeader); ; room *= 32 {
		data := make([]byte, min(room, g.end-g.at))
		if _, err := g.r.ReadAt(data, g.at); err != nil && !errors.Is(err, io.EOF) {
			return nil, 0, err
		}
		err := checkThrift(data, maxNesting)
		if err == nil {
			r := new(thrift.CompactProtocol).NewReaderFromBytes(data)
			header := new(format.PageHeader)
			err = thrift.NewDecoder(r).Decode(header)
			return header, int64(r.BytesRead()), err
		}
		if room >= lastHeader || g.at+room >= g.end {
			return nil, 0, fmt.Errorf("%w: page header: %v", ErrCorrupt, err) //nolint:errorlint // see damaged
		}
	}
}

func (g *pageGuard) check(h *format.PageHeader) error {
	values := max(h.DataPageHeader.V.NumValues, h.DataPageHeaderV2.V.NumValues, h.DictionaryPageHeader.V.NumValues)
	size := max(int64(h.CompressedPageSize), int64(h.UncompressedPageSize), entrySize*int64(values))
	switch {
	case min(h.CompressedPageSize, h.UncompressedPageSize, values) < 0:
		return fmt.Errorf("%w: a page of %d bytes, inflated %d, with %d values", ErrCorrupt, h.CompressedPageSize, h.UncompressedPageSize, values)
	case size > g.limit:
		return fmt.Errorf("%w: a page of %d values in %d bytes takes more than %d bytes (MAX_TENSOR_BYTES): write smaller pages",
			ErrTooLarge, values, h.UncompressedPageSize, g.limit)
	}
	return nil
}

// entrySize is what a value takes at least while its page is in memory: two levels and
// an index into a dictionary.
const entrySize = 6

// chunkValues reads the values of a column in a row group, page after page.
type chunkValues struct {
	guard  *pageGuard
	pages  *parquet.FilePages
	page   parquet.Page        // nil between pages
	values parquet.ValueReader // of it
	left   int64               // how many values of it are to come
	full   bool                // none of them is missing
}

// openChunk begins to read the values of a column in a row group.
func openChunk(file *parquet.File, group int, leaf *parquetLeaf, limit int64, open func(from, to int64) io.ReaderAt) *chunkValues {
	from, to := chunkRange(leaf.chunk(file, group))
	guard := &pageGuard{r: open(from, to), at: from, end: to, limit: limit}
	chunk := file.RowGroups()[group].ColumnChunks()[leaf.index].(*parquet.FileColumnChunk) // parquet-go promises the type
	return &chunkValues{guard: guard, pages: chunk.PagesFrom(guard)}
}

// read reads values, which are valid until the next call; io.EOF is behind the last
// one.
func (c *chunkValues) read(values []parquet.Value) (n int, err error) {
	end := false
	err = damaged(func() error {
		for c.left == 0 && !end {
			if err := c.next(); errors.Is(err, errEnd) {
				end = true
			} else if err != nil {
				return err
			}
		}
		if end {
			return nil
		}
		if n, _ = c.values.ReadValues(values[:min(int64(len(values)), c.left)]); n > 0 {
			c.left -= int64(n)
			return nil
		}
		return fmt.Errorf("%w: a page has %d values fewer than it says", ErrCorrupt, c.left)
	})
	if end {
		err = io.EOF
	}
	return n, err
}

// next goes to the next page.
func (c *chunkValues) next() error {
	c.release()
	if err := c.guard.next(); err != nil {
		return err
	}
	page, err := c.pages.ReadPage()
	if err != nil {
		return err
	}
	c.page, c.values, c.left, c.full = page, page.Values(), page.NumValues(), page.NumNulls() == 0
	return nil
}

// held is how much memory the page takes.
func (c *chunkValues) held() int64 {
	if c.page == nil {
		return 0
	}
	size := c.page.Size()
	if d := c.page.Dictionary(); d != nil {
		size += d.Size()
	}
	return size
}

// release gives the page back.
func (c *chunkValues) release() {
	if c.page != nil {
		parquet.Release(c.page)
	}
	c.page, c.values, c.left = nil, nil, 0
}

func (c *chunkValues) close() {
	c.release()
	_ = c.pages.Close() // it only forgets
}
