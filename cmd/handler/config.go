package main

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/event"
	"github.com/tensorlambda/tensorlambda/internal/savedmodel"
)

// config is every setting of the program, read once from the environment.
// Nothing below cmd reads the environment. README.md lists the variables.
type config struct {
	ModelURI      string
	ObjectVersion string
	SHA256        string
	ModelName     string
	ModelVersion  string
	Tags          []string
	Signature     string
	Inputs        []savedmodel.Binding
	Outputs       []savedmodel.Binding
	AnyTensor     bool
	AllowUnsafe   bool

	LibraryDir     string
	IntraOpThreads int
	InterOpThreads int

	Sources        []event.Class
	ResponseStream bool

	MaxBodyBytes    int64
	MaxTensorBytes  int64
	MaxModelBytes   int64
	MaxArchiveFiles int
	MaxJSONDepth    int
	MaxInflateRatio int64

	MemoryBudget int64 // bytes; 0 where nothing is known

	S3Endpoint string
}

// readConfig reads all settings through get, which is os.Getenv but in tests.
// The error joins every fault, each naming its variable. An unset MODEL_URI is
// no fault here, since a command line may name the model.
func readConfig(get func(string) string) (config, error) {
	e := environment{get: get}
	var c config
	c.ModelURI = e.uri("MODEL_URI")
	c.ObjectVersion = get("MODEL_OBJECT_VERSION")
	c.SHA256 = e.sha256("MODEL_SHA256")
	c.ModelName = e.name("MODEL_NAME")
	c.ModelVersion = e.version("MODEL_VERSION")
	if c.Tags = e.list("MODEL_TAGS"); c.Tags == nil {
		c.Tags = []string{"serve"}
	}
	c.Signature = get("MODEL_SIGNATURE")
	c.Inputs = e.bindings("MODEL_INPUTS")
	c.Outputs = e.bindings("MODEL_OUTPUTS")
	c.AnyTensor = e.boolean("MODEL_ANY_TENSOR")
	c.AllowUnsafe = e.boolean("MODEL_ALLOW_UNSAFE_OPS")

	memory := e.integer("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", 0, math.MaxInt64>>20) << 20
	c.MemoryBudget = memoryBudget(os.DirFS("/"), memory)
	c.LibraryDir = e.text("TENSORFLOW_LIB", libraryDir())
	c.IntraOpThreads = int(e.integer("TF_INTRA_OP_THREADS", int64(vCPUs(memory, runtime.NumCPU())), 1024))
	c.InterOpThreads = int(e.integer("TF_INTER_OP_THREADS", 1, 1024))

	c.Sources = e.sources("EVENT_SOURCES")
	c.ResponseStream = e.boolean("RESPONSE_STREAM")

	const huge = math.MaxInt64 / 2
	c.MaxBodyBytes = e.integer("MAX_BODY_BYTES", 10<<20, huge)
	c.MaxTensorBytes = e.integer("MAX_TENSOR_BYTES", cmp.Or(c.MemoryBudget/8, 64<<20), huge)
	c.MaxModelBytes = e.integer("MAX_MODEL_BYTES", 8<<30, huge)
	c.MaxArchiveFiles = int(e.integer("MAX_ARCHIVE_FILES", 100_000, math.MaxInt32))
	c.MaxJSONDepth = int(e.integer("MAX_JSON_DEPTH", 64, 10_000))
	c.MaxInflateRatio = e.integer("MAX_INFLATE_RATIO", 1000, huge)

	c.S3Endpoint = get("AWS_ENDPOINT_URL_S3")
	return c, errors.Join(e.faults...)
}

// libraryDir is where the library is when TENSORFLOW_LIB does not say: the
// layer's place in Lambda, else beside the executable as `make` leaves it.
func libraryDir() string {
	const layer = "/opt/lib"
	if matches, _ := filepath.Glob(layer + "/libtensorflow*"); len(matches) > 0 {
		return layer
	}
	executable, err := os.Executable()
	if err != nil {
		return layer
	}
	return filepath.Join(filepath.Dir(executable), "layer", "lib")
}

// environment reads variables and collects what is wrong with them.
type environment struct {
	get    func(string) string
	faults []error
}

func (e *environment) fault(name, format string, args ...any) {
	e.faults = append(e.faults, fmt.Errorf("%s: "+format, append([]any{name}, args...)...))
}

func (e *environment) text(name, unset string) string {
	if v := e.get(name); v != "" {
		return v
	}
	return unset
}

func (e *environment) uri(name string) string {
	v := e.get(name)
	if v == "" {
		return ""
	}
	if _, err := blob.ParseURI(v); err != nil {
		e.fault(name, "%w", err)
	}
	return v
}

func (e *environment) sha256(name string) string {
	v := strings.ToLower(e.get(name))
	if v != "" && (len(v) != 64 || strings.Trim(v, "0123456789abcdef") != "") {
		e.fault(name, "%q is not a SHA-256: want 64 hexadecimal digits", v)
	}
	return v
}

func (e *environment) name(name string) string {
	v := e.get(name)
	if strings.ContainsAny(v, "/:") {
		e.fault(name, "%q must not contain / or :, which separate the parts of a URL", v)
	}
	return v
}

func (e *environment) version(name string) string {
	v := e.get(name)
	if v == "" {
		return ""
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 0 {
		e.fault(name, "%q is not a version: want a whole number from 0", v)
	}
	return strconv.FormatInt(n, 10) // as URLs are read: 007 is 7
}

func (e *environment) boolean(name string) bool {
	switch v := e.get(name); v {
	case "true", "1":
		return true
	case "", "false", "0":
		return false
	default:
		e.fault(name, "%q is neither true nor false", v)
		return false
	}
}

// integer reads a whole number from 1 to most.
func (e *environment) integer(name string, unset, most int64) int64 {
	v := e.get(name)
	if v == "" {
		return unset
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 1 || n > most {
		e.fault(name, "%q is not a whole number from 1 to %d", v, most)
		return unset
	}
	return n
}

// list reads a comma-separated list, nil where the variable is not set.
func (e *environment) list(name string) []string {
	v := e.get(name)
	if v == "" {
		return nil
	}
	elements := strings.Split(v, ",")
	for i, element := range elements {
		if elements[i] = strings.TrimSpace(element); elements[i] == "" {
			e.fault(name, "%q has an empty element", v)
			return nil
		}
	}
	return elements
}

// sources reads a list of event sources, nil, which means all, where the
// variable is not set.
func (e *environment) sources(name string) []event.Class {
	var classes []event.Class
	for _, word := range e.list(name) {
		class, err := event.ParseClass(word)
		if err != nil {
			e.fault(name, "%w", err)
		}
		classes = append(classes, class)
	}
	return classes
}

func (e *environment) bindings(name string) []savedmodel.Binding {
	v := e.get(name)
	if v == "" {
		return nil
	}
	bindings, err := savedmodel.ParseBindings(v)
	if err != nil {
		e.fault(name, "%w", err)
	}
	return bindings
}
