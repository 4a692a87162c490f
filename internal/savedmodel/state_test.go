package savedmodel

import (
	"regexp"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/savedmodel/optable"
)

// statefulWriters are the stateful operations that were looked at and change, or
// wait for, what other calls see.
var statefulWriters = set(`
	AssignAddVariableOp AssignSubVariableOp AssignVariableOp AssignVariableXlaConcatND DestroyResourceOp NegTrain
	InitializeTableFromDataset InitializeTableV2 LookupTableImportV2 LookupTableInsertV2 LookupTableRemoveV2
	QueueCloseV2 QueueDequeueManyV2 QueueDequeueUpToV2 QueueDequeueV2 QueueEnqueueManyV2 QueueEnqueueV2
	Stage StageClear StagePeek Unstage MapClear MapPeek MapStage MapUnstage MapUnstageNoKey
	OrderedMapClear OrderedMapPeek OrderedMapStage OrderedMapUnstage OrderedMapUnstageNoKey
	AddManySparseToTensorsMap AddSparseToTensorsMap TakeManySparseFromTensorsMap
	GetSessionHandle GetSessionHandleV2 DeleteSessionTensor MutexLock ConsumeMutexLock
	RngReadAndSkip RngSkip StatefulRandomBinomial StatefulStandardNormal StatefulStandardNormalV2
	StatefulTruncatedNormal StatefulUniform StatefulUniformFullInt StatefulUniformInt
	LearnedUnigramCandidateSampler ThreadUnsafeUnigramCandidateSampler
	DeleteIterator DeleteMemoryCache DeleteMultiDeviceIterator DeleteRandomSeedGenerator DeleteSeedGenerator
	DeserializeIterator IteratorGetNext IteratorGetNextAsOptional IteratorGetNextSync MakeIterator
	MultiDeviceIteratorGetNextFromShard MultiDeviceIteratorInit
	ReaderReadUpToV2 ReaderReadV2 ReaderResetV2 ReaderRestoreStateV2
	ResourceAccumulatorApplyGradient ResourceAccumulatorSetGlobalStep ResourceAccumulatorTakeGradient
	BoostedTreesCenterBias BoostedTreesCreateEnsemble BoostedTreesCreateQuantileStreamResource
	BoostedTreesDeserializeEnsemble BoostedTreesFlushQuantileSummaries
	BoostedTreesQuantileStreamResourceAddSummaries BoostedTreesQuantileStreamResourceDeserialize
	BoostedTreesQuantileStreamResourceFlush BoostedTreesUpdateEnsemble BoostedTreesUpdateEnsembleV2
	StatsAggregatorSummary ExperimentalStatsAggregatorSummary`)

// writerFamilies are stateful writers whose names say so.
var writerFamilies = regexp.MustCompile(`^Resource(Apply|SparseApply|Scatter)|^Resource(CountUpTo|StridedSliceAssign)$`)

// elsewhere are the operations of accelerators, of which Lambda has none.
var elsewhere = regexp.MustCompile(`TPU|^_?Xla|^Infeed|^Outfeed|DedupData|^ConvertToCooTensor$|^GetMinibatch|` +
	`^(AllToAll|CrossReplicaSum|GlobalIterId)$`)

// A signature that writes state is not warmed up. What decides it is every
// stateful operation of TensorFlow, so none may slip by, least of all one that a
// new version adds.
func TestEveryStatefulOperationIsAWriterOrReviewed(t *testing.T) {
	for _, op := range table(t) {
		_, refused := unsafeOps[op.Name]
		writer := statefulWriters[op.Name] || writerFamilies.MatchString(op.Name)
		switch {
		case !op.Stateful:
			if writer || leavesState[op.Name] {
				t.Errorf("operation %s is listed and not stateful", op.Name)
			}
		case writer && leavesState[op.Name]:
			t.Errorf("operation %s is listed as a writer and as none", op.Name)
		case refused && leavesState[op.Name]:
			t.Errorf("operation %s is refused: it need not be reviewed", op.Name)
		case !writer && !refused && !leavesState[op.Name] && !elsewhere.MatchString(op.Name):
			t.Errorf("stateful operation %s is neither listed as a writer nor reviewed", op.Name)
		}
		if op.Stateful && WritesState(op.Name) == leavesState[op.Name] {
			t.Errorf("WritesState(%s) = %v", op.Name, leavesState[op.Name])
		}
	}
}

// References are written by operations that are not marked stateful. Their names
// tell them all the same.
var writesByName = regexp.MustCompile(`^(Assign|Apply|SparseApply|Scatter(Nd)?(Add|Sub|Mul|Div|Min|Max|Update)$)|` +
	`^Queue(Enqueue|Dequeue|Close)|Accumulator(Apply|Set|Take)|Barrier(Close|Insert|Take)|LookupTable(Insert|Import|Remove)|` +
	`^InitializeTable|^Reader(Read|Reset|Restore)|StridedSliceAssign|CountUpTo|SdcaShrink`)

func TestEveryWriterOfReferencesIsListed(t *testing.T) {
	for _, op := range table(t) {
		if !op.Stateful && writesByName.MatchString(op.Name) != writesReference[op.Name] {
			t.Errorf("operation %s is listed: %v", op.Name, writesReference[op.Name])
		}
	}
}

// A mistyped name would exempt nothing, or everything that follows.
func TestStateNamesOperationsOfTensorFlow(t *testing.T) {
	for _, names := range []map[string]bool{leavesState, writesReference, statefulWriters} {
		for name := range names {
			if !optable.Known(name) {
				t.Errorf("operation %q is not in the table", name)
			}
		}
	}
}

func TestWritesState(t *testing.T) {
	for list, want := range map[string]bool{
		`AssignVariableOp Assign ResourceScatterAdd LookupTableInsertV2 QueueDequeueV2 RngReadAndSkip StatefulUniform
			Stage Unstage MapStage IteratorGetNext ResourceAccumulatorApplyGradient AccumulatorApplyGradient NewOperation`: true,
		`MatMul ReadVariableOp VarHandleOp LookupTableFindV2 RandomUniform StatefulPartitionedCall While If Print Assert
			TensorArrayWriteV3 HashTableV2 XlaCallModule Identity NoOp`: false,
	} {
		for op := range strings.FieldsSeq(list) {
			if got := WritesState(op); got != want {
				t.Errorf("WritesState(%s) = %v", op, got)
			}
		}
	}
}
