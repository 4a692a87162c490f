package savedmodel

import (
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/savedmodel/optable"
)

// WritesState reports whether an operation may change what later calls of the
// model see: a variable, a table, a queue, the state of a generator that the
// model owns. An operation that TensorFlow marks stateful is taken to do so
// unless it has been reviewed; one that nobody knows is, too.
func WritesState(op string) bool {
	stateful, known := optable.Stateful(op)
	return !known || writesReference[op] || stateful && !leavesState[op]
}

// writesReference are operations that write through a reference or a handle and
// that TensorFlow does not mark, since their inputs show it.
var writesReference = set(`
	Assign AssignAdd AssignSub CountUpTo StridedSliceAssign
	ScatterAdd ScatterDiv ScatterMax ScatterMin ScatterMul ScatterSub ScatterUpdate
	ScatterNdAdd ScatterNdMax ScatterNdMin ScatterNdSub ScatterNdUpdate
	ApplyAdaMax ApplyAdadelta ApplyAdagrad ApplyAdagradDA ApplyAdagradV2 ApplyAdam ApplyAddSign
	ApplyCenteredRMSProp ApplyFtrl ApplyFtrlV2 ApplyGradientDescent ApplyMomentum ApplyPowerSign
	ApplyProximalAdagrad ApplyProximalGradientDescent ApplyRMSProp
	SparseApplyAdadelta SparseApplyAdagrad SparseApplyAdagradDA SparseApplyAdagradV2
	SparseApplyCenteredRMSProp SparseApplyFtrl SparseApplyFtrlV2 SparseApplyMomentum
	SparseApplyProximalAdagrad SparseApplyProximalGradientDescent SparseApplyRMSProp SdcaShrinkL1
	AccumulatorApplyGradient AccumulatorSetGlobalStep AccumulatorTakeGradient
	SparseAccumulatorApplyGradient SparseAccumulatorTakeGradient
	BarrierClose BarrierInsertMany BarrierTakeMany
	InitializeTable InitializeTableFromTextFile LookupTableImport LookupTableInsert
	QueueClose QueueDequeue QueueDequeueMany QueueDequeueUpTo QueueEnqueue QueueEnqueueMany
	ReaderRead ReaderReadUpTo ReaderReset ReaderRestoreState`)

// leavesState are operations that TensorFlow marks stateful and that change
// nothing a later call could tell. A test holds every stateful operation to be
// listed here or as a writer.
var leavesState = set(
	// They call functions, whose bodies are judged.
	`
		Case If While StatefulPartitionedCall RiscWhile _If _While XlaIf XlaWhile XlaLaunch XlaCallModule
		DatasetToSingleElement ReduceDataset GeneratorDataset GroupByReducerDataset ExperimentalGroupByReducerDataset`,
	// They only read, or look at what passes.
	`
		ReadVariableOp _ReadVariablesOp ReadVariableXlaSplitND VarIsInitializedOp VariableShape DisableCopyOnRead
		ResourceGather ResourceGatherNd GuaranteeConst DeepCopy Empty
		LookupTableExportV2 LookupTableFindV2 LookupTableSizeV2 QueueIsClosedV2 QueueSizeV2
		StageSize MapIncompleteSize MapSize OrderedMapIncompleteSize OrderedMapSize ResourceAccumulatorNumAccumulated
		ReaderNumRecordsProducedV2 ReaderNumWorkUnitsCompletedV2 ReaderSerializeStateV2 GetSessionTensor
		BoostedTreesExampleDebugOutputs BoostedTreesGetEnsembleStates BoostedTreesPredict
		BoostedTreesQuantileStreamResourceGetBucketBoundaries BoostedTreesSerializeEnsemble BoostedTreesTrainingPredict
		IsBoostedTreesEnsembleInitialized IsBoostedTreesQuantileStreamResourceInitialized
		IteratorGetDevice ExperimentalIteratorGetDevice IteratorGetModelProto IteratorToStringHandle
		MultiDeviceIteratorToStringHandle SerializeIterator
		Assert CheckNumerics CheckNumericsV2 Print PrintV2 DebugIdentityV2 DebugIdentityV3
		DeviceIndex StatelessRandomGetAlg SyncDevice Timestamp _Arg _DeviceArg _DeviceRetval _Retval`,
	// They make a handle: who writes through it is judged.
	`
		VarHandleOp _VarHandlesOp _XlaAotOnlyVarHandleOp Variable VariableV2 TemporaryVariable
		HashTable HashTableV2 MutableHashTable MutableHashTableV2 MutableHashTableOfTensors MutableHashTableOfTensorsV2
		MutableDenseHashTable MutableDenseHashTableV2 Barrier FIFOQueue FIFOQueueV2 FakeQueue PaddingFIFOQueue
		PaddingFIFOQueueV2 PriorityQueue PriorityQueueV2 RandomShuffleQueue RandomShuffleQueueV2
		ConditionalAccumulator ResourceConditionalAccumulator SparseConditionalAccumulator MutexV2
		IdentityReader IdentityReaderV2 BoostedTreesEnsembleResourceHandleOp BoostedTreesQuantileStreamResourceHandleOp
		Iterator IteratorV2 OneShotIterator IteratorFromStringHandle IteratorFromStringHandleV2
		MultiDeviceIterator MultiDeviceIteratorFromStringHandle SummaryWriter
		StatsAggregatorHandle StatsAggregatorHandleV2 ExperimentalStatsAggregatorHandle
		ThreadPoolHandle ExperimentalThreadPoolHandle
		AnonymousHashTable AnonymousMutableDenseHashTable AnonymousMutableHashTable AnonymousMutableHashTableOfTensors
		AnonymousIterator AnonymousIteratorV2 AnonymousIteratorV3 AnonymousMultiDeviceIterator
		AnonymousMultiDeviceIteratorV3 AnonymousMemoryCache AnonymousRandomSeedGenerator AnonymousSeedGenerator
		DummyIterationCounter DummyMemoryCache DummySeedGenerator`,
	// They make a dataset: who iterates over it is judged.
	`
		ListDataset RandomDataset RandomDatasetV2 ExperimentalRandomDataset RangeDataset ShuffleAndRepeatDatasetV2
		ShuffleDatasetV2 ShuffleDatasetV3 GlobalShuffleDataset SparseTensorSliceDataset TensorDataset TensorSliceDataset
		ThreadPoolDataset ExperimentalThreadPoolDataset SetStatsAggregatorDataset ExperimentalSetStatsAggregatorDataset`,
	// What they write ends with the call.
	`
		Stack StackV2 StackCloseV2 StackPopV2 StackPushV2
		TensorArray TensorArrayV2 TensorArrayV3 TensorArrayCloseV3 TensorArrayConcatV3 TensorArrayGatherV3
		TensorArrayGrad TensorArrayGradV2 TensorArrayGradV3 TensorArrayGradWithShape TensorArrayReadV3
		TensorArrayScatterV3 TensorArraySizeV3 TensorArraySplitV3 TensorArrayWriteV3
		_ParallelConcatStart _ScopedAllocator _ScopedAllocatorConcat _ScopedAllocatorSplit`,
	// They draw random numbers. A call more or less changes which ones the next
	// call gets, even under a fixed seed; but any client's call does that to all
	// others, so none can rely on it.
	`
		Multinomial NonDeterministicInts ParameterizedTruncatedNormal RandomCrop RandomGamma RandomPoisson RandomPoissonV2
		RandomShuffle RandomStandardNormal RandomUniform RandomUniformInt TruncatedNormal
		SampleDistortedBoundingBox SampleDistortedBoundingBoxV2
		AllCandidateSampler FixedUnigramCandidateSampler LogUniformCandidateSampler UniformCandidateSampler
		CudnnRNN CudnnRNNBackprop CudnnRNNBackpropV2 CudnnRNNBackpropV3 CudnnRNNV2 CudnnRNNV3`,
)

func set(names ...string) map[string]bool {
	members := make(map[string]bool)
	for _, list := range names {
		for name := range strings.FieldsSeq(list) {
			members[name] = true
		}
	}
	return members
}
