package savedmodel

import "github.com/tensorlambda/tensorlambda/internal/savedmodel/internal/wire"

// The fields that are read, by their protobuf messages in
// tensorflow/core/protobuf and tensorflow/core/framework.
const (
	savedModelMetaGraphs wire.Tag = 2<<3 | wire.Bytes

	metaGraphMetaInfo    wire.Tag = 1<<3 | wire.Bytes
	metaGraphGraphDef    wire.Tag = 2<<3 | wire.Bytes
	metaGraphSaverDef    wire.Tag = 3<<3 | wire.Bytes
	metaGraphCollections wire.Tag = 4<<3 | wire.Bytes
	metaGraphSignatures  wire.Tag = 5<<3 | wire.Bytes
	metaGraphAssets      wire.Tag = 6<<3 | wire.Bytes

	metaInfoStrippedOps wire.Tag = 2<<3 | wire.Bytes
	metaInfoTags        wire.Tag = 4<<3 | wire.Bytes
	metaInfoTensorFlow  wire.Tag = 5<<3 | wire.Bytes

	saverFilename wire.Tag = 1<<3 | wire.Bytes
	saverSave     wire.Tag = 2<<3 | wire.Bytes
	saverRestore  wire.Tag = 3<<3 | wire.Bytes

	collectionNodeList wire.Tag = 1<<3 | wire.Bytes
	collectionAnyList  wire.Tag = 5<<3 | wire.Bytes
	listValue          wire.Tag = 1<<3 | wire.Bytes
	anyValue           wire.Tag = 2<<3 | wire.Bytes

	assetTensorInfo wire.Tag = 1<<3 | wire.Bytes
	assetFilename   wire.Tag = 2<<3 | wire.Bytes

	signatureInputs   wire.Tag = 1<<3 | wire.Bytes
	signatureOutputs  wire.Tag = 2<<3 | wire.Bytes
	signatureMethod   wire.Tag = 3<<3 | wire.Bytes
	signatureDefaults wire.Tag = 4<<3 | wire.Bytes

	tensorInfoName      wire.Tag = 1<<3 | wire.Bytes
	tensorInfoDType     wire.Tag = 2<<3 | wire.Varint
	tensorInfoShape     wire.Tag = 3<<3 | wire.Bytes
	tensorInfoSparse    wire.Tag = 4<<3 | wire.Bytes
	tensorInfoComposite wire.Tag = 5<<3 | wire.Bytes
	sparseValues        wire.Tag = 1<<3 | wire.Bytes
	sparseIndices       wire.Tag = 2<<3 | wire.Bytes
	sparseDenseShape    wire.Tag = 3<<3 | wire.Bytes
	compositeComponents wire.Tag = 2<<3 | wire.Bytes

	shapeDim         wire.Tag = 2<<3 | wire.Bytes
	shapeUnknownRank wire.Tag = 3<<3 | wire.Varint
	dimSize          wire.Tag = 1<<3 | wire.Varint

	graphNode        wire.Tag = 1<<3 | wire.Bytes
	graphLibrary     wire.Tag = 2<<3 | wire.Bytes
	graphVersions    wire.Tag = 4<<3 | wire.Bytes
	versionsProducer wire.Tag = 1<<3 | wire.Varint

	libraryFunction  wire.Tag = 1<<3 | wire.Bytes
	libraryGradient  wire.Tag = 2<<3 | wire.Bytes
	gradientFunction wire.Tag = 1<<3 | wire.Bytes
	gradientGradient wire.Tag = 2<<3 | wire.Bytes

	functionSignature wire.Tag = 1<<3 | wire.Bytes
	functionNode      wire.Tag = 3<<3 | wire.Bytes

	nodeName   wire.Tag = 1<<3 | wire.Bytes
	nodeOp     wire.Tag = 2<<3 | wire.Bytes
	nodeInput  wire.Tag = 3<<3 | wire.Bytes
	nodeDevice wire.Tag = 4<<3 | wire.Bytes
	nodeAttr   wire.Tag = 5<<3 | wire.Bytes

	attrList   wire.Tag = 1<<3 | wire.Bytes
	attrString wire.Tag = 2<<3 | wire.Bytes
	attrInt    wire.Tag = 3<<3 | wire.Varint
	attrFloat  wire.Tag = 4<<3 | wire.Fixed32
	attrBool   wire.Tag = 5<<3 | wire.Varint
	attrType   wire.Tag = 6<<3 | wire.Varint
	attrShape  wire.Tag = 7<<3 | wire.Bytes
	attrTensor wire.Tag = 8<<3 | wire.Bytes
	attrHolder wire.Tag = 9<<3 | wire.Bytes
	attrFunc   wire.Tag = 10<<3 | wire.Bytes

	listString      wire.Tag = 2<<3 | wire.Bytes
	listType        wire.Tag = 6<<3 | wire.Varint
	listTypesPacked wire.Tag = 6<<3 | wire.Bytes
	listShape       wire.Tag = 7<<3 | wire.Bytes
	listFunc        wire.Tag = 9<<3 | wire.Bytes

	nameAttrListName wire.Tag = 1<<3 | wire.Bytes
	nameAttrListAttr wire.Tag = 2<<3 | wire.Bytes

	tensorType    wire.Tag = 1<<3 | wire.Varint
	tensorShape   wire.Tag = 2<<3 | wire.Bytes
	tensorVersion wire.Tag = 3<<3 | wire.Varint
	tensorString  wire.Tag = 8<<3 | wire.Bytes

	mapKey   wire.Tag = 1<<3 | wire.Bytes
	mapValue wire.Tag = 2<<3 | wire.Bytes
)

// Graphs whose size no honest exporter reaches are refused, because a few bytes
// of input cost a hundred of memory.
const (
	maxNodes     = 4 << 20  // in one graph, its functions included
	maxInputs    = 32 << 20 // of all these nodes together
	maxDims      = 254      // TensorFlow's own limit on ranks
	maxNesting   = 64       // of functions inside attributes; protobuf's own limit is below it
	maxOutputs   = 1 << 16  // of one node
	refTypeStart = 100      // reference types are the type plus this
)

// mapEntry reads an entry of a protobuf map from strings to messages. A value
// that occurs twice is merged, which for a serialized message is concatenation.
func mapEntry(b []byte) (key, value []byte, err error) {
	for f, err := range wire.Fields(b) {
		if err != nil {
			return nil, nil, err
		}
		switch f.Tag {
		case mapKey:
			key = f.Bytes
		case mapValue:
			value = merged(value, f.Bytes)
		}
	}
	return key, value, nil
}

// merged is the merge of two serialized messages. It copies only where a field
// that should occur once occurs twice.
func merged(a, b []byte) []byte {
	if len(a) == 0 {
		return b
	}
	joined := make([]byte, 0, len(a)+len(b))
	return append(append(joined, a...), b...)
}
