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
	"github.com/tensorlambda/tensorlambda/internal/infer"
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

// Labels that no output can have classes for are worth a warning, and nothing that a shape
// leaves open is.
func TestLabelsThatFitNoOutput(t *testing.T) {
	output := func(d infer.DType, shape infer.Shape) infer.TensorInfo {
		return infer.TensorInfo{Name: "y", DType: d, Shape: shape}
	}
	ten, two := output(infer.Float, infer.Shape{-1, 10}), output(infer.Half, infer.Shape{2})
	for _, tt := range []struct {
		name    string
		labels  int
		outputs []infer.TensorInfo
		want    string
	}{
		{"as many as classes", 10, []infer.TensorInfo{two, ten}, ""},
		{"as many as one vector's", 2, []infer.TensorInfo{two, ten}, ""},
		{"fewer", 3, []infer.TensorInfo{ten}, "MODEL_LABELS has 3 labels; no output of the model has 3 classes, but 10"},
		{"one", 1, []infer.TensorInfo{ten, two, ten}, "MODEL_LABELS has 1 label; no output of the model has 1 class, but 2, 10"},
		{"as many as classes of integers", 3, []infer.TensorInfo{output(infer.Int64, infer.Shape{-1, 3})}, "MODEL_LABELS has 3 labels; no output of the model has 3 classes"},
		{"for a number", 3, []infer.TensorInfo{output(infer.Float, infer.Shape{})}, "MODEL_LABELS has 3 labels; no output of the model has 3 classes"},
		{"for any number of classes", 3, []infer.TensorInfo{ten, output(infer.Float, infer.Shape{-1, -1})}, ""},
		{"for any rank", 3, []infer.TensorInfo{ten, output(infer.Float, nil)}, ""},
		{"none", 0, []infer.TensorInfo{ten}, ""},
	} {
		c := &infer.Catalog{Signatures: map[string]*infer.Signature{}}
		for i, t := range tt.outputs { // each in a signature of its own
			c.Signatures[strings.Repeat("s", i+1)] = &infer.Signature{Outputs: []infer.TensorInfo{t}}
		}
		if got := coldstart.LabelWarning(make([]string, tt.labels), c); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
