package batch

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// The metadata of an output: what it is the answer to.
const (
	metaInput    = "tensorlambda-input"
	metaVersion  = "tensorlambda-input-version"
	metaModified = "tensorlambda-input-modified" // ms since 1970
	metaOrder    = "tensorlambda-sequencer"
	metaModel    = "tensorlambda-model"
	metaSettings = "tensorlambda-settings"
)

// layout is the version of what outputs look like. A change of it makes old outputs
// the answers of another program.
const layout = "1"

// maxMeta bounds a value: S3 allows 2 KB of metadata, and a key may have 1 KB.
const maxMeta = 300

// identity is the metadata of an output.
type identity map[string]string

// identity is what an output of this input by this model carries.
func (s *Scorer) identity(in *input, model *infer.Model, format rows.Format) identity {
	id := identity{
		metaInput:    short(in.object.URI.String()),
		metaVersion:  short(in.version()),
		metaModified: strconv.FormatInt(in.object.ModTime.UnixMilli(), 10),
		metaModel:    short(modelIdentity(model)),
		metaSettings: s.settings(format),
	}
	if in.sequencer != "" {
		id[metaOrder] = short(in.sequencer)
	}
	return id
}

// modelIdentity names a model and what it was loaded from.
func modelIdentity(m *infer.Model) string {
	return fmt.Sprintf("%s:%s@%.16s", m.Name, m.Version, m.Identity)
}

// settings is a checksum over what shapes the output besides model and input.
func (s *Scorer) settings(format rows.Format) string {
	settings := []string{layout, string(format), strconv.FormatBool(s.o.Join), s.o.Settings}
	if s.o.Header != "" {
		settings = append(settings, s.o.Header)
	}
	sum := sha256.Sum256([]byte(strings.Join(settings, "\x00")))
	return hex.EncodeToString(sum[:8])
}

// short is v, or a checksum of it where it is too long.
func short(v string) string {
	if len(v) <= maxMeta {
		return v
	}
	sum := sha256.Sum256([]byte(v))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// same reports whether an output with metadata m is the answer that id would be.
func (id identity) same(m map[string]string) bool {
	for _, key := range []string{metaInput, metaVersion, metaModel, metaSettings} {
		if m[key] == "" || m[key] != id[key] {
			return false
		}
	}
	return true
}

// olderThan reports whether m is of a newer version of the same input than id. Events
// of one key are ordered by their sequencers; where one is missing, by when the
// versions were written, to the second, since S3 tells no more.
func (id identity) olderThan(m map[string]string) bool {
	if m[metaInput] != id[metaInput] || m[metaVersion] == id[metaVersion] {
		return false
	}
	if a, b := id[metaOrder], m[metaOrder]; a != "" && b != "" {
		n := max(len(a), len(b))
		return pad(a, n) < pad(b, n)
	}
	a, errA := strconv.ParseInt(id[metaModified], 10, 64)
	b, errB := strconv.ParseInt(m[metaModified], 10, 64)
	return errA == nil && errB == nil && a/1000 < b/1000
}

// pad makes sequencers comparable as text, as S3's documentation has it: zeros on
// the left of the shorter one.
func pad(sequencer string, n int) string {
	return strings.Repeat("0", n-len(sequencer)) + strings.ToUpper(sequencer)
}
