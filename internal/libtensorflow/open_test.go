package libtensorflow_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/libtensorflow"
	"github.com/tensorlambda/tensorlambda/internal/libtensorflow/packed"
)

// A process opens one library in its life, so each case is a process of its
// own: this test binary again, told by a variable what to do.
const childVariable = "LIBTENSORFLOW_TEST_OPTIONS"

// order is what a child is told: Open's options that can be written down.
type order struct {
	Dir, TempDir string
	MemoryBudget int64
	Place        libtensorflow.Place
	Workers      int
	RefuseMemfd  bool   // have the kernel refuse memory files, as a sandbox may
	Then         string // what to do with the open library: a name of actions
}

// outcome is what a child found.
type outcome struct {
	Info  *libtensorflow.Info
	Error string
	Kinds []string // names of the sentinels that match
	Ops   int      // size of the registry, asked through the symbol table
	Said  string   // by the action
}

var sentinels = map[string]error{
	"missing": libtensorflow.ErrMissing, "unusable": libtensorflow.ErrUnusable, "no space": libtensorflow.ErrNoSpace,
	"damaged": packed.ErrDamaged, "manifest": packed.ErrManifest,
}

func TestMain(m *testing.M) {
	if encoded := os.Getenv(childVariable); encoded != "" {
		os.Exit(child(encoded))
	}
	os.Exit(m.Run())
}

func child(encoded string) int {
	if encoded == "call before open" {
		libtensorflow.Version()
		return 0
	}
	var o order
	if err := json.Unmarshal([]byte(encoded), &o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	if o.RefuseMemfd {
		if err := refuseMemfd(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 2
		}
	}
	info, err := libtensorflow.Open(context.Background(), libtensorflow.Options{
		Dir: o.Dir, TempDir: o.TempDir, MemoryBudget: o.MemoryBudget, Place: o.Place, Workers: o.Workers,
	})
	result := outcome{Info: info}
	if err != nil {
		result.Error = err.Error()
		for name, sentinel := range sentinels {
			if errors.Is(err, sentinel) {
				result.Kinds = append(result.Kinds, name)
			}
		}
	} else {
		result.Ops = len(libtensorflow.OpList())
		if action := actions[o.Then]; action != nil {
			result.Said = action()
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		return 2
	}
	return 0
}

// command is a child that follows an order.
func command(t *testing.T, o order) *exec.Cmd {
	t.Helper()
	encoded, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+string(encoded))
	return cmd
}

// open opens a library in a child.
func open(t *testing.T, o order) outcome {
	t.Helper()
	cmd := command(t, o)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("child: %v", err)
	}
	var result outcome
	if err := json.Unmarshal(out, &result); err != nil {
		t.Fatalf("child said %q: %v", out, err)
	}
	return result
}

// layer is the folder that `make layer` fills.
func layer(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../../build/layer/lib")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, packed.ManifestName)); err != nil {
		t.Fatalf("%v: run `make layer` first", err)
	}
	return dir
}

// linked is a folder with the layer's files, whose manifest change may edit.
// The pack files are hard links: a case that damages one must replace it.
func linked(t *testing.T, change func(*packed.Manifest)) string {
	t.Helper()
	from := layer(t)
	dir, err := os.MkdirTemp(filepath.Dir(filepath.Dir(from)), "test-*") // links do not cross file systems
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	content, err := os.ReadFile(filepath.Join(from, packed.ManifestName))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := packed.ParseManifest(content)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range manifest.Libraries {
		if err := os.Link(filepath.Join(from, e.PackName()), filepath.Join(dir, e.PackName())); err != nil {
			t.Fatal(err)
		}
	}
	if change != nil {
		change(&manifest)
	}
	if content, err = json.Marshal(manifest); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, packed.ManifestName), content, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestOpen(t *testing.T) {
	const (
		inMemory    = "inflate,dlopen framework,constructors framework,dlopen,constructors"
		inTemporary = "inflate,dlopen framework,dlopen"
	)
	temp, refused := t.TempDir(), t.TempDir()
	cases := []struct {
		name   string
		order  order
		place  libtensorflow.Place
		stages string
	}{
		{"memory, when nothing is known of a budget", order{}, libtensorflow.Memory, inMemory},
		{"memory, within the budget", order{MemoryBudget: 1 << 40}, libtensorflow.Memory, inMemory},
		{"one worker", order{Workers: 1}, libtensorflow.Memory, inMemory},
		{"temporary folder, over the budget", order{MemoryBudget: 450e6, TempDir: temp}, libtensorflow.Temporary, inTemporary},
		{"temporary folder, where memory files are refused", order{RefuseMemfd: true, TempDir: refused}, libtensorflow.Temporary, inTemporary},
		{"what lies there is used again", order{MemoryBudget: 450e6, TempDir: temp}, libtensorflow.Temporary, "dlopen framework,dlopen"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.order.Dir = layer(t)
			got := open(t, c.order)
			if got.Error != "" {
				t.Fatal(got.Error)
			}
			var stages []string
			for _, s := range got.Info.Stages {
				stages = append(stages, s.Name)
			}
			if got.Info.Place != c.place || strings.Join(stages, ",") != c.stages {
				t.Errorf("opened from %s by %s, want %s by %s", got.Info.Place, stages, c.place, c.stages)
			}
			if !strings.HasPrefix(got.Info.Version, "2.") || got.Ops < 100_000 {
				t.Errorf("version %q with %d bytes of operations: the symbol table is not the library's", got.Info.Version, got.Ops)
			}
		})
	}
	left, err := filepath.Glob(filepath.Join(temp, "*", ".tmp-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("half-written files are left: %s (%v)", left, err)
	}
}

func TestOpenErrors(t *testing.T) {
	otherArch := map[string]string{"amd64": "arm64", "arm64": "amd64"}[runtime.GOARCH]
	cases := []struct {
		name string
		dir  func(*testing.T) string
		kind string
		says []string
	}{
		{"no such folder", func(*testing.T) string { return "/nowhere/at/all" }, "missing",
			[]string{"/nowhere/at/all", "make layer", "TENSORFLOW_LIB"}},
		{"empty folder", func(t *testing.T) string { return t.TempDir() }, "missing", []string{packed.ManifestName, packed.CC}},
		{"other architecture", func(t *testing.T) string {
			return linked(t, func(m *packed.Manifest) { m.Arch = otherArch })
		}, "unusable", []string{packed.ManifestName, otherArch, runtime.GOARCH}},
		{"one library only", func(t *testing.T) string {
			return linked(t, func(m *packed.Manifest) { m.Libraries = m.Libraries[1:] })
		}, "unusable", []string{packed.ManifestName, packed.Framework}},
		{"pack file missing", func(t *testing.T) string {
			dir := linked(t, nil)
			os.Remove(filepath.Join(dir, packed.CC+".zst"))
			return dir
		}, "", []string{packed.CC + ".zst", "no such file"}},
		{"damaged frame", func(t *testing.T) string {
			dir := linked(t, nil)
			flip(t, filepath.Join(dir, packed.CC+".zst"))
			return dir
		}, "damaged", []string{packed.CC + ".zst", "frame"}},
		{"manifest is not JSON", func(t *testing.T) string {
			return folder(t, map[string]string{packed.ManifestName: "nonsense"})
		}, "manifest", []string{packed.ManifestName}},
		{"raw library is no library", func(t *testing.T) string {
			return folder(t, map[string]string{packed.CC: "nonsense", packed.Framework: "nonsense"})
		}, "unusable", []string{packed.Framework, "not a shared library"}},
		{"raw library without its framework", func(t *testing.T) string {
			return folder(t, map[string]string{packed.CC: "nonsense"})
		}, "missing", []string{packed.Framework}},
		{"raw library without a symbol", func(t *testing.T) string {
			dir := t.TempDir()
			compile(t, filepath.Join(dir, packed.Framework), "int framework;")
			compile(t, filepath.Join(dir, packed.CC), "int TFE_ContextListDevices(void) { return 0; }")
			return dir
		}, "unusable", []string{packed.CC, "no symbol TFE_ContextOptionsSetAsync"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := open(t, order{Dir: c.dir(t)})
			if c.kind != "" && !strings.Contains(strings.Join(got.Kinds, ","), c.kind) {
				t.Errorf("error is %q, want %q", got.Kinds, c.kind)
			}
			for _, part := range c.says {
				if !strings.Contains(got.Error, part) {
					t.Errorf("error %q does not say %q", got.Error, part)
				}
			}
		})
	}
}

func TestTemporaryFolderMustBeOurs(t *testing.T) {
	temp := t.TempDir()
	opts := order{Dir: layer(t), Place: libtensorflow.Temporary, TempDir: temp}
	if got := open(t, opts); got.Error != "" {
		t.Fatal(got.Error)
	}
	dir := folders(t, temp)[0]
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}

	t.Run("a symlink is refused", func(t *testing.T) {
		if err := os.Symlink(t.TempDir(), dir); err != nil {
			t.Fatal(err)
		}
		defer os.Remove(dir)
		if got := open(t, opts); !strings.Contains(got.Error, "remove it") {
			t.Errorf("error %q", got.Error)
		}
	})
	t.Run("a folder that others can write to is refused", func(t *testing.T) {
		if err := errors.Join(os.Mkdir(dir, 0o700), os.Chmod(dir, 0o777)); err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		if got := open(t, opts); !strings.Contains(got.Error, "mode 0700") {
			t.Errorf("error %q", got.Error)
		}
	})
	t.Run("a library that is cut short is written again", func(t *testing.T) {
		if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, packed.CC), []byte("\x7fELF"), 0o600)); err != nil {
			t.Fatal(err)
		}
		if got := open(t, opts); got.Error != "" || got.Ops == 0 {
			t.Errorf("error %q", got.Error)
		}
	})
}

// TestLibrariesOfEqualSizeAreKeptApart has two packed libraries of which only
// the framework's checksum differs. Neither may use the files of the other.
func TestLibrariesOfEqualSizeAreKeptApart(t *testing.T) {
	temp := t.TempDir()
	other := linked(t, func(m *packed.Manifest) {
		for i, e := range m.Libraries {
			if e.Name == packed.Framework {
				m.Libraries[i].SHA256 = strings.Repeat("0", len(e.SHA256))
			}
		}
	})
	for _, dir := range []string{layer(t), other} {
		got := open(t, order{Dir: dir, Place: libtensorflow.Temporary, TempDir: temp})
		if got.Error != "" || got.Info.Stages[0].Name != "inflate" {
			t.Errorf("%s: %+v", dir, got)
		}
	}
	if found := folders(t, temp); len(found) != 2 {
		t.Errorf("the libraries are in %q, want a folder for each", found)
	}
}

// folders is where libraries are in a temporary folder.
func folders(t *testing.T, temp string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(temp, "tensorlambda-lib-*"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no library in %s (%v)", temp, err)
	}
	return found
}

func TestStubBeforeOpenNamesTheFunction(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"=call before open")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "TF_Version was called before libtensorflow was opened") {
		t.Errorf("err %v, output %.200q", err, out)
	}
}

// flip changes one byte in the middle of a file, in a copy of it.
func flip(t *testing.T, path string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 0x10
	if err := errors.Join(os.Remove(path), os.WriteFile(path, content, 0o644)); err != nil {
		t.Fatal(err)
	}
}

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), fs.FileMode(0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// compile makes a shared library of one C source.
func compile(t *testing.T, path, source string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "cc", "-shared", "-fPIC", "-x", "c", "-", "-o", path)
	cmd.Stdin = strings.NewReader(source)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("cc: %v: %s", err, out)
	}
}
