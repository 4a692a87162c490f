package batch

import (
	"strings"
	"testing"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

func anInput(version, sequencer string, modified time.Time) *input {
	return &input{
		object: blob.Object{
			URI: blob.URI{Scheme: blob.S3Scheme, Bucket: "inbox", Key: "day/rows.jsonl"}, VersionID: version,
			ETag: `"0123"`, ModTime: modified,
		},
		sequencer: sequencer,
	}
}

var (
	aModel = &infer.Model{Name: "digits", Version: "1", Identity: "abcd"}
	noon   = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
)

// An output is the answer to one version of one input by one model under one set of
// settings.
func TestIdentityTellsAnswersApart(t *testing.T) {
	s := New(Options{Settings: "a"})
	id := s.identity(anInput("v1", "", noon), aModel, rows.JSONLines)
	if !id.same(s.identity(anInput("v1", "0055", noon.Add(time.Hour)), aModel, rows.JSONLines)) {
		t.Error("the same answer has another identity")
	}
	other := anInput("v1", "", noon)
	other.object.URI.Key = "day/others.jsonl"
	for name, m := range map[string]identity{
		"another version":     s.identity(anInput("v2", "", noon), aModel, rows.JSONLines),
		"another key":         s.identity(other, aModel, rows.JSONLines),
		"another model":       s.identity(anInput("v1", "", noon), &infer.Model{Name: "digits", Version: "2", Identity: "abcd"}, rows.JSONLines),
		"the model's files":   s.identity(anInput("v1", "", noon), &infer.Model{Name: "digits", Version: "1", Identity: "abce"}, rows.JSONLines),
		"another format":      s.identity(anInput("v1", "", noon), aModel, rows.CSV),
		"joined":              New(Options{Settings: "a", Join: true}).identity(anInput("v1", "", noon), aModel, rows.JSONLines),
		"with a header":       New(Options{Settings: "a", Header: "present"}).identity(anInput("v1", "", noon), aModel, rows.JSONLines),
		"another setting":     New(Options{Settings: "b"}).identity(anInput("v1", "", noon), aModel, rows.JSONLines),
		"somebody's own file": {},
	} {
		if id.same(m) {
			t.Errorf("%s: taken for the same answer", name)
		}
	}
}

// In a bucket without versions the ETag is the version.
func TestVersionOfAnUnversionedInput(t *testing.T) {
	for _, version := range []string{"", "null"} {
		if got := anInput(version, "", noon).version(); got != "0123" {
			t.Errorf("version %q: identity by %q, want the ETag", version, got)
		}
	}
}

// The answer to an older version never replaces that to a newer one.
func TestOlderVersions(t *testing.T) {
	s := New(Options{})
	for _, tt := range []struct {
		name            string
		mine, there     *input
		older           bool
		otherInputThere bool
	}{
		{"sequencers", anInput("a", "0A", noon), anInput("b", "0B", noon), true, false},
		{"sequencers, newer", anInput("a", "0B", noon), anInput("b", "0A", noon), false, false},
		{"sequencers of two lengths", anInput("a", "FF", noon), anInput("b", "0100", noon), true, false},
		{"sequencers in two cases", anInput("a", "0a", noon), anInput("b", "0B", noon), true, false},
		{"sequencers go before times", anInput("a", "0B", noon), anInput("b", "0A", noon.Add(time.Hour)), false, false},
		{"times", anInput("a", "", noon), anInput("b", "0A", noon.Add(time.Second)), true, false},
		{"times, newer", anInput("a", "0A", noon), anInput("b", "", noon.Add(-time.Second)), false, false},
		{"times within a second", anInput("a", "", noon), anInput("b", "", noon.Add(900*time.Millisecond)), false, false},
		{"the same version", anInput("a", "0A", noon), anInput("a", "0B", noon), false, false},
		{"of another input", anInput("a", "0A", noon), anInput("b", "0B", noon), false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.otherInputThere {
				tt.there.object.URI.Key = "x"
			}
			id := s.identity(tt.mine, aModel, rows.JSONLines)
			if got := id.olderThan(s.identity(tt.there, aModel, rows.JSONLines)); got != tt.older {
				t.Errorf("older: %v, want %v", got, tt.older)
			}
		})
	}
}

// S3 takes 2 KB of metadata, and the name of an object may have 1 KB.
func TestLongKeysFit(t *testing.T) {
	in := anInput("v", "", noon)
	in.object.URI.Key = strings.Repeat("ü", 500)
	size := 0
	for k, v := range New(Options{}).identity(in, aModel, rows.JSONLines) {
		size += len(k) + len(v)
	}
	if size > 1024 {
		t.Errorf("%d bytes of metadata", size)
	}
}
