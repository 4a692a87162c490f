package main

import (
	"errors"

	"github.com/tensorlambda/tensorlambda/internal/archive"
	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/coldstart"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/libtensorflow"
	"github.com/tensorlambda/tensorlambda/internal/libtensorflow/packed"
	"github.com/tensorlambda/tensorlambda/internal/savedmodel"
	"github.com/tensorlambda/tensorlambda/internal/warmup"
)

// reasons name the failures of a start in Lambda's form Category.Reason, for
// alarms and log queries. The first that matches counts.
var reasons = []struct {
	kind error
	name string
}{
	{libtensorflow.ErrMissing, "Library.Missing"},
	{libtensorflow.ErrNoSpace, "Library.NoSpace"},
	{libtensorflow.ErrUnusable, "Library.Unusable"},
	{packed.ErrManifest, "Library.Damaged"},
	{packed.ErrDamaged, "Library.Damaged"},
	{blob.ErrNotFound, "Model.NotFound"},
	{blob.ErrAccessDenied, "Model.AccessDenied"},
	{blob.ErrChanged, "Model.Changed"},
	{blob.ErrTruncated, "Model.Truncated"},
	{blob.ErrUnavailable, "Model.Unavailable"},
	{coldstart.ErrPin, "Settings.Invalid"},
	{coldstart.ErrLabels, "Model.Labels"},
	{coldstart.ErrChecksum, "Model.Checksum"},
	{coldstart.ErrNoModel, "Model.NotAModel"},
	{coldstart.ErrAmbiguous, "Model.Ambiguous"},
	{coldstart.ErrIncomplete, "Model.Incomplete"},
	{coldstart.ErrTooLarge, "Model.TooLarge"},
	{coldstart.ErrNoSpace, "Model.NoSpace"},
	{coldstart.ErrCacheFolder, "Model.UnsafeCache"},
	{archive.ErrCorrupt, "Model.CorruptArchive"},
	{archive.ErrUnsafe, "Model.UnsafeArchive"},
	{archive.ErrTooLarge, "Model.TooLarge"},
	{archive.ErrUnsupported, "Model.UnsupportedArchive"},
	{savedmodel.ErrUnsafe, "Model.UnsafeOperation"},
	{savedmodel.ErrTags, "Model.NoSuchTags"},
	{savedmodel.ErrTensor, "Model.NoSuchTensor"},
	{savedmodel.ErrNotModel, "Model.NotAModel"},
	{warmup.ErrRequest, "Model.WarmUpFailed"},
	{infer.ErrFailedPrecondition, "Model.NoSuchSignature"},
}

func reason(err error) string {
	for _, r := range reasons {
		if errors.Is(err, r.kind) {
			return r.name
		}
	}
	return "Model.LoadFailed"
}
