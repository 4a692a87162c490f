package coldstart

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	savedModelFile = "saved_model.pb"
	// maxWrappers is how many folders may be around a model.
	maxWrappers = 4
	// maxNames is how many names an error lists.
	maxNames = 8
)

// notGraphs are files of a SavedModel that only end like a frozen graph.
var notGraphs = []string{savedModelFile, "keras_metadata.pb", "fingerprint.pb"}

// located is what was found among the files of a folder or archive: a folder
// with a SavedModel ("" is the top), or a graph.
type located struct {
	folder   string
	graph    string
	version  string
	warnings []string
}

// proto is the file that holds the graph.
func (l located) proto() string {
	if l.graph != "" {
		return l.graph
	}
	return path.Join(l.folder, savedModelFile)
}

// locate finds the one model among files, by their names. Folders around it do
// not matter. Where there are version folders, as TensorFlow Serving wants
// them, the largest number wins of which all files are there: on S3 the others
// may be an upload under way.
func locate(names []string) (located, error) {
	files, warnings := newListing(names)
	found, err := files.model()
	if err != nil && warnings != nil {
		err = fmt.Errorf("%w (%s)", err, strings.Join(warnings, "; "))
	}
	found.warnings = append(warnings, found.warnings...)
	return found, err
}

// model is the one model of a listing.
func (l listing) model() (located, error) {
	bases, models := l.candidates()
	switch found := slices.Concat(bases, models); {
	case len(found) > 1:
		return located{}, fmt.Errorf("%w: in %s; name one of them", ErrAmbiguous, listNames(found))
	case len(bases) == 1:
		return l.newest(bases[0])
	case len(models) == 1:
		if reason := l.missing(models[0]); reason != "" {
			return located{}, fmt.Errorf("%w: %s", ErrIncomplete, reason)
		}
		return located{folder: models[0]}, nil
	}
	return l.frozen()
}

// listing is the files that matter, by folder and name.
type listing map[string]map[string]bool

// newListing takes files by their names. It warns of those that no folder can
// hold: S3 lets a key be models//x.
func newListing(names []string) (files listing, warnings []string) {
	files = listing{}
	var stray []string
	for _, name := range names {
		switch {
		case !isPath(name):
			stray = append(stray, name)
		case !ignored(name):
			dir := path.Dir(name)
			if files[dir] == nil {
				files[dir] = map[string]bool{}
			}
			files[dir][path.Base(name)] = true
		}
	}
	if len(stray) > 0 {
		warnings = []string{"not part of the model, since no file can have such a name: " + listNames(stray)}
	}
	return files, warnings
}

// isPath reports whether name is that of a file below a folder, in its only
// spelling.
func isPath(name string) bool {
	return filepath.IsLocal(name) && path.Clean(name) == name && name != "."
}

// ignored is what tools leave behind: .DS_Store, ._name, __MACOSX. No model is
// looked for there, but a model's asset may have such a name.
func ignored(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") || part == "__MACOSX" {
			return true
		}
	}
	return false
}

func (l listing) has(dir, name string) bool { return l[dir][name] }

// candidates are the folders with version folders, and the SavedModels that are
// not versions. Beside version folders others do not count, and nothing counts
// inside a SavedModel.
func (l listing) candidates() (bases, models []string) {
	var roots []string
	for dir := range l {
		if depth(dir) <= maxWrappers && l.has(dir, savedModelFile) {
			roots = append(roots, dir)
		}
	}
	slices.SortFunc(roots, func(a, b string) int { return cmp.Or(cmp.Compare(depth(a), depth(b)), strings.Compare(a, b)) })
	isBase, isModel := map[string]bool{}, map[string]bool{}
	for _, root := range roots {
		switch base := path.Dir(root); {
		case inside(root, isModel), inside(base, isBase):
		case isVersion(root):
			isBase[base] = true
		default:
			isModel[root] = true
		}
	}
	maps.DeleteFunc(isModel, func(model string, _ bool) bool { return model != "." && isBase[path.Dir(model)] })
	return slices.Sorted(maps.Keys(isBase)), slices.Sorted(maps.Keys(isModel))
}

// inside reports whether dir or a folder above it is among folders. An archive
// may have a hundred thousand models, so it does not compare with each.
func inside(dir string, folders map[string]bool) bool {
	for !folders[dir] {
		if dir == "." {
			return false
		}
		dir = path.Dir(dir)
	}
	return true
}

// newest is the largest version below base of which everything is there.
func (l listing) newest(base string) (located, error) {
	var warnings []string
	for _, v := range l.versions(base) {
		reason := l.missing(v.dir)
		if reason == "" {
			return located{folder: v.dir, version: strconv.FormatUint(v.number, 10), warnings: warnings}, nil
		}
		warnings = append(warnings, fmt.Sprintf("version %d is not served because it is incomplete: %s", v.number, reason))
	}
	return located{}, fmt.Errorf("%w: %s", ErrIncomplete, strings.Join(warnings, "; "))
}

type version struct {
	number uint64
	dir    string
}

// versions are the version folders below base, largest first.
func (l listing) versions(base string) []version {
	found := map[string]version{}
	for dir := range l {
		name := childOf(base, dir)
		if n, ok := versionNumber(name); ok {
			found[name] = version{n, path.Join(base, name)}
		}
	}
	return slices.SortedFunc(maps.Values(found), func(a, b version) int {
		return cmp.Or(-cmp.Compare(a.number, b.number), strings.Compare(a.dir, b.dir))
	})
}

// missing says which file a SavedModel lacks; "" means none.
func (l listing) missing(dir string) string {
	variables := path.Join(dir, "variables")
	switch {
	case !l.has(dir, savedModelFile):
		return path.Join(dir, savedModelFile) + " is missing"
	case len(l[variables]) == 0:
		return "" // a model may have none
	case !l.has(variables, "variables.index"):
		return variables + "/variables.index is missing"
	}
	return l.missingShard(variables)
}

// missingShard looks for a whole set of data files. There may be a rest of
// another set: which one the index means is TensorFlow's to say.
func (l listing) missingShard(variables string) string {
	reason := variables + " holds no data files"
	sets := map[int]bool{}
	for name := range l[variables] {
		var i, n int
		if _, err := fmt.Sscanf(name, shardFormat, &i, &n); err == nil && 0 <= i && i < n && name == shardName(i, n) {
			sets[n] = true
		}
	}
	for _, n := range slices.Sorted(maps.Keys(sets)) {
		i := 0
		for i < n && l.has(variables, shardName(i, n)) {
			i++
		}
		if i == n {
			return ""
		}
		reason = variables + "/" + shardName(i, n) + " is missing"
	}
	return reason
}

const shardFormat = "variables.data-%05d-of-%05d"

func shardName(i, n int) string { return fmt.Sprintf(shardFormat, i, n) }

// frozen finds the only graph where there is no SavedModel.
func (l listing) frozen() (located, error) {
	var graphs, others []string
	for dir, names := range l {
		for name := range names {
			full := path.Join(dir, name)
			if strings.EqualFold(path.Ext(name), ".pb") && depth(dir) <= maxWrappers && !slices.Contains(notGraphs, name) {
				graphs = append(graphs, full)
			} else {
				others = append(others, full)
			}
		}
	}
	switch {
	case len(graphs) == 1:
		return located{graph: graphs[0]}, nil
	case len(graphs) > 1:
		return located{}, fmt.Errorf("%w: %s; name one of them", ErrAmbiguous, listNames(graphs))
	case len(others) == 0:
		return located{}, fmt.Errorf("%w: it is empty", ErrNoModel)
	}
	return located{}, fmt.Errorf("%w: no %s and no other .pb within %d folders, only %s", ErrNoModel, savedModelFile, maxWrappers, listNames(others))
}

// depth is how many folders dir goes down; "." is the top.
func depth(dir string) int {
	if dir == "." {
		return 0
	}
	return strings.Count(dir, "/") + 1
}

func within(dir, outer string) bool {
	return outer == "." || dir == outer || strings.HasPrefix(dir, outer+"/")
}

// childOf is the folder directly below base that dir is or lies in, "" where
// there is none.
func childOf(base, dir string) string {
	if base != "." {
		below, ok := strings.CutPrefix(dir, base+"/")
		if !ok {
			return ""
		}
		dir = below
	}
	name, _, _ := strings.Cut(dir, "/")
	return name
}

func isVersion(dir string) bool {
	_, ok := versionNumber(path.Base(dir))
	return ok
}

// versionNumber reads the name of a version folder: digits, where 00000123 is
// 123.
func versionNumber(name string) (uint64, bool) {
	if name == "" || strings.Trim(name, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseUint(name, 10, 64)
	return n, err == nil
}

func listNames(names []string) string {
	names = slices.Sorted(slices.Values(names))
	more := ""
	if len(names) > maxNames {
		more = fmt.Sprintf(" and %d more", len(names)-maxNames)
		names = names[:maxNames]
	}
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = strconv.Quote(name)
	}
	return strings.Join(quoted, ", ") + more
}
