package tensorflow

import (
	"fmt"

	tf "github.com/galeone/tensorflow/tensorflow/go"
	corepb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/tensorlambda/tensorlambda/internal/savedmodel"
)

// Options are the choices for a session. The zero value is ready for use.
type Options struct {
	// Tags pick a meta graph of a SavedModel; default "serve".
	Tags []string
	// Signature is the one for requests that name none. Where it is set it
	// must exist; the default, "serving_default", need not.
	Signature string
	// Inputs and Outputs name the tensors of a frozen graph; default its
	// placeholders and sinks.
	Inputs, Outputs []savedmodel.Binding
	// AnyTensor lets requests feed and fetch any tensor of the graph.
	AnyTensor bool
	// AllowUnsafeOps loads graphs that can touch files, the network,
	// processes or host callbacks.
	AllowUnsafeOps bool
	// Images decodes the images that requests bring; nil means that they bring none.
	Images *Images
	// IntraOpThreads and InterOpThreads are the sizes of TensorFlow's thread
	// pools; 0 leaves them to TensorFlow, which asks the machine. The first
	// session of a process fixes them for all. One inter-op thread is the
	// caller's own: runs at once do not wait for each other.
	IntraOpThreads, InterOpThreads int
}

// callersThread is TensorFlow's value for no pool: a run's operations stay in the
// thread that asked for it (direct_session.cc). Only TensorFlow's own threads flush
// subnormal numbers to zero; here they stay, as in Python.
const callersThread = -1

// rewrites are what a session does to a graph before the first run.
type rewrites struct {
	inline   bool // the bodies of functions go where they are called
	optimize bool // constants are folded, equal operations become one
}

// session makes the session's options.
func (o Options) session(graph rewrites) (*tf.SessionOptions, error) {
	interOpThreads := o.InterOpThreads
	if interOpThreads == 1 {
		// A pool of one would make runs at once queue up, and each run pays
		// for two changes of threads: for a small model more than its
		// operations cost.
		interOpThreads = callersThread
	}
	level := corepb.OptimizerOptions_L0
	if graph.optimize {
		level = corepb.OptimizerOptions_L1
	}
	config := &corepb.ConfigProto{
		IntraOpParallelismThreads: int32(o.IntraOpThreads),
		InterOpParallelismThreads: int32(interOpThreads),
		GraphOptions: &corepb.GraphOptions{
			OptimizerOptions: &corepb.OptimizerOptions{OptLevel: level, DoFunctionInlining: graph.inline},
			RewriteOptions: &corepb.RewriterConfig{
				// Grappler rewrites the graph before the first run. On models
				// as Keras exports them that is half of the load and of the
				// first run, and later runs are no faster for it on a CPU.
				DisableMetaOptimizer: true,
			},
		},
		Experimental: &corepb.ConfigProto_Experimental{
			// Idle threads that spin burn the CPU time that Lambda bills.
			DisableThreadSpinning: true,
		},
	}
	encoded, err := proto.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("encode session options: %w", err)
	}
	return &tf.SessionOptions{Config: encoded}, nil
}
