package coldstart_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/coldstart"
)

// carriers put a tree where a model can be fetched from, and say where.
var carriers = map[string]func(*testing.T, bucket, tree) string{
	"folder": func(t *testing.T, _ bucket, files tree) string {
		dir := filepath.Join(t.TempDir(), "digits")
		write(t, dir, files)
		return dir
	},
	"prefix": func(t *testing.T, b bucket, files tree) string {
		prefix := strings.ReplaceAll(t.Name(), "/", "-") + "/digits/"
		for name, body := range files {
			b.put(prefix+name, body)
		}
		return "s3://" + bucketName + "/" + prefix
	},
	"tar.gz in S3": func(t *testing.T, b bucket, files tree) string {
		key := strings.ReplaceAll(t.Name(), "/", "-") + "/digits.tar.gz"
		b.put(key, tarGzip(t, files))
		return "s3://" + bucketName + "/" + key
	},
	"zip file": func(t *testing.T, _ bucket, files tree) string {
		dir := t.TempDir()
		write(t, dir, tree{"digits.zip": zipped(t, files)})
		return filepath.Join(dir, "digits.zip")
	},
}

func TestFetchFindsTheModel(t *testing.T) {
	b := newBucket(t)
	for _, tt := range []struct {
		name     string
		files    tree
		version  string
		model    tree   // what must be in Dir
		graph    string // or this
		warnings string
		want     error
		text     string
	}{
		{name: "saved model", files: savedModel(""), version: "1", model: savedModel("")},
		{name: "without variables", files: tree{"saved_model.pb": "m"}, version: "1", model: tree{"saved_model.pb": "m"}},
		{name: "wrapped", files: savedModel("a/b/"), version: "1", model: under("a/b/", savedModel("a/b/"))},
		{name: "wrapped as TensorFlow Serving does", files: savedModel("tfs-model/00000123/"), version: "123", model: under("tfs-model/00000123/", savedModel("tfs-model/00000123/"))},
		{name: "largest version, as a number", files: join(savedModel("9/"), savedModel("10/"), savedModel("2/")), version: "10", model: under("10/", savedModel("10/"))},
		{name: "other folders beside versions", files: join(savedModel("1/"), savedModel("backup/"), tree{"README": ""}), version: "1", model: under("1/", savedModel("1/"))},
		{name: "what tools leave behind", files: join(savedModel("m/"), tree{"__MACOSX/m/saved_model.pb": "x", "m/._saved_model.pb": "x", ".git/saved_model.pb": "x"}), version: "1", model: under("m/", savedModel("m/"))},
		{name: "assets that are named like what tools leave", files: join(savedModel(""), tree{"assets/.vocabulary": "x", "assets/__MACOSX/v": "y"}), version: "1", model: join(savedModel(""), tree{"assets/.vocabulary": "x", "assets/__MACOSX/v": "y"})},
		{name: "a model among a model's assets", files: join(savedModel(""), tree{"assets.extra/saved_model.pb": "x"}), version: "1", model: join(savedModel(""), tree{"assets.extra/saved_model.pb": "x"})},
		{
			name: "a newer version without its index", files: join(savedModel("1/"), without(savedModel("2/"), "2/variables/variables.index")),
			version: "1", model: under("1/", savedModel("1/")), warnings: "version 2 is not served because it is incomplete: 2/variables/variables.index is missing",
		},
		{
			name: "a newer version without a shard", files: join(savedModel("1/"), without(savedModel("2/"), "2/variables/variables.data-00001-of-00002")),
			version: "1", model: under("1/", savedModel("1/")), warnings: "variables.data-00001-of-00002 is missing",
		},
		{
			name: "a newer version without its graph", files: join(savedModel("1/"), without(savedModel("2/"), "2/saved_model.pb")),
			version: "1", model: under("1/", savedModel("1/")), warnings: "2/saved_model.pb is missing",
		},
		{name: "frozen graph", files: tree{"g/frozen.pb": graphDef, "g/labels.txt": "zero"}, version: "1", graph: graphDef},

		{name: "no version complete", files: join(without(savedModel("1/"), "1/variables/variables.index"), without(savedModel("2/"), "2/variables/variables.data-00000-of-00002")), want: coldstart.ErrIncomplete, text: "version 2"},
		{name: "incomplete", files: without(savedModel(""), "variables/variables.data-00001-of-00002"), want: coldstart.ErrIncomplete, text: "variables.data-00001-of-00002"},
		{name: "two models", files: join(savedModel("a/"), savedModel("b/")), want: coldstart.ErrAmbiguous, text: `"a", "b"`},
		{name: "two graphs", files: tree{"a.pb": graphDef, "b.pb": graphDef}, want: coldstart.ErrAmbiguous, text: `"a.pb", "b.pb"`},
		{name: "no model", files: tree{"readme.txt": "x", "model.h5": "y"}, want: coldstart.ErrNoModel, text: `"model.h5", "readme.txt"`},
		{name: "too deep", files: savedModel("a/b/c/d/e/"), want: coldstart.ErrNoModel, text: "within 4 folders"},
		{name: "a saved model under a graph's name", files: tree{"frozen.pb": "\x08\x01"}, want: coldstart.ErrNoModel, text: "not a frozen graph"},
	} {
		for name, carry := range carriers {
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				cache := filepath.Join(t.TempDir(), "models")
				got, err := coldstart.Fetch(t.Context(), coldstart.FetchOptions{URI: uri(t, carry(t, b, tt.files)), Source: b.source(), CacheDir: cache})
				if tt.want != nil {
					if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
						t.Errorf("error is %v, want %v with %s", err, tt.want, tt.text)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				defer got.Close()
				if got.Name != "digits" || got.Version != tt.version || string(got.Graph) != tt.graph {
					t.Errorf("name %q, version %q, graph %q; want digits, %q, %q", got.Name, got.Version, got.Graph, tt.version, tt.graph)
				}
				if warnings := strings.Join(got.Warnings, "\n"); !strings.Contains(warnings, tt.warnings) || tt.warnings == "" && warnings != "" {
					t.Errorf("warnings are %q, want %q", warnings, tt.warnings)
				}
				if tt.graph != "" {
					return
				}
				if got.Format != coldstart.SavedModel {
					t.Errorf("format is %q", got.Format)
				}
				for file, body := range tt.model {
					if data, err := os.ReadFile(filepath.Join(got.Dir, file)); err != nil || string(data) != body {
						t.Errorf("%s is %q (%v), want %q", file, data, err, body)
					}
				}
			})
		}
	}
}

func TestFetchGraph(t *testing.T) {
	b := newBucket(t)
	body := "\x0a" + strings.Repeat("graph", 100_000) // several parts
	b.put("digits.pb", body)
	dir := t.TempDir()
	write(t, dir, tree{"digits.pb": body})
	for from, u := range map[string]string{coldstart.FromS3: "s3://models/digits.pb", coldstart.FromFile: filepath.Join(dir, "digits.pb")} {
		cache := filepath.Join(t.TempDir(), "models")
		var done, total int64
		got, err := coldstart.Fetch(t.Context(), coldstart.FetchOptions{
			URI: uri(t, u), Source: b.source(), CacheDir: cache, SHA256: strings.ToUpper(sum(body)),
			Progress: func(d, of int64) { done, total = d, of },
		})
		if err != nil {
			t.Fatal(err)
		}
		if string(got.Graph) != body || got.Format != coldstart.GraphDef || got.Name != "digits" || got.SHA256 != sum(body) || got.From != from || got.Bytes != int64(len(body)) {
			t.Errorf("%s: %d bytes of format %s, name %s, from %s, checksum %s", u, len(got.Graph), got.Format, got.Name, got.From, got.SHA256)
		}
		if done != int64(len(body)) || total != done {
			t.Errorf("progress ended at %d of %d, want %d", done, total, len(body))
		}
		if _, err := os.Stat(cache); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a graph needs no cache, but there is one (%v)", err)
		}
	}
}

func TestFetchNames(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, join(savedModel("digits/00000007/"), tree{"x.v2.tgz": tarGzip(t, savedModel("")), "Frozen.PB": graphDef}))
	t.Chdir(filepath.Join(dir, "digits", "00000007"))
	for _, tt := range []struct{ uri, name, version string }{
		{dir + "/digits", "digits", "7"},
		{dir + "/digits/", "digits", "7"},
		{dir + "/digits/00000007", "digits", "7"},
		{dir + "/digits/00000007/saved_model.pb", "digits", "7"},
		{"file://" + dir + "/x.v2.tgz", "x.v2", "1"},
		{dir + "/Frozen.PB", "Frozen", "1"},
		{".", "digits", "7"},
		{"..", "digits", "7"},
	} {
		got, err := coldstart.Fetch(t.Context(), coldstart.FetchOptions{URI: uri(t, tt.uri), Source: blob.Stores{Files: &blob.Files{}}, CacheDir: filepath.Join(t.TempDir(), "models")})
		if err != nil {
			t.Errorf("%s: %v", tt.uri, err)
			continue
		}
		if got.Name != tt.name || got.Version != tt.version || got.Dir != "" && !filepath.IsAbs(got.Dir) {
			t.Errorf("%s is model %q version %q in %q, want %q, %q", tt.uri, got.Name, got.Version, got.Dir, tt.name, tt.version)
		}
		if err := got.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestFetchReusesWhatIsThere(t *testing.T) {
	b := newBucket(t)
	for name, put := range map[string]func(body string) string{
		"archive": func(body string) string {
			b.put("digits.tgz", tarGzip(t, join(savedModel("m/"), tree{"m/assets/v": body})))
			return "s3://models/digits.tgz"
		},
		"prefix": func(body string) string {
			for name, data := range join(savedModel("base/3/"), tree{"base/3/assets/v": body}) {
				b.put(name, data)
			}
			return "s3://models/base"
		},
	} {
		t.Run(name, func(t *testing.T) {
			source := &counting{Source: b.source()}
			o := coldstart.FetchOptions{Source: source, CacheDir: filepath.Join(t.TempDir(), "models")}
			fetch := func(body, from string, reads bool) {
				t.Helper()
				before := source.reads.Load()
				o.URI = uri(t, put(body))
				got, err := coldstart.Fetch(t.Context(), o)
				if err != nil {
					t.Fatal(err)
				}
				defer got.Close()
				data, err := os.ReadFile(filepath.Join(got.Dir, "assets/v"))
				if err != nil || string(data) != body || got.From != from || reads != (source.reads.Load() > before) {
					t.Errorf("got %q (%v) from %s by %d reads, want %q from %s", data, err, got.From, source.reads.Load()-before, body, from)
				}
			}
			fetch("one", coldstart.FromS3, true)
			fetch("one", coldstart.FromCache, false)
			fetch("two", coldstart.FromS3, true)

			entries := cached(t, o.CacheDir)
			if len(entries) != 2 {
				t.Fatalf("cache holds %q, want two versions", entries)
			}
			for _, e := range entries { // a file that a crashed machine lost
				damage(t, filepath.Join(o.CacheDir, e))
			}
			fetch("two", coldstart.FromS3, true)
		})
	}
}

// TestFetchOfHugeGraphs has files that are all hole, so that only a size that is
// looked at first keeps them out of memory.
// A later start may have smaller limits than the one that filled the cache.
func TestFetchHoldsTheCacheToTheLimits(t *testing.T) {
	b := newBucket(t)
	b.put("m.tar.gz", tarGzip(t, savedModel("m/")))
	o := coldstart.FetchOptions{URI: uri(t, "s3://models/m.tar.gz"), Source: b.source(), CacheDir: filepath.Join(t.TempDir(), "models")}
	f, err := coldstart.Fetch(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	for name, limit := range map[string]func(*coldstart.FetchOptions){
		"MAX_MODEL_BYTES":   func(o *coldstart.FetchOptions) { o.MaxBytes = 3 },
		"MAX_ARCHIVE_FILES": func(o *coldstart.FetchOptions) { o.MaxFiles = 2 },
	} {
		limited := o
		limit(&limited)
		if _, err := coldstart.Fetch(t.Context(), limited); !errors.Is(err, coldstart.ErrTooLarge) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestFetchOfHugeGraphs(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, join(savedModel("saved/"), tree{"frozen/graph.pb": graphDef}))
	for _, name := range []string{"saved/saved_model.pb", "frozen/graph.pb"} {
		path := filepath.Join(dir, name)
		if err := os.Truncate(path, 1<<31); err != nil {
			t.Fatal(err)
		}
		for _, u := range []string{path, filepath.Dir(path)} {
			_, err := coldstart.Fetch(t.Context(), coldstart.FetchOptions{URI: uri(t, u), Source: blob.Stores{Files: &blob.Files{}}})
			if !errors.Is(err, coldstart.ErrTooLarge) || !strings.Contains(err.Error(), "protobuf") {
				t.Errorf("%s: error is %v, want ErrTooLarge and a word about protobuf", u, err)
			}
		}
	}
}

func TestFetchLeavesOutKeysThatAreNoPaths(t *testing.T) {
	b := newBucket(t)
	for name, body := range join(savedModel("base/1/"), savedModel("plain/")) {
		b.put(name, body)
	}
	stray := []string{"/x", "//", "1//x", "../x", "/saved_model.pb", "a/../saved_model.pb"}
	source := &littered{b.source(), stray}
	for _, u := range []string{"s3://models/base/", "s3://models/plain/"} {
		got, err := coldstart.Fetch(t.Context(), coldstart.FetchOptions{URI: uri(t, u), Source: source, CacheDir: filepath.Join(t.TempDir(), "models")})
		if err != nil {
			t.Errorf("%s: %v", u, err)
			continue
		}
		for _, key := range stray {
			if warnings := strings.Join(got.Warnings, "\n"); !strings.Contains(warnings, `"`+key+`"`) {
				t.Errorf("%s: warnings %q do not name %q", u, warnings, key)
			}
		}
		if err := got.Close(); err != nil {
			t.Error(err)
		}
	}
	_, err := coldstart.Fetch(t.Context(), coldstart.FetchOptions{URI: uri(t, "s3://models/none/"), Source: source})
	if !errors.Is(err, coldstart.ErrNoModel) || !strings.Contains(err.Error(), `"/saved_model.pb"`) {
		t.Errorf("error is %v, want ErrNoModel and the keys that were left out", err)
	}
}
