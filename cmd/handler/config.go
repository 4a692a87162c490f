package main

import (
	"cmp"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"

	"github.com/aws/smithy-go/middleware"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/event"
	"github.com/tensorlambda/tensorlambda/internal/infer/tensorflow"
	"github.com/tensorlambda/tensorlambda/internal/rows"
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
	Labels        string // the name of a file in or beside the model
	AllowUnsafe   bool

	LibraryDir     string
	IntraOpThreads int
	InterOpThreads int

	Sources        []event.Class
	ResponseStream bool
	Playground     bool

	Output     blob.URI // a prefix in S3; the zero URI where it is not set
	Format     rows.Format
	Join       bool
	ImageScale tensorflow.ImageScale
	BatchRows  int
	ShardBytes int64
	Queue      queueAddress // the zero value where there is none

	MaxBodyBytes    int64
	MaxTensorBytes  int64
	MaxModelBytes   int64
	MaxArchiveFiles int
	MaxLineBytes    int64
	MaxJSONDepth    int
	MaxInflateRatio int64

	MetricsNamespace string

	MemoryBudget int64 // bytes; 0 where nothing is known

	S3Endpoint  string
	SQSEndpoint string

	// Calls is what AWS clients do beside their calls. It is no setting but the function's
	// tracing, and goes where the endpoints go.
	Calls []func(*middleware.Stack) error
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
	c.Labels = e.localFile("MODEL_LABELS")
	c.AllowUnsafe = e.boolean("MODEL_ALLOW_UNSAFE_OPS")

	memory := e.integer("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", 0, math.MaxInt64>>20) << 20
	c.MemoryBudget = memoryBudget(os.DirFS("/"), memory)
	c.LibraryDir = e.text("TENSORFLOW_LIB", libraryDir())
	c.IntraOpThreads = int(e.integer("TF_INTRA_OP_THREADS", int64(vCPUs(memory, runtime.NumCPU())), 1024))
	c.InterOpThreads = int(e.integer("TF_INTER_OP_THREADS", 1, 1024))

	c.Sources = e.sources("EVENT_SOURCES")
	c.ResponseStream = e.boolean("RESPONSE_STREAM")
	c.Playground = e.switched("PLAYGROUND", get("AWS_LAMBDA_RUNTIME_API") == "") // off in Lambda

	c.Output = e.prefix("OUTPUT_URI")
	c.Format = e.format("OUTPUT_FORMAT")
	c.Join = e.boolean("OUTPUT_JOIN")
	if c.Join && c.Format == rows.NPY {
		e.fault("OUTPUT_JOIN", "%w", errJoinNPY)
	}
	c.ImageScale = e.imageScale("IMAGE_SCALE")
	c.BatchRows = int(e.integer("BATCH_ROWS", 256, 1<<20))
	c.Queue = e.queue("BATCH_QUEUE_URL")

	const huge = math.MaxInt64 / 2
	c.MaxBodyBytes = e.integer("MAX_BODY_BYTES", 10<<20, huge)
	c.MaxTensorBytes = e.integer("MAX_TENSOR_BYTES", cmp.Or(c.MemoryBudget/8, 64<<20), huge)
	c.MaxModelBytes = e.integer("MAX_MODEL_BYTES", 8<<30, huge)
	c.MaxArchiveFiles = int(e.integer("MAX_ARCHIVE_FILES", 100_000, math.MaxInt32))
	c.MaxLineBytes = e.integer("MAX_LINE_BYTES", 64<<20, huge)
	c.MaxJSONDepth = int(e.integer("MAX_JSON_DEPTH", 64, 10_000))
	c.MaxInflateRatio = e.integer("MAX_INFLATE_RATIO", 1000, huge)
	c.ShardBytes = e.integer("BATCH_SHARD_BYTES", 256<<20, huge)

	c.MetricsNamespace = e.text("METRICS_NAMESPACE", "tensorlambda")

	c.S3Endpoint = e.endpoint("AWS_ENDPOINT_URL_S3")
	c.SQSEndpoint = e.endpoint("AWS_ENDPOINT_URL_SQS")
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
