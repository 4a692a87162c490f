package main

import (
	"slices"
	"strings"
	"testing"
)

func TestMisspeltSettings(t *testing.T) {
	var known []string
	if _, err := readConfig(func(name string) string { known = append(known, name); return "" }); err != nil {
		t.Fatal(err)
	}
	environ := []string{
		"MODEL_SIGNATUR=foo", "MODEL_LABLES=x", "MAX_BODY_BYTE=1", "MODEL_URL=", "TF_INTRA_OP_THREAD=1", "TENSORFLOW_LIBS=/x", // wrong
		"MODEL_URI=m", "MODEL_INPUTS=x", "TF_INTER_OP_THREADS=1", "OUTPUT_JOIN=true", "AWS_ENDPOINT_URL_S3=x", // settings
		"MODEL_REGISTRY=x", "TF_CPP_MIN_LOG_LEVEL=1", "MAX_CONNECTIONS=3", "PATH=/bin", "NODEL_URI=x", "MODEL_", "", "=", // of others
	}
	want := []string{
		"MAX_BODY_BYTE is no setting; MAX_BODY_BYTES is", "MODEL_LABLES is no setting; MODEL_LABELS is", "MODEL_SIGNATUR is no setting; MODEL_SIGNATURE is",
		"MODEL_URL is no setting; MODEL_URI is", "TENSORFLOW_LIBS is no setting; TENSORFLOW_LIB is", "TF_INTRA_OP_THREAD is no setting; TF_INTRA_OP_THREADS is",
	}
	if got := misspelt(environ, known); !slices.Equal(got, want) {
		t.Errorf("warnings %q, want %q", got, want)
	}
}

// The warning comes before what the missing setting leads to.
func TestMisspeltSettingsAreSaidFirst(t *testing.T) {
	t.Setenv("MODEL_URL", "m.pb")
	status, _, stderr := called(t, nil, "inspect")
	if want := "inspect: warning: MODEL_URL is no setting; MODEL_URI is\ninspect: no model"; status != exitUsage || !strings.HasPrefix(stderr, want) {
		t.Errorf("exit status %d, %q, want %q", status, stderr, want)
	}
}

// A function logs them, also where it cannot start.
func TestMisspeltSettingsOfAFunction(t *testing.T) {
	t.Setenv("MODEL_URL", "m.pb")
	set, err := lambdaSetup(t.Context(), environmentOf(nil))
	if err == nil || !slices.Equal(set.warnings, []string{"MODEL_URL is no setting; MODEL_URI is"}) {
		t.Errorf("warnings %q, error %v", set.warnings, err)
	}
}
