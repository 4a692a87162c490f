package main

import (
	"errors"
	"reflect"
	"runtime"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/libtensorflow/packed"
	"github.com/tensorlambda/tensorlambda/layer/prelink"
)

func TestDivide(t *testing.T) {
	const k = 1 << 10
	quiet := prelink.Region{Offset: 128 * k, Size: 4096*k - 128*k, Address: 132 * k, Executable: true}
	part := func(from, to int64, cold bool) packed.Region {
		return packed.Region{Offset: from * k, Size: (to - from) * k, Address: (from + 4) * k, Executable: true, Cold: cold}
	}
	for _, c := range []struct {
		name string
		cold [][2]int64 // in KiB
		want []packed.Region
	}{
		{"all is needed", nil, []packed.Region{part(128, 4096, false)}},
		{"nothing is", [][2]int64{{0, 4096}}, []packed.Region{part(128, 1152, true), part(1152, 2176, true), part(2176, 3200, true), part(3200, 4096, true)}},
		{"the middle is not", [][2]int64{{1024, 1280}}, []packed.Region{part(128, 1024, false), part(1024, 1280, true), part(1280, 4096, false)}},
		{"too little of it is not", [][2]int64{{1024, 1216}, {1280, 1472}}, []packed.Region{part(128, 4096, false)}},
		{"the start and the end are not", [][2]int64{{128, 448}, {3584, 4096}}, []packed.Region{part(128, 448, true), part(448, 3584, false), part(3584, 4096, true)}},
		{"a large part is not", [][2]int64{{512, 2048}}, []packed.Region{part(128, 512, false), part(512, 1536, true), part(1536, 2048, true), part(2048, 4096, false)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := divide(quiet, func(b int64) bool {
				for _, r := range c.cold {
					if b*64 >= r[0] && b*64 < r[1] {
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

// The layer for another architecture is made all the same.
func TestProfileSaysWhyThereIsNone(t *testing.T) {
	other := map[string]string{"amd64": "arm64", "arm64": "amd64"}[runtime.GOARCH]
	if _, err := profile(t.Context(), other, t.TempDir(), t.TempDir()); !errors.Is(err, errNotProfiled) {
		t.Errorf("err = %v", err)
	}
	t.Chdir("..") // where the model is
	if _, err := profile(t.Context(), runtime.GOARCH, t.TempDir(), t.TempDir()); !errors.Is(err, errNotProfiled) {
		t.Errorf("without libraries: err = %v", err)
	}
}

// What a profile finds is code of TensorFlow: less than all, and more than nothing.
func TestProfileOfTensorFlow(t *testing.T) {
	t.Chdir("..")
	dir := t.TempDir()
	if err := installRaw(t.Context(), "build/layer/lib", t.TempDir(), dir, newProgress(t.Output())); err != nil {
		t.Fatal(err)
	}
	hot, err := profile(t.Context(), runtime.GOARCH, dir, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if size := int64(len(hot)) * block; size < 50<<20 || size > 300<<20 {
		t.Errorf("%d MB of code are hot", size>>20)
	}
}
