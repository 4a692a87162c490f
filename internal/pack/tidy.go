package pack

import (
	"maps"
	"path"
	"slices"

	modelpb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// tidy drops what a model needs only for training and for being loaded as an object of
// Python, and assets that nothing reads.
func (p *Packed) tidy(meta *modelpb.MetaGraphDef, g *graph) {
	meta.ObjectGraphDef = nil
	meta.MetaInfoDef.StrippedOpList = nil
	meta.MetaInfoDef.FunctionAliases = nil
	maps.DeleteFunc(meta.GetCollectionDef(), func(name string, _ *modelpb.CollectionDef) bool {
		return !initCollections[name] && name != assetCollection
	})
	moveInitOp(meta)
	gone := func(asset *modelpb.AssetFileDef) bool {
		return g.index[parseEndpoint(asset.GetTensorInfo().GetName()).node] == nil
	}
	meta.AssetFileDef = slices.DeleteFunc(meta.GetAssetFileDef(), gone)
	if list := meta.GetCollectionDef()[assetCollection].GetAnyList(); list != nil {
		list.Value = slices.DeleteFunc(list.GetValue(), func(value *anypb.Any) bool {
			asset := new(modelpb.AssetFileDef)
			return value.UnmarshalTo(asset) == nil && gone(asset)
		})
	}
	for _, asset := range append(meta.GetAssetFileDef(), collectedAssets(meta)...) {
		p.Assets = append(p.Assets, path.Clean(asset.GetFilename()))
	}
	slices.Sort(p.Assets)
	p.Assets = slices.Compact(p.Assets)
}

// moveInitOp names the init op as TensorFlow 1 does. Without its objects Python reads
// the model as one of TensorFlow 1, and would take the entry of TensorFlow 2 for a
// signature that somebody calls. The C++ loader reads both.
func moveInitOp(meta *modelpb.MetaGraphDef) {
	entry := meta.GetSignatureDef()[initOp]
	if entry == nil {
		return
	}
	delete(meta.GetSignatureDef(), initOp)
	node := parseEndpoint(entry.GetOutputs()[initOp].GetName()).node
	if node == "" {
		return
	}
	if meta.CollectionDef == nil {
		meta.CollectionDef = make(map[string]*modelpb.CollectionDef)
	}
	meta.CollectionDef["saved_model_main_op"] = &modelpb.CollectionDef{
		Kind: &modelpb.CollectionDef_NodeList_{NodeList: &modelpb.CollectionDef_NodeList{Value: []string{node}}},
	}
}

// assetCollection is where models of TensorFlow 1 list their assets.
const assetCollection = "saved_model_assets"

func collectedAssets(meta *modelpb.MetaGraphDef) []*modelpb.AssetFileDef {
	var assets []*modelpb.AssetFileDef
	for _, value := range meta.GetCollectionDef()[assetCollection].GetAnyList().GetValue() {
		asset := new(modelpb.AssetFileDef)
		if value.UnmarshalTo(asset) == nil {
			assets = append(assets, asset)
		}
	}
	return assets
}
