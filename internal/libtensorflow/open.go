package libtensorflow

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"
	"unsafe"

	"github.com/tensorlambda/tensorlambda/internal/libtensorflow/packed"
)

var (
	// ErrMissing is returned when a folder holds neither a packed nor a raw
	// library.
	ErrMissing = errors.New("no libtensorflow")
	// ErrUnusable is returned when a library is there but is not one that this
	// process can use: another architecture, not a library, a symbol missing.
	ErrUnusable = errors.New("unusable libtensorflow")
	// ErrNoSpace is returned when neither memory nor the temporary folder has
	// room for the library.
	ErrNoSpace = errors.New("no room for libtensorflow")
)

// Place is where the bytes of an open library are.
type Place string

// The places.
const (
	Memory    Place = "memfd" // anonymous files in memory
	Temporary Place = "tmp"   // files in the temporary folder
	Raw       Place = "raw"   // the folder itself held unpacked libraries
)

// Options are the choices of Open. Only Dir has no default.
type Options struct {
	// Dir is a folder with a packed library (package packed) or a raw one.
	Dir string
	// TempDir is where libraries are put that do not go into memory, in a
	// folder of this package's own; default os.TempDir(). What an earlier
	// process put there is used again.
	TempDir string
	// MemoryBudget is how many bytes this process may use; 0 means any number.
	// A library that would leave less than headroom goes to TempDir.
	MemoryBudget int64
	// Place, where set, is used instead of the rule above.
	Place Place
	// Workers is how many goroutines inflate; default GOMAXPROCS.
	Workers int
	// Progress is told of bytes inflated, of the total there are, by several
	// goroutines at a time.
	Progress func(bytes, total int64)
}

// progress is Progress for a library of total bytes.
func (o Options) progress(total int64) func(bytes int64) {
	if o.Progress == nil {
		return nil
	}
	return func(bytes int64) { o.Progress(bytes, total) }
}

// headroom is what TensorFlow, the model and requests need beside the library:
// a smaller budget than library + headroom would end in the out-of-memory
// killer. 101 MB of 366 resident after a small model's first run are not pages
// of the library; the rest is for the model.
const headroom = 256 << 20

// Info says what was opened.
type Info struct {
	Version string // of the running library: "2.21.0"
	SHA256  string // of libtensorflow_cc, in hex; empty for a raw library
	Place   Place
	Bytes   int64 // of both libraries, unpacked
	Stages  []Stage
	// Notes are things an operator may want to know: why the library is not
	// in memory, for example.
	Notes []string

	cold *coldCode // nil where nothing is still to come
}

// Stage is a part of the opening, for the cold start's timeline.
type Stage struct {
	Name       string // "inflate", "dlopen", "constructors"
	Start, End time.Time
	Bytes      int64
}

var opened struct {
	sync.Mutex
	info *Info
}

// Open makes the library of a folder usable by this process and fills the
// symbol table. A process opens one library in its life: once Open has
// succeeded it returns the same Info whatever is asked for. After an error it
// may be called again, unless a library was mapped already, which is an error
// that stays.
//
// The error names the file and is ErrMissing, ErrUnusable, ErrNoSpace,
// packed.ErrManifest, packed.ErrDamaged, or that of ctx.
func Open(ctx context.Context, opts Options) (*Info, error) {
	opened.Lock()
	defer opened.Unlock()
	if opened.info != nil {
		return opened.info, nil
	}
	if mapped {
		return nil, fmt.Errorf("open libtensorflow: an earlier attempt mapped a part of it: only a new process can try again: %w", ErrUnusable)
	}
	quiet()
	limitArenas()
	info, err := open(ctx, opts)
	if err != nil {
		return nil, fmt.Errorf("open libtensorflow: %w", err)
	}
	info.Version = Version()
	opened.info = info
	return info, nil
}

func open(ctx context.Context, opts Options) (*Info, error) {
	if exists(filepath.Join(opts.Dir, packed.ManifestName)) {
		return openPacked(ctx, opts)
	}
	if exists(filepath.Join(opts.Dir, packed.CC)) {
		return openRaw(opts.Dir)
	}
	return nil, fmt.Errorf("%w in %s: it holds neither %s nor %s; run `make layer`, or set TENSORFLOW_LIB to the folder that holds it",
		ErrMissing, opts.Dir, packed.ManifestName, packed.CC)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// openRaw opens libraries as they come out of a wheel.
func openRaw(dir string) (*Info, error) {
	info := &Info{Place: Raw}
	for _, name := range []string{packed.Framework, packed.CC} {
		size, err := checkELF(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		info.Bytes += size
	}
	return info, mapFolder(dir, info)
}

func openPacked(ctx context.Context, opts Options) (*Info, error) {
	library, err := packed.Open(opts.Dir)
	if err != nil {
		return nil, err
	}
	info := new(Info)
	defer func() {
		if info.cold == nil {
			library.Close()
		}
	}()
	manifest := library.Manifest()
	if manifest.Arch != runtime.GOARCH {
		return nil, fmt.Errorf("%s holds a library for %s, this program is %s: %w",
			filepath.Join(opts.Dir, packed.ManifestName), manifest.Arch, runtime.GOARCH, ErrUnusable)
	}
	for _, name := range []string{packed.Framework, packed.CC} {
		if _, ok := manifest.Library(name); !ok {
			return nil, fmt.Errorf("%s names no %s: %w", filepath.Join(opts.Dir, packed.ManifestName), name, ErrUnusable)
		}
	}
	cc, _ := manifest.Library(packed.CC)
	info.SHA256, info.Bytes = cc.SHA256, manifest.Size()
	if err := inflateAndMap(ctx, library, opts, info); err != nil {
		return nil, err
	}
	return info, nil
}

// mapped is set once a library is part of the process: opening the same one
// from another path would register everything twice and abort.
var mapped bool

// mapLibrary opens one library for all of the process. Framework goes first: cc's
// need for it is met by the library that is already there under that SONAME.
func mapLibrary(name, path string) (unsafe.Pointer, Stage, error) {
	stage := Stage{Name: stageName("dlopen", name), Start: time.Now()}
	handle, err := dlopen(path)
	if err != nil {
		return nil, stage, fmt.Errorf("%s: %w: %w", name, err, ErrUnusable)
	}
	mapped = true
	stage.End = time.Now()
	return handle, stage, nil
}

// initialize makes a library that is mapped and whole ready for calls: it runs the
// constructors, those of framework before those of cc, and fills the symbol table
// from cc. It adds a stage where there was something to run.
func initialize(name string, handle unsafe.Pointer) ([]Stage, error) {
	stage := Stage{Name: stageName("constructors", name), Start: time.Now()}
	n, err := construct(handle)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if name == packed.CC {
		if err := fill(handle); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if n == 0 { // the loader ran them
		return nil, nil
	}
	stage.End = time.Now()
	return []Stage{stage}, nil
}

func stageName(stage, library string) string {
	if library == packed.Framework {
		return stage + " framework"
	}
	return stage
}

// mapFolder maps both libraries of a folder.
func mapFolder(dir string, info *Info) error {
	for _, name := range []string{packed.Framework, packed.CC} {
		handle, stage, err := mapLibrary(name, filepath.Join(dir, name))
		if err != nil {
			return err
		}
		stages, err := initialize(name, handle)
		if err != nil {
			return err
		}
		info.Stages = append(append(info.Stages, stage), stages...)
	}
	return nil
}
