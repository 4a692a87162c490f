package savedmodel

import (
	"bytes"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/savedmodel/internal/wire"
	"github.com/tensorlambda/tensorlambda/internal/savedmodel/optable"
)

// effect is what an operation does that a model must not do unasked, as the
// end of a sentence that begins with the operation.
type effect string

const (
	readsFiles  effect = "reads files"
	writesFiles effect = "writes files"
	network     effect = "talks to other processes or hosts"
	process     effect = "ends or reconfigures the process"
	callback    effect = "calls code outside the graph"
	hiddenGraph effect = "runs a graph that is hidden in a value"
	unknownOp   effect = "is not an operation of TensorFlow's own library"
	fromCaller  effect = "takes an attribute from its caller, where it cannot be judged"
)

// unsafeOps are TensorFlow's operations with such effects, whatever their
// attributes. A test holds every operation with a telling name to be listed
// here, in conditions, or as reviewed.
var unsafeOps = byOperation(map[effect]string{
	readsFiles: `
		ReadFile MatchingFiles RecordInput ImmutableConst Skipgram
		WholeFileReader WholeFileReaderV2 TextLineReader TextLineReaderV2 LMDBReader
		TFRecordReader TFRecordReaderV2 FixedLengthRecordReader FixedLengthRecordReaderV2
		TextLineDataset TFRecordDataset TFRecordDatasetV2
		FixedLengthRecordDataset FixedLengthRecordDatasetV2
		CSVDataset CSVDatasetV2 ExperimentalCSVDataset LMDBDataset ExperimentalLMDBDataset
		SqlDataset ExperimentalSqlDataset MatchingFilesDataset ExperimentalMatchingFilesDataset
		LoadDataset ListSnapshotChunksDataset SnapshotChunkDataset
		SnapshotDatasetReader SnapshotNestedDatasetReader
		Restore RestoreSlice RestoreV2 DTensorRestoreV2 LoadAndRemapMatrix GenerateVocabRemapping
		InitializeTableFromTextFile InitializeTableFromTextFileV2`,
	writesFiles: `
		WriteFile Save SaveV2 SaveSlices MergeV2Checkpoints DumpTensor CalibrationStatisticsSaver
		SaveDataset SaveDatasetV2 SnapshotDataset SnapshotDatasetV2 CacheDataset CacheDatasetV2
		DatasetToTFRecord ExperimentalDatasetToTFRecord
		CreateSummaryFileWriter CreateSummaryDbWriter ImportEvent FlushSummaryWriter CloseSummaryWriter
		WriteSummary WriteRawProtoSummary WriteScalarSummary WriteHistogramSummary WriteImageSummary
		WriteAudioSummary WriteGraphSummary StatsAggregatorSetSummaryWriter`,
	network: `
		RpcServer RpcServerRegister RpcServerStart RpcClient RpcCall RpcCheckStatus RpcGetValue
		DeleteRpcFutureResource RemoteCall Send Recv _Send _Recv _HostSend _HostRecv
		DataServiceDataset DataServiceDatasetV2 DataServiceDatasetV3 DataServiceDatasetV4
		RegisterDataset RegisterDatasetV2 DistributedSave WorkerHeartbeat StoreMinibatchStatisticsInFdo
		CollectiveAllToAllV2 CollectiveAllToAllV3 CollectiveAssignGroupV2 CollectiveBcastRecv
		CollectiveBcastRecvV2 CollectiveBcastSend CollectiveBcastSendV2 CollectiveGather
		CollectiveGatherV2 CollectiveInitializeCommunicator CollectivePermute CollectiveReduce
		CollectiveReduceScatterV2 CollectiveReduceV2 CollectiveReduceV3
		NcclAllReduce NcclBroadcast NcclReduce _NcclBroadcastRecv _NcclBroadcastSend
		_NcclReduceRecv _NcclReduceSend
		XlaSend XlaRecv XlaSendToHost XlaRecvFromHost _XlaSendFromHost _XlaSendFromHostV2
		_XlaRecvAtHost _XlaRecvAtHostV2 _WaitForDistributedTPU ConnectTPUEmbeddingHosts
		DTensorAllGather DTensorAllReduce DTensorAllScatter DTensorAllToAll DTensorReduceScatter`,
	process: `
		Abort FileSystemSetConfiguration
		ConfigureDistributedTPU _ConfigureDistributedTPU ShutdownDistributedTPU _ShutdownDistributedTPU
		_InitializeHostForDistributedTPU _SetGlobalTPUArray _DisconnectHostFromDistributedTPUSystem
		DTensorSetGlobalTPUArray ConfigureAndInitializeGlobalTPU ShutdownTPUSystem
		UpdateTaskIdAndGlobalCoreArray ConfigureTPUEmbedding ConfigureTPUEmbeddingHost
		ConfigureTPUEmbeddingMemory CollateTPUEmbeddingMemory FinalizeTPUEmbedding
		FinalizeTPUEmbeddingV2 ExecuteTPUEmbeddingPartitioner`,
	callback: `
		PyFunc PyFuncStateless EagerPyFunc XlaCustomCall XlaCustomCallV2 XlaHostCompute`,
	hiddenGraph: `
		DatasetFromGraph MlirPassthroughOp TfLiteSubgraphExecute
		TPUCompile _TPUCompileMlir TPUExecute TPUExecuteAndUpdateVariables _XlaHostComputeMlir`,
})

// pythonOps call back into the Python process that made the model. The C library has
// their names and no kernels.
var pythonOps = []string{"PyFunc", "PyFuncStateless", "EagerPyFunc"}

// conditions are operations that are unsafe with some attributes only.
var conditions = map[string]struct {
	effect effect
	when   func(*Node) bool
}{
	"PrintV2":                      {writesFiles, attrStarts("output_stream", "file:")},
	"DecodeProtoV2":                {readsFiles, opensDescriptors},
	"EncodeProto":                  {readsFiles, opensDescriptors},
	"FixedUnigramCandidateSampler": {readsFiles, attrStarts("vocab_file", "")},
	"DebugIdentity":                {writesFiles, hasStrings("debug_urls")},
	"DebugIdentityV2":              {writesFiles, hasStrings("debug_urls")},
	"DebugIdentityV3":              {writesFiles, hasStrings("debug_urls")},
	"DebugNanCount":                {writesFiles, hasStrings("debug_urls")},
	"DebugNumericSummary":          {writesFiles, hasStrings("debug_urls")},
	"Copy":                         {writesFiles, hasStrings("debug_ops_spec")},
	"CopyHost":                     {writesFiles, hasStrings("debug_ops_spec")},
	// What JAX exports. The module is compiled code; only its custom calls
	// leave it.
	"XlaCallModule": {callback, attrContains("module", "custom_call")},
}

func byOperation(groups map[effect]string) map[string]effect {
	ops := make(map[string]effect)
	for e, names := range groups {
		for name := range strings.FieldsSeq(names) {
			ops[name] = e
		}
	}
	return ops
}

// hazard is the effect for which a node is to be refused, whatever it is fed;
// empty for a safe node. function reports whether a name is a function of the
// graph: a call is judged by the function's body.
func hazard(n *Node, function func(string) bool) effect {
	if e, ok := unsafeOps[n.Op]; ok {
		return e
	}
	if takesAttributes(n) {
		return fromCaller
	}
	if c, ok := conditions[n.Op]; ok && c.when(n) {
		return c.effect
	}
	if !optable.Known(n.Op) && !function(n.Op) {
		return unknownOp
	}
	return ""
}

// takesAttributes reports an attribute that is a placeholder. TensorFlow fills
// it in from the call, or from a default in the function's signature: it may
// become a function that no node mentions, or the name of a file. No exporter of
// TensorFlow 2 writes one.
func takesAttributes(n *Node) bool {
	for _, value := range attrs(n.raw) {
		for f, err := range wire.Fields(value) {
			if err == nil && f.Tag == attrHolder {
				return true
			}
		}
	}
	return false
}

// attrStarts reports a string attribute that is not empty and has the prefix.
func attrStarts(attr, prefix string) func(*Node) bool {
	return func(n *Node) bool {
		a, _ := n.Attr(attr)
		s, ok := a.Bytes()
		return ok && len(s) > 0 && bytes.HasPrefix(s, []byte(prefix))
	}
}

func attrContains(attr, part string) func(*Node) bool {
	return func(n *Node) bool {
		a, _ := n.Attr(attr)
		s, _ := a.Bytes()
		return bytes.Contains(s, []byte(part))
	}
}

func hasStrings(attr string) func(*Node) bool {
	return func(n *Node) bool {
		a, _ := n.Attr(attr)
		list, _ := a.Strings()
		return len(list) > 0
	}
}

// opensDescriptors reports a descriptor source that is a file: neither the
// linked-in descriptors, which are the default, nor inline bytes.
func opensDescriptors(n *Node) bool {
	return attrStarts("descriptor_source", "")(n) &&
		!attrStarts("descriptor_source", "local://")(n) && !attrStarts("descriptor_source", "bytes://")(n)
}
