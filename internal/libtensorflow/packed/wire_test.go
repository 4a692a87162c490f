package packed_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/libtensorflow/packed"
)

// TestRegionsAreRead packs a library with cold code among code that is not, and reads
// back where it is: a frame is a cold region, and neighbours that are not are one region.
func TestRegionsAreRead(t *testing.T) {
	region := func(offset, size int64, cold bool) packed.Region {
		return packed.Region{Offset: offset * frame, Size: size * frame, Address: (offset + 2) * frame, Executable: true, Cold: cold}
	}
	constants := packed.Region{Offset: frame, Size: frame, Address: frame}
	src := source(packed.CC, library(1, 20*frame))
	src.Late = []packed.Region{
		constants,
		region(4, 2, false), region(6, 1, false), region(7, 3, true), region(10, 2, true), region(12, 1, false), region(13, 2, true),
	}
	dir := pack(t, src)
	m := open(t, dir).Manifest()
	want := []packed.Region{
		constants,
		region(4, 3, false),
		region(7, 1, true), region(8, 1, true), region(9, 1, true), region(10, 1, true), region(11, 1, true), // a page is a frame here
		region(12, 1, false), region(13, 1, true), region(14, 1, true),
	}
	if got := m.Libraries[0].Late; !reflect.DeepEqual(got, want) {
		t.Errorf("regions are %+v\nwant %+v", got, want)
	}
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := packed.ParseManifest(data); err != nil || !reflect.DeepEqual(again, m) {
		t.Errorf("written and read again it is %+v, %v\nwant %+v", again, err, m)
	}
}

func TestManifestsOfOtherFormatsAreNamed(t *testing.T) {
	for name, manifest := range map[string]string{
		"format 2": `{"format": 2, "tensorflow": "2.21.0", "arch": "amd64", "libraries": [{"name": "lib.so", "size": 1, "frames": [{"packed": 1}]}]}`,
		"format 4": `{"format": 4, "libraries": []}`,
	} {
		if _, err := packed.ParseManifest([]byte(manifest)); !errors.Is(err, packed.ErrManifest) || !strings.Contains(err.Error(), name+", this program reads format 3") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFramesThatAreNone(t *testing.T) {
	const manifest = `{"format": 3, "tensorflow": "2.21.0", "arch": "amd64", "libraries": [
		{"name": "lib.so", "size": 4096, "sha256": "0000000000000000000000000000000000000000000000000000000000000000", "frames": "FRAMES"}]}`
	for frames, says := range map[string]string{
		"AAAA":                     "3 bytes of frames",           // three bytes
		"EAAAAAAQAAAAAAAABAAAAA==": "unknown flags 0x4",           // 16, 4096, 0, 4
		"EAAAAAAQAAAAAAAAAQAAAA==": "at 0 is in no late region",   // 16, 4096, 0, 1
		"*":                        "illegal base64 data at",      // nothing
		"AAAAAAAQAAAAAAAAAAAAAA==": "packed size 0 is not in 1..", // 0, 4096, 0, 0
	} {
		_, err := packed.ParseManifest([]byte(strings.Replace(manifest, "FRAMES", frames, 1)))
		if !errors.Is(err, packed.ErrManifest) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", frames, err, says)
		}
	}
}
