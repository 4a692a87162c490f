// Package packed is the form in which the Lambda layer carries libtensorflow:
// a folder with one manifest and, for each shared library, one file of
// independent zstd frames that can be inflated in parallel.
//
// A raw TensorFlow 2 is larger than a layer may be. Independent frames cost a
// few per cent of size against one stream and let every core inflate, which is
// what a cold start waits for. A pack file is also an ordinary .zst file: the
// zstd command inflates it.
package packed

import "errors"

// The two shared libraries of TensorFlow, under the names that their SONAMEs
// say. CC needs Framework: it must be loaded first, so it is packed first.
const (
	Framework = "libtensorflow_framework.so.2"
	CC        = "libtensorflow_cc.so.2"
)

// ManifestName is the manifest's file in the folder. It is written last: a
// folder without it holds no library.
const ManifestName = "libtensorflow.json"

// packSuffix makes a library's name the name of its pack file.
const packSuffix = ".zst"

// FrameSize is how many bytes of a library one frame holds when PackOptions
// does not say otherwise. Smaller frames compress worse (7 % at 1 MiB beside 8); larger
// ones leave cores idle at the end and do not stay in the processor's caches from where
// they are cleared to where they are read (a tenth of the time for inflating at 8 MiB).
const FrameSize = 2 << 20

// Limits on what a manifest may ask for. TensorFlow needs a quarter of each, or less.
const (
	maxManifest  = 1 << 20 // bytes of JSON
	maxLibraries = 8
	maxFrames    = 16384    // of one library
	maxFrame     = 32 << 20 // unpacked bytes of one frame
	maxLibrary   = 8 << 30  // unpacked bytes of one library
)

var (
	// ErrManifest is returned when the manifest is not one that Pack writes,
	// or does not fit the files beside it.
	ErrManifest = errors.New("bad manifest of the packed library")
	// ErrDamaged is returned when the bytes of a frame are not those that
	// were packed.
	ErrDamaged = errors.New("packed library is damaged")
)
