package coldstart

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestLocateInAnEntry(t *testing.T) {
	for name, size := range map[string]int64{"m/saved_model.pb": maxProto, "m/graph.pb": maxProto} {
		f := &fetch{}
		entry := &marker{Files: []markedFile{{Name: "m/labels.txt", Size: 1 << 40}, {Name: name, Size: size}}}
		if found, err := f.locate(entry); err != nil || found.proto() != name {
			t.Errorf("%s of %d bytes: located %+v, %v", name, size, found, err)
		}
		entry.Files[1].Size++
		if _, err := f.locate(entry); !errors.Is(err, ErrTooLarge) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s of %d bytes: error is %v, want ErrTooLarge", name, size+1, err)
		}
	}
}

// TestLocateAmongManyModels would take minutes if each were compared with all.
func TestLocateAmongManyModels(t *testing.T) {
	for _, pattern := range []string{"m%d/saved_model.pb", "m%d/1/saved_model.pb"} {
		names := make([]string, 100_000)
		for i := range names {
			names[i] = fmt.Sprintf(pattern, i)
		}
		start := time.Now()
		if _, err := locate(names); !errors.Is(err, ErrAmbiguous) {
			t.Errorf("%s: error is %v, want ErrAmbiguous", pattern, err)
		}
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%s: %d names took %v", pattern, len(names), took)
		}
	}
}

// FuzzLocate locates a model among names, one a line: what is found is among
// them, and has a name that a file can have.
func FuzzLocate(f *testing.F) {
	f.Add("saved_model.pb\nvariables/variables.index\nvariables/variables.data-00000-of-00001")
	f.Add("1/saved_model.pb\n/x")
	f.Add("1/saved_model.pb\n2/variables/variables.index\n//\n./1/x")
	f.Add("../saved_model.pb")
	f.Add("a/graph.pb\n.a/graph.pb\n__MACOSX/graph.pb")
	f.Add("a/1/saved_model.pb\na/01/saved_model.pb\na/saved_model.pb")
	f.Fuzz(func(t *testing.T, lines string) {
		names := strings.Split(lines, "\n")
		found, err := locate(names)
		if err != nil {
			if !errors.Is(err, ErrNoModel) && !errors.Is(err, ErrAmbiguous) && !errors.Is(err, ErrIncomplete) {
				t.Fatalf("error of no known kind: %v", err)
			}
			return
		}
		proto := found.proto()
		if !slices.Contains(names, proto) || strings.HasPrefix(proto, "/") || slices.Contains(strings.Split(proto, "/"), "..") {
			t.Fatalf("located %q among %q", proto, names)
		}
		if found.graph == "" && (path.Dir(proto) != found.folder || found.version != "" && !isVersion(found.folder)) {
			t.Fatalf("located version %q in %q", found.version, found.folder)
		}
	})
}
