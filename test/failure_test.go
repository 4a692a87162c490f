package test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// broken is a start that must fail, and what it says about why.
type broken struct {
	name      string
	settings  func(t *testing.T) []string
	errorType string
	status    int
	fragments []string // of the message
}

func fixed(settings ...string) func(*testing.T) []string {
	return func(*testing.T) []string { return settings }
}

// stored is a model in S3 that is made for the test.
func stored(name string, content func(t *testing.T) []byte) func(*testing.T) []string {
	return func(t *testing.T) []string { return []string{"MODEL_URI=" + put(t, name, content(t))} }
}

// local is a model of this folder.
func local(name string, settings ...string) func(*testing.T) []string {
	return func(t *testing.T) []string {
		return append([]string{"MODEL_URI=file://" + absolute(t, "models/"+name)}, settings...)
	}
}

// evil is a tar with the demo model and one more entry.
func evil(m member) func(*testing.T) []byte {
	return func(t *testing.T) []byte { return gzipped(t, tarOf(t, append(model(t), m))) }
}

func link(flag byte, target string) func(*tar.Header) {
	return func(h *tar.Header) { h.Typeflag, h.Linkname = flag, target }
}

// check starts a function that must fail: Lambda is told a type and the cause,
// the process ends with the status, and nothing half-written is left.
func (b broken) check(t *testing.T) {
	t.Parallel()
	tmp := t.TempDir()
	f := startFunction(t, append([]string{raw(t), "TMPDIR=" + tmp}, b.settings(t)...)...)
	reported, status := f.failure()
	if reported.Type != b.errorType || status != b.status {
		t.Errorf("%s, exit status %d, want %s and %d\n%s", reported.Type, status, b.errorType, b.status, reported.Message)
	}
	for _, fragment := range b.fragments {
		if !strings.Contains(reported.Message, fragment) {
			t.Errorf("%q is not in the message: %s", fragment, reported.Message)
		}
	}
	if left := filesBelow(t, tmp); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	if logged := withMessage(f.log.lines(t), "init failed"); len(logged) != 1 || logged[0].fields["errorType"] != b.errorType {
		t.Errorf("the log has %d lines about it, want one with the type", len(logged))
	}
}

func TestWhatCannotStartSaysWhy(t *testing.T) {
	t.Parallel()
	for _, b := range []broken{
		{"no MODEL_URI", fixed(), "Settings.Invalid", 2, []string{"MODEL_URI"}},
		{"an unknown scheme", fixed("MODEL_URI=gs://bucket/model"), "Settings.Invalid", 2, []string{"MODEL_URI", `unknown scheme "gs"`, "s3://bucket/key"}},
		{"several wrong settings", fixed("MODEL_URI=s3://b", "MAX_BODY_BYTES=10MB", "EVENT_SOURCES=http,kafka", "MODEL_INPUTS=x=", "MODEL_ANY_TENSOR=maybe"), "Settings.Invalid", 2,
			[]string{"MODEL_URI", "MAX_BODY_BYTES", "EVENT_SOURCES", `"kafka"`, "MODEL_INPUTS", "MODEL_ANY_TENSOR"}},
		{"a missing key", fixed("MODEL_URI=s3://" + bucket + "/nowhere.tar.gz"), "Model.NotFound", 1, []string{"s3://" + bucket + "/nowhere.tar.gz"}},
		{"a missing bucket", fixed("MODEL_URI=s3://no-such-bucket/digits.pb"), "Model.NotFound", 1, []string{"s3://no-such-bucket/digits.pb"}},
		{"an empty prefix", fixed("MODEL_URI=s3://" + bucket + "/nowhere/"), "Model.NotFound", 1, []string{"s3://" + bucket + "/nowhere/"}},
		{"a missing file", fixed("MODEL_URI=/nowhere/digits.pb"), "Model.NotFound", 1, []string{"/nowhere/digits.pb"}},
		{"access denied", denied, "Model.AccessDenied", 1, []string{"s3:GetObject", "without s3:ListBucket a missing key is denied like this too"}},
		{"a checksum that differs", wrongSum, "Model.Checksum", 1, []string{"MODEL_SHA256", digitsSum(t), strings.Repeat("0", 64)}},
		{"a pin on a folder", local("multi", "MODEL_SHA256="+strings.Repeat("0", 64)), "Settings.Invalid", 2, []string{"MODEL_SHA256"}},

		{"no model at all", stored("digits.pb", func(*testing.T) []byte { return []byte("PK\x03\x04 this is no graph") }), "Model.NotAModel", 1, []string{"digits.pb", "looks like a zip archive"}},
		{"a folder without a model", func(t *testing.T) []string {
			return []string{"MODEL_URI=" + unpacked(t, "digits", []member{{name: "readme.txt", content: []byte("nothing")}})}
		}, "Model.NotAModel", 1, []string{"saved_model.pb", "readme.txt"}},
		{"a SavedModel whose variables are missing", func(t *testing.T) []string {
			return []string{"MODEL_URI=" + putAll(t, "digits", without("variables.index", model(t)))}
		}, "Model.Incomplete", 1, []string{"variables.index"}},
		{"no such tags", local("two_meta_graphs", "MODEL_TAGS=gpu"), "Model.NoSuchTags", 1, []string{`"gpu"`, `"serve,batch"`, "MODEL_TAGS"}},
		{"no such signature", local("multi", "MODEL_SIGNATURE=classify"), "Model.NoSuchSignature", 1, []string{`"classify"`, "serving_default", "MODEL_SIGNATURE"}},
		{"a frozen graph without placeholders", local("no_placeholder.pb"), "Model.NoSuchTensor", 1, []string{"MODEL_INPUTS", "without placeholders"}},
		{"no such tensor", local("two_placeholders.pb", "MODEL_OUTPUTS=dense_2/BiasAdd"), "Model.NoSuchTensor", 1, []string{"MODEL_OUTPUTS", "dense_2/BiasAdd", "dense_1/BiasAdd"}},
	} {
		t.Run(b.name, b.check)
	}
}

// Archives are hostile until shown otherwise.
func TestHostileArchivesAreRefused(t *testing.T) {
	t.Parallel()
	const zeros = 64 << 20
	for _, b := range []broken{
		{"cut off", stored("digits.tar.gz", func(t *testing.T) []byte { return gzipped(t, tarOf(t, model(t)))[:20_000] }), "Model.CorruptArchive", 1, []string{"digits.tar.gz"}},
		{"not an archive", stored("digits.zip", func(*testing.T) []byte { return bytes.Repeat([]byte("no zip "), 1000) }), "Model.CorruptArchive", 1, []string{"digits.zip"}},
		{"damaged in the middle", stored("digits.tar.gz", damaged), "Model.CorruptArchive", 1, nil},
		{"a name that leads out", stored("digits.tar.gz", evil(member{name: "1/../../evil", content: []byte("x")})), "Model.UnsafeArchive", 1, []string{`"1/../../evil"`}},
		{"an absolute name", stored("digits.tar.gz", evil(member{name: "/etc/evil", content: []byte("x")})), "Model.UnsafeArchive", 1, []string{`"/etc/evil"`}},
		{"an absolute name in a zip", stored("digits.zip", func(t *testing.T) []byte {
			return zipOf(t, append(only(model(t)), member{name: "/etc/evil", content: []byte("x")}))
		}), "Model.UnsafeArchive", 1, []string{`"/etc/evil"`}},
		{"a symbolic link", stored("digits.tar.gz", evil(member{name: "1/assets/a", header: link(tar.TypeSymlink, "/etc/passwd")})), "Model.UnsafeArchive", 1, []string{`"1/assets/a"`, "symbolic link"}},
		{"a hard link", stored("digits.tar.gz", evil(member{name: "1/assets/a", header: link(tar.TypeLink, "1/saved_model.pb")})), "Model.UnsafeArchive", 1, []string{"hard link"}},
		{"a device", stored("digits.tar.gz", evil(member{name: "1/assets/a", header: link(tar.TypeChar, "")})), "Model.UnsafeArchive", 1, []string{"device"}},
		{"a bomb", stored("digits.tar.zst", func(t *testing.T) []byte {
			return zstandard(t, tarOf(t, append(model(t), member{name: "1/assets/zeros", content: make([]byte, zeros)})))
		}), "Model.TooLarge", 1, []string{"MAX_INFLATE_RATIO"}},
		{"more bytes than allowed", func(t *testing.T) []string {
			return []string{"MODEL_URI=" + uri(t, digitsInStore), "MAX_MODEL_BYTES=65536"}
		}, "Model.TooLarge", 1, []string{"MAX_MODEL_BYTES"}},
		{"more files than allowed", func(t *testing.T) []string {
			return []string{"MODEL_URI=" + uri(t, digitsInStore), "MAX_ARCHIVE_FILES=3"}
		}, "Model.TooLarge", 1, []string{"MAX_ARCHIVE_FILES"}},
	} {
		t.Run(b.name, b.check)
	}
}

// Models whose signatures reach out of the graph do not start, and say which
// operation it is; the operator can let them.
func TestUnsafeModelsAreRefusedUnlessAllowed(t *testing.T) {
	t.Parallel()
	for name, op := range map[string]string{
		"unsafe_read": "ReadFile", "unsafe_read.pb": "ReadFile", "unsafe_save": "SaveV2", "unsafe_nested": "WriteFile",
		"unsafe_pyfunc": "PyFunc", "unsafe_table": "InitializeTableFromTextFileV2",
	} {
		t.Run(name, broken{settings: local(name), errorType: "Model.UnsafeOperation", status: 1, fragments: []string{op, "MODEL_ALLOW_UNSAFE_OPS"}}.check)
		t.Run(name+" allowed", func(t *testing.T) {
			t.Parallel()
			startServer(t, absolute(t, "models/"+name), "MODEL_ALLOW_UNSAFE_OPS=true", raw(t))
		})
	}
}

// Trust does not make Python: a model that was let in says so of the signature that
// needs it, and the fault is not the client's.
func TestAnOperationWithoutAKernelIsNotImplemented(t *testing.T) {
	t.Parallel()
	s := startServer(t, absolute(t, "models/unsafe_pyfunc"), "MODEL_ALLOW_UNSAFE_OPS=true", raw(t))
	if r := s.predict(`{"instances": [1]}`); r.StatusCode != http.StatusNotImplemented || !strings.Contains(r.Body, "PyFunc") {
		t.Errorf("status %d: %s", r.StatusCode, r.Body)
	}
	start := s.request(get, s.base+"/debug/coldstart", "").Body
	if !strings.Contains(start, "PyFunc") || strings.Contains(start, "MODEL_ALLOW_UNSAFE_OPS") {
		t.Errorf("the start's report says %s", start)
	}
}

// denied is a user without any rights.
func denied(t *testing.T) []string {
	user, err := store.AddUser(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return []string{"MODEL_URI=" + uri(t, digitsInStore), "AWS_ACCESS_KEY_ID=" + user.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + user.SecretAccessKey}
}

func wrongSum(t *testing.T) []string {
	return []string{"MODEL_URI=" + uri(t, digitsInStore), "MODEL_SHA256=" + strings.Repeat("0", 64)}
}

// damaged has one wrong byte amid the compressed data.
func damaged(t *testing.T) []byte {
	content := gzipped(t, tarOf(t, model(t)))
	content[len(content)/2] ^= 0x55
	return content
}

func digitsSum(t *testing.T) string {
	t.Helper()
	return fmt.Sprintf("%x", sha256.Sum256(read(t, digitsFolder+"/digits.tar.gz")))
}

// A pinned checksum that is right changes nothing.
func TestAPinnedModelStarts(t *testing.T) {
	t.Parallel()
	f := readyFunction(t, "MODEL_URI="+uri(t, digitsInStore), "MODEL_SHA256="+digitsSum(t), raw(t))
	sample(t).checkAll(t, f)
}
