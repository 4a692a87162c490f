package coldstart_test

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/coldstart"
)

// identity fetches a model and returns what tells it from others.
func identity(t *testing.T, b bucket, where, cache string) string {
	t.Helper()
	got, err := coldstart.Fetch(t.Context(), coldstart.FetchOptions{URI: uri(t, where), Source: b.source(), CacheDir: cache})
	if err != nil {
		t.Fatal(err)
	}
	defer got.Close()
	if got.Identity == "" || got.SHA256 != "" && got.Identity != got.SHA256 {
		t.Errorf("%s has identity %q and SHA-256 %q", where, got.Identity, got.SHA256)
	}
	return got.Identity
}

// An answer carries the identity of the model that gave it, and is not given again
// by the same one: from wherever it comes, and from the cache too.
func TestIdentityIsThatOfTheFiles(t *testing.T) {
	b := newBucket(t)
	put := func(prefix string, files tree) string {
		for name, body := range files {
			b.put(prefix+name, body)
		}
		return "s3://" + bucketName + "/" + prefix
	}
	model := savedModel("7/")
	changed := maps.Clone(model)
	changed["7/variables/variables.data-00000-of-00002"] = "FIRST" // of the same size
	archive := tarGzip(t, model)
	b.put("a.tar.gz", archive)
	b.put("copy/b.tar.gz", archive)
	b.put("graph.pb", graphDef)
	cache := filepath.Join(t.TempDir(), "models")
	first := identity(t, b, put("digits/", model), cache)
	for _, c := range []struct {
		name, where string
		same        bool
	}{
		{"the second time, from the cache", "s3://models/digits/", true},
		{"its version folder named", "s3://models/digits/7/", true},
		{"a copy elsewhere", put("elsewhere/deep/digits/", model), true},
		{"another version beside it that is not served", put("older/", join(model, savedModel("6/"))), true},
		{"a file of the same size that differs", put("changed/", changed), false},
		{"a file more", put("more/", join(model, tree{"7/assets/vocabulary": ""})), false},
		{"a file less", put("less/", without(model, "7/assets/empty")), false},
		{"a file of another name", put("renamed/", join(without(model, "7/assets/empty"), tree{"7/assets/void": ""})), false},
		{"a graph", "s3://models/graph.pb", false},
		{"an archive", "s3://models/a.tar.gz", false},
	} {
		if got := identity(t, b, c.where, cache); (got == first) != c.same {
			t.Errorf("%s: the same identity is %v, want %v", c.name, !c.same, c.same)
		}
	}
	for _, again := range []string{"s3://models/a.tar.gz", "s3://models/copy/b.tar.gz"} {
		if identity(t, b, again, cache) != identity(t, b, "s3://models/a.tar.gz", filepath.Join(t.TempDir(), "models")) {
			t.Errorf("%s: an archive changes its identity with its place or its cache", again)
		}
	}
}

func TestIdentityOfAFolderOfThisMachineFollowsItsFiles(t *testing.T) {
	b := newBucket(t)
	dir := filepath.Join(t.TempDir(), "digits")
	write(t, dir, savedModel(""))
	cache := filepath.Join(t.TempDir(), "models")
	first := identity(t, b, dir, cache)
	if identity(t, b, dir, cache) != first {
		t.Error("it changes by itself")
	}
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "saved_model.pb"), later, later); err != nil {
		t.Fatal(err)
	}
	if identity(t, b, dir, cache) == first {
		t.Error("it does not see that a file was written again")
	}
}
