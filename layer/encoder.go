package main

import (
	"github.com/DataDog/zstd"

	"github.com/tensorlambda/tensorlambda/internal/libtensorflow/packed"
)

// coldLevel is libzstd's level for what most processes never inflate: beside the encoder
// of all other frames it takes a sixteenth less room, and a fifth more time to inflate.
const coldLevel = 17

// encoder packs for a layer that must be small and a start that must be fast.
type encoder struct {
	packed.Encoder
	cold zstd.Ctx
}

func newEncoder() packed.Encoder { return encoder{packed.NewGoEncoder(), zstd.NewCtx()} }

func (e encoder) Encode(plain []byte, part packed.Part) ([]byte, error) {
	if part != packed.Cold {
		return e.Encoder.Encode(plain, part)
	}
	return e.cold.CompressLevel(nil, plain, coldLevel)
}
