package test

import (
	"archive/tar"
	"net/http"
	"strings"
	"testing"
)

// A model is found and answers wherever it lies and however it is packed.
func TestModelsComeFromEverywhere(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a-long-name-", 9) + "/" + strings.Repeat("another-", 9) + "/" // over the 100 bytes of a plain header
	for _, c := range []struct {
		name    string
		uri     func(t *testing.T, m []member) string
		version string
		from    string
	}{
		{"an archive in S3", func(t *testing.T, _ []member) string { return uri(t, digitsInStore) }, "1", "s3"},
		{"a frozen graph in S3", func(t *testing.T, _ []member) string { return uri(t, graphInStore) }, "1", "s3"},
		{"a prefix in S3 with a version folder", func(t *testing.T, m []member) string {
			return putAll(t, "digits", m)
		}, "1", "s3"},
		{"a prefix in S3 that is the SavedModel", func(t *testing.T, m []member) string {
			return putAll(t, "digits/7", moved(m, func(name string) string { return strings.TrimPrefix(name, "1/") }))
		}, "7", "s3"},
		{"a prefix in S3 whose largest version is being uploaded", func(t *testing.T, m []member) string {
			upload := without("variables.data-00000-of-00001", version("12", m))
			return putAll(t, "digits", append(append(version("3", m), version("00000009", m)...), upload...))
		}, "9", "s3"},
		{"a .tar", func(t *testing.T, m []member) string { return put(t, "digits.tar", tarOf(t, m)) }, "1", "s3"},
		{"a .tgz", func(t *testing.T, m []member) string { return put(t, "digits.tgz", gzipped(t, tarOf(t, m))) }, "1", "s3"},
		{"a .tar.zst", func(t *testing.T, m []member) string { return put(t, "digits.tar.zst", zstandard(t, tarOf(t, m))) }, "1", "s3"},
		{"a .zip", func(t *testing.T, m []member) string { return put(t, "digits.zip", zipOf(t, m)) }, "1", "s3"},
		{"an archive with a wrapper folder", func(t *testing.T, m []member) string {
			return put(t, "digits.tar.gz", gzipped(t, tarOf(t, under("export/", m))))
		}, "1", "s3"},
		{"an archive whose names start with ./, without entries for folders", func(t *testing.T, m []member) string {
			return put(t, "digits.tar.gz", gzipped(t, tarOf(t, under("./", only(m)))))
		}, "1", "s3"},
		{"an archive with PAX headers and long names", func(t *testing.T, m []member) string {
			m = under(long, m)
			for i := range m {
				m[i].header = func(h *tar.Header) {
					h.Format, h.PAXRecords = tar.FormatPAX, map[string]string{"SCHILY.xattr.user.comment": "exported", "comment": "again"}
				}
			}
			global := member{name: "pax_global_header", header: func(h *tar.Header) {
				*h = tar.Header{Typeflag: tar.TypeXGlobalHeader, Name: h.Name, PAXRecords: map[string]string{"comment": "0123abcd"}}
			}}
			return put(t, "digits.tar.gz", gzipped(t, tarOf(t, append([]member{global}, m...))))
		}, "1", "s3"},
		{"an archive with several versions, the largest not whole", func(t *testing.T, m []member) string {
			broken := without("variables.index", version("10", m))
			return put(t, "digits.zip", zipOf(t, only(append(append(version("9", m), version("2", m)...), broken...))))
		}, "9", "s3"},
		{"a folder", func(t *testing.T, m []member) string { return "file://" + unpacked(t, "digits", m) }, "1", "file"},
		{"an archive in a file", func(t *testing.T, _ []member) string { return "file://" + absolute(t, digitsFolder+"/digits.tar.gz") }, "1", "file"},
		{"a path", func(t *testing.T, _ []member) string { return absolute(t, digitsFolder+"/digits.pb") }, "1", "file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := readyFunction(t, "MODEL_URI="+c.uri(t, model(t)), raw(t))
			sample(t).checkAll(t, f)
			status := f.ask(get, "/v1/models/digits", "")
			if want := `"version":"` + c.version + `"`; status.StatusCode != http.StatusOK || !strings.Contains(strings.ReplaceAll(status.Body, " ", ""), want) {
				t.Errorf("status %d %s, want %s", status.StatusCode, status.Body, want)
			}
			if r := f.report(); r.ModelFrom != c.from || r.LibraryFrom != "raw" || r.Model != "digits" {
				t.Errorf("model %q from %q, library from %q", r.Model, r.ModelFrom, r.LibraryFrom)
			}
		})
	}
}
