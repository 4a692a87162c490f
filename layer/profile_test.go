package main

import (
	"errors"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/libtensorflow/packed"
	"github.com/tensorlambda/tensorlambda/layer/prelink"
)

func TestDivide(t *testing.T) {
	const k = 1 << 10
	quiet := prelink.Region{Offset: 128 * k, Size: 2048*k - 128*k, Address: 132 * k, Executable: true}
	part := func(from, to int64, cold bool) packed.Region {
		return packed.Region{Offset: from * k, Size: (to - from) * k, Address: (from + 4) * k, Executable: true, Cold: cold}
	}
	for _, c := range []struct {
		name string
		cold [][2]int64 // in KiB
		want []packed.Region
	}{
		{"all is needed", nil, []packed.Region{part(128, 2048, false)}},
		{"nothing is", [][2]int64{{0, 2048}}, []packed.Region{part(128, 640, true), part(640, 1152, true), part(1152, 1664, true), part(1664, 2048, true)}},
		{"the middle is not", [][2]int64{{1024, 1088}}, []packed.Region{part(128, 1024, false), part(1024, 1088, true), part(1088, 2048, false)}},
		{"too little of it is not", [][2]int64{{1024, 1084}, {1088, 1148}}, []packed.Region{part(128, 2048, false)}},
		{"the start and the end are not", [][2]int64{{128, 448}, {1984, 2048}}, []packed.Region{part(128, 448, true), part(448, 1984, false), part(1984, 2048, true)}},
		{"a large part is not", [][2]int64{{512, 1536}}, []packed.Region{part(128, 512, false), part(512, 1024, true), part(1024, 1536, true), part(1536, 2048, false)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := divide(quiet, func(b int64) bool {
				for _, r := range c.cold {
					if at := b * block / k; at >= r[0] && at < r[1] {
						return false
					}
				}
				return true
			})
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("%+v\nwant %+v", got, c.want)
			}
		})
	}
}

// The layer for an architecture that cannot be run here is made all the same.
func TestProfileSaysWhyThereIsNone(t *testing.T) {
	t.Chdir("..") // where the model is
	if _, err := profile(t.Context(), "riscv64", t.TempDir(), t.TempDir()); !errors.Is(err, errNotProfiled) {
		t.Errorf("err = %v", err)
	}
	if _, err := profile(t.Context(), runtime.GOARCH, t.TempDir(), t.TempDir()); !errors.Is(err, errNotProfiled) {
		t.Errorf("without libraries: err = %v", err)
	}
}

func TestProfileSaysWhatToInstall(t *testing.T) {
	t.Chdir("..")
	t.Setenv("PATH", t.TempDir())
	says := map[string]string{"arm64": "qemu-user-static"}
	says[runtime.GOARCH] = "a C compiler"
	for arch, says := range says {
		_, err := profile(t.Context(), arch, t.TempDir(), t.TempDir())
		if !errors.Is(err, errNotProfiled) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: err = %v, want %q", arch, err, says)
		}
	}
}

// What a profile finds is code of TensorFlow: less than all, and more than nothing.
func TestProfileOfTensorFlow(t *testing.T) {
	t.Chdir("..")
	layers := map[string]string{"arm64": "build/layer-arm64/lib"}
	layers[runtime.GOARCH] = "build/layer/lib"
	for arch, layer := range layers {
		t.Run(arch, func(t *testing.T) {
			if _, err := toolchainFor(arch); err != nil {
				t.Skipf("not run: %v", err) // test/arm64.sh installs it where it can
			}
			dir := t.TempDir()
			if err := installRaw(t.Context(), layer, t.TempDir(), dir, newProgress(t.Output())); err != nil {
				t.Fatal(err)
			}
			hot, err := profile(t.Context(), arch, dir, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			for name, most := range map[string]int64{packed.Framework: 20 << 20, packed.CC: 100 << 20} {
				if size := int64(len(hot[name])) * block; size < 1<<20 || size > most {
					t.Errorf("%d kB of code in %s are hot", size>>10, name)
				}
			}
		})
	}
}

func TestProfilesThatAreNone(t *testing.T) {
	for _, out := range []string{"libc.so.6 1\n", packed.CC + " x\n", packed.CC + "\n"} {
		if hot, err := parseProfile(strings.NewReader(out)); err == nil {
			t.Errorf("%q is %v", out, hot)
		}
	}
}
