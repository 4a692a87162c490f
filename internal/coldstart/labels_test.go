package coldstart_test

import (
	"errors"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/coldstart"
)

// Labels are found wherever a model owner would put them, and those within the model go
// before those beside it.
func TestLabelsAreInOrBesideTheModel(t *testing.T) {
	b := newBucket(t)
	labels := func(dir, text string) tree { return tree{dir + "labels.txt": text} }
	for _, tt := range []struct {
		name   string
		files  tree
		beside string
		want   []string
	}{
		{"in the folder", join(savedModel(""), labels("", "a\nb\n")), "", []string{"a", "b"}},
		{"among the assets", join(savedModel("1/"), labels("1/assets/", "a\nb")), "beside", []string{"a", "b"}},
		{"among the extra assets", join(savedModel(""), labels("assets.extra/", "a")), "", []string{"a"}},
		{"in the version", join(savedModel("1/"), labels("1/", "a")), "beside", []string{"a"}},
		{"beside the model", savedModel("1/"), "a\r\n\r\nc \r\n\r\n", []string{"a", "", "c"}},
		{"in UTF-8, with a mark", savedModel(""), "\ufeffä\nß", []string{"ä", "ß"}},
	} {
		for carrier, carry := range carriers {
			t.Run(tt.name+", "+carrier, func(t *testing.T) {
				o := coldstart.FetchOptions{URI: uri(t, carry(t, b, tt.files)), Source: b.source(), CacheDir: filepath.Join(t.TempDir(), "cache")}
				if tt.beside != "" {
					place := o.URI
					if carrier != "folder" && carrier != "prefix" {
						place.Key = path.Dir(place.Key)
					}
					place = place.Join("labels.txt")
					if place.Scheme == blob.S3Scheme {
						b.put(place.Key, tt.beside)
					} else {
						write(t, filepath.Dir(place.Key), tree{"labels.txt": tt.beside})
					}
				}
				f, err := coldstart.Fetch(t.Context(), o)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				if got, err := coldstart.ReadLabels(t.Context(), f, o, "labels.txt"); err != nil || !slices.Equal(got, tt.want) {
					t.Errorf("labels %q (%v), want %q", got, err, tt.want)
				}
			})
		}
	}
}

func TestLabelsThatCannotBeUsed(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, join(savedModel("digits/"), tree{
		"secret": "a\nb", "digits/empty.txt": "\n\n", "digits/latin.txt": "\xe4\n", "digits/large.txt": strings.Repeat("label\n", 3<<20),
	}))
	if err := os.Symlink("../secret", filepath.Join(dir, "digits", "link.txt")); err != nil {
		t.Fatal(err)
	}
	o := coldstart.FetchOptions{URI: uri(t, dir+"/digits"), Source: blob.Stores{Files: &blob.Files{}}, CacheDir: filepath.Join(t.TempDir(), "cache")}
	f, err := coldstart.Fetch(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for name, says := range map[string]string{
		"none.txt": "none.txt is neither in the model nor at", "empty.txt": "no lines", "latin.txt": "not UTF-8", "large.txt": "more than 16777216 bytes",
		"link.txt": "escapes",
	} {
		if _, err := coldstart.ReadLabels(t.Context(), f, o, name); !errors.Is(err, coldstart.ErrLabels) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: error %v, want %q", name, err, says)
		}
	}
}
