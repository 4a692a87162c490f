package savedmodel

import (
	"fmt"

	"github.com/tensorlambda/tensorlambda/internal/savedmodel/internal/wire"
)

// collection reads the few collections that matter for serving: the one that
// names the init op, and the assets of models that old versions wrote.
func (m *metaGraphReader) collection(b []byte) error {
	key, value, err := mapEntry(b)
	if err != nil {
		return fmt.Errorf("collection: %w", err)
	}
	switch name := string(key); name {
	case mainOpCollection, legacyCollection:
		nodes, err := collected(value, collectionNodeList)
		if err != nil {
			return fmt.Errorf("collection %q: %w", name, err)
		}
		if len(nodes) > 0 {
			if m.inits[name], err = readName(nodes[0]); err != nil {
				return fmt.Errorf("collection %q: %w", name, err)
			}
		}
	case assetsCollection:
		return m.assetsCollection(value)
	}
	return nil
}

func (m *metaGraphReader) assetsCollection(b []byte) error {
	items, err := collected(b, collectionAnyList)
	if err != nil {
		return fmt.Errorf("collection %q: %w", assetsCollection, err)
	}
	for _, item := range items {
		for f, err := range wire.Fields(item) {
			if err == nil && f.Tag == anyValue {
				err = m.asset(&m.oldAssets, f.Bytes)
			}
			if err != nil {
				return fmt.Errorf("collection %q: %w", assetsCollection, err)
			}
		}
	}
	return nil
}

// collected is the values of a CollectionDef that holds a list of this kind.
func collected(b []byte, kind wire.Tag) ([][]byte, error) {
	var values [][]byte
	for f, err := range wire.Fields(b) {
		if err != nil {
			return nil, err
		}
		if f.Tag != kind {
			continue
		}
		for item, err := range wire.Fields(f.Bytes) {
			if err != nil {
				return nil, err
			}
			if item.Tag == listValue {
				values = append(values, item.Bytes)
			}
		}
	}
	return values, nil
}

func (m *metaGraphReader) asset(assets *[]Asset, b []byte) error {
	var a Asset
	var tensor tensorInfo
	for f, err := range wire.Fields(b) {
		if err == nil {
			switch f.Tag {
			case assetTensorInfo:
				err = tensor.merge(f.Bytes)
			case assetFilename:
				a.File = string(f.Bytes)
			}
		}
		if err != nil {
			return fmt.Errorf("asset %d: %w", len(*assets), err)
		}
	}
	a.Tensor = tensor.Tensor
	*assets = append(*assets, a)
	return nil
}
