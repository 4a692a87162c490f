package savedmodel

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/savedmodel/optable"
)

// telling finds operations whose names suggest files, other processes or code
// from elsewhere.
var telling = regexp.MustCompile(`(?i)file|read|write|save|restore|print|py(func)|rpc|send|recv|remote|` +
	`host|debug|dump|summary|collective|nccl|dtensor|snapshot|service|worker|lmdb|sql|csv|record|abort|` +
	`exec|compile|custom|client|matching|vocab|remap|skipgram|proto|checkpoint|import|export|register|` +
	`distribut|configure|global|shutdown|mlir|fromgraph|subgraph|memory|cache|textline|statistics|xlacall|url`)

// reviewed are the operations with telling names that were looked at and touch
// nothing outside the graph's own memory, or only move a handle that an unsafe
// operation must have made.
var reviewed = strings.Fields(`
	AnonymousMemoryCache DeleteMemoryCache DummyMemoryCache Print AudioSummary AudioSummaryV2 HistogramSummary
	ImageSummary MergeSummary ScalarSummary TensorSummary TensorSummaryV2 SummaryWriter StatsAggregatorSummary
	ExperimentalStatsAggregatorSummary BoostedTreesMakeStatsSummary BoostedTreesExampleDebugOutputs
	DebugGradientIdentity DebugGradientRefIdentity DebugNumericSummaryV2 DecodeCSV CustomAggregator
	IdentityReader IdentityReaderV2 ReaderNumRecordsProduced ReaderNumRecordsProducedV2
	ReaderNumWorkUnitsCompleted ReaderNumWorkUnitsCompletedV2 ReaderRead ReaderReadUpTo ReaderReadUpToV2
	ReaderReadV2 ReaderReset ReaderResetV2 ReaderRestoreState ReaderRestoreStateV2 ReaderSerializeState
	ReaderSerializeStateV2 ReadVariableOp ReadVariableXlaSplitND _ReadVariablesOp RngReadAndSkip
	DisableCopyOnRead BarrierReadySize TensorArrayRead TensorArrayReadV2 TensorArrayReadV3 TensorArrayWrite
	TensorArrayWriteV2 TensorArrayWriteV3 ThreadPoolDataset ThreadPoolHandle ExperimentalThreadPoolDataset
	ExperimentalThreadPoolHandle PrivateThreadPoolDataset ExperimentalPrivateThreadPoolDataset
	ThreadUnsafeUnigramCandidateSampler RewriteDataset ShardedFilename ShardedFilespec Snapshot HostConst
	_HostCast LookupTableExport LookupTableExportV2 LookupTableImport LookupTableImportV2 IteratorGetModelProto
	TpuHandleToProtoKey GlobalIterId GlobalShuffleDataset ResourceAccumulatorSetGlobalStep
	AccumulatorSetGlobalStep BatchNormWithGlobalNormalization BatchNormWithGlobalNormalizationGrad
	QuantizedBatchNormWithGlobalNormalization TPUCompilationResult TPUCompileSucceededAssert
	_XlaCompile _XlaCompileMlirPlaceholderProgramKey
	CheckNumericsV2 DatasetFingerprint Fingerprint RaggedTensorFromVariant RaggedTensorToSparse
	RaggedTensorToTensor RaggedTensorToVariant RaggedTensorToVariantGradient SdcaFprint
	XlaSparseCoreAdagrad XlaSparseCoreAdagradMomentum XlaSparseCoreAdam`)

// table is TensorFlow's operations.
func table(t *testing.T) []optable.Op {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("optable", "ops.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var ops []optable.Op
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		op, err := optable.Parse(line)
		if err != nil {
			t.Fatal(err)
		}
		ops = append(ops, op)
	}
	if len(ops) < 1500 {
		t.Fatalf("%d operations: the table is incomplete", len(ops))
	}
	return ops
}

// Loading a model decides by this list alone, so no operation of TensorFlow may
// slip by unnoticed, least of all one that a new version adds.
func TestEveryTellingOperationIsRefusedOrReviewed(t *testing.T) {
	for _, op := range table(t) {
		name := op.Name
		_, refused := unsafeOps[name]
		_, conditional := conditions[name]
		accelerator := strings.Contains(name, "TPUEmbedding") || strings.HasPrefix(name, "XlaSparseDenseMatmul")
		if telling.MatchString(name) && !refused && !conditional && !accelerator && !slices.Contains(reviewed, name) {
			t.Errorf("operation %s is neither refused nor reviewed", name)
		}
		if slices.Contains(reviewed, name) && (refused || conditional) {
			t.Errorf("operation %s is both refused and reviewed", name)
		}
	}
}

// A mistyped name would refuse nothing.
func TestPolicyNamesOperationsOfTensorFlow(t *testing.T) {
	for name := range unsafeOps {
		if !optable.Known(name) {
			t.Errorf("unsafe operation %q is not in the table", name)
		}
		if _, ok := conditions[name]; ok {
			t.Errorf("operation %q is unsafe with and without a condition", name)
		}
	}
	for name := range conditions {
		if !optable.Known(name) {
			t.Errorf("conditional operation %q is not in the table", name)
		}
	}
	for _, name := range reviewed {
		if !optable.Known(name) {
			t.Errorf("reviewed operation %q is not in the table", name)
		}
	}
}
