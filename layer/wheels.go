package main

import (
	"fmt"
	"slices"
	"strings"
)

// wheel is a pinned Python wheel that carries libtensorflow.
type wheel struct {
	version string
	arch    string // in Go's words
	file    string
	sha256  string
}

// wheels pins every wheel this program installs, oldest first. Wheels for
// arm64 hold the library from 2.16 on: 2.15 for arm64 only names another
// package. The Python version in the names does not matter, the C library is
// the same in all.
var wheels = []wheel{
	{"2.15.0", "amd64", "tensorflow_cpu-2.15.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", "f46c795177f6311c83562e05d38dc7d4618f8d3150e6902a4499b875f3f97270"},
	{"2.15.1", "amd64", "tensorflow_cpu-2.15.1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", "54660c074d7241a503e81edfd9f5ef5af88f64051b72e2945f26318c790f2d26"},
	{"2.16.1", "amd64", "tensorflow_cpu-2.16.1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", "8fde4a1a1515f3099119c2d71e1653aa6e7ae81ec58b7cb045cab5e5bb147b8b"},
	{"2.16.1", "arm64", "tensorflow-2.16.1-cp311-cp311-manylinux_2_17_aarch64.manylinux2014_aarch64.whl", "617df9fa2d697c4bc22fa3ee87eb01d580ab1bd0438fea15c4ec2f2870c40bb0"},
	{"2.16.2", "amd64", "tensorflow_cpu-2.16.2-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", "c855cb6bf05d32dd5928086b03a5f6b4189b63c22b95e017703cbee4291023ca"},
	{"2.16.2", "arm64", "tensorflow-2.16.2-cp311-cp311-manylinux_2_17_aarch64.manylinux2014_aarch64.whl", "8728b12bc86941d90d0a927c40d4b21f8820964a80439a7c45f850eb37d57067"},
	{"2.17.0", "amd64", "tensorflow_cpu-2.17.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", "e7f383ffe153d67de338b0fc26ab44546466ec016fe4dbff74bfd206d1894285"},
	{"2.17.0", "arm64", "tensorflow-2.17.0-cp311-cp311-manylinux_2_17_aarch64.manylinux2014_aarch64.whl", "ca82f98ea38fa6c9e08ccc69eb6c2fab5b35b30a8999115b8b63b6f02fc69d9d"},
	{"2.17.1", "amd64", "tensorflow_cpu-2.17.1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", "4935d35d15924602605c839cb6cd5a578f89f626d8736f62065fe3a089b63b6f"},
	{"2.17.1", "arm64", "tensorflow-2.17.1-cp311-cp311-manylinux_2_17_aarch64.manylinux2014_aarch64.whl", "bc41bc3e31d205dcf6e4b8afc0514de05445303d93fade03549085ef8c45a2b2"},
	{"2.18.0", "amd64", "tensorflow_cpu-2.18.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", "089e71746960ea581dca53401f84b3b99c8537313e337a9e5dbf97036a936f7e"},
	{"2.18.0", "arm64", "tensorflow-2.18.0-cp311-cp311-manylinux_2_17_aarch64.manylinux2014_aarch64.whl", "85f1e7369af6d329b117b52e86093cd1e0458dd5404bf5b665853f873dd00b48"},
	{"2.18.1", "amd64", "tensorflow_cpu-2.18.1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", "810c75d7149d2da0cb2092187817b0dcabb80728ca9f9cf3a61f3f42fadd1298"},
	{"2.18.1", "arm64", "tensorflow-2.18.1-cp311-cp311-manylinux_2_17_aarch64.manylinux2014_aarch64.whl", "8a6485edd2148f70d011dbd1d8dc2c775e91774a5a159466e83d0d1f21580944"},
	{"2.19.0", "amd64", "tensorflow_cpu-2.19.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", "9389305ae3012288a5e367081b6757bfb9d86d4048c69989c659830b257e1c51"},
	{"2.19.0", "arm64", "tensorflow-2.19.0-cp311-cp311-manylinux_2_17_aarch64.manylinux2014_aarch64.whl", "c92d3ff958ac0ee0eb343f10d4055b3a2815635cb3ee0836f9b1d735c76ee098"},
	{"2.19.1", "amd64", "tensorflow_cpu-2.19.1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", "0b6d72bd09c267e7573757bd309f5b1e2cdb02577339991da751f3a1411e4dae"},
	{"2.19.1", "arm64", "tensorflow-2.19.1-cp311-cp311-manylinux_2_17_aarch64.manylinux2014_aarch64.whl", "22deedc251837f2382d2b287c705705cb089bfaf79b2274b78c08740e02bf188"},
	{"2.20.0", "amd64", "tensorflow_cpu-2.20.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", "cf756bbe2d256e942ab5d0ad2c858fb40017581494febdb4387c149b1afde780"},
	{"2.20.0", "arm64", "tensorflow-2.20.0-cp311-cp311-manylinux_2_17_aarch64.manylinux2014_aarch64.whl", "3e9568c8efcb05c0266be223e3269c62ebf7ad3498f156438311735f6fa5ced5"},
	{"2.21.0", "amd64", "tensorflow_cpu-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl", "2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c"},
	{"2.21.0", "arm64", "tensorflow-2.21.0-cp311-cp311-manylinux_2_27_aarch64.whl", "4b24aca16d527a3cf1c37f720c04c484c3d20f4d0fdfa98632ac8b9f3be6eb5c"},
}

// findWheel finds the wheel for a version, "2.18.1" or "2.18" for its newest
// patch, and an architecture.
func findWheel(version, arch string) (wheel, error) {
	var known []string
	for _, w := range slices.Backward(wheels) {
		if w.arch != arch {
			continue
		}
		if w.version == version || strings.HasPrefix(w.version, version+".") && strings.Count(version, ".") == 1 {
			return w, nil
		}
		known = append(known, w.version)
	}
	if len(known) == 0 {
		return wheel{}, fmt.Errorf("unknown architecture %q: known are amd64 and arm64", arch)
	}
	slices.Reverse(known)
	return wheel{}, fmt.Errorf("unknown TensorFlow version %q: known for %s are %s", version, arch, strings.Join(known, ", "))
}

// requirement pins the wheel in pip's words.
func (w wheel) requirement() string {
	project, _, _ := strings.Cut(w.file, "-")
	return fmt.Sprintf("%s==%s --hash=sha256:%s\n", strings.ReplaceAll(project, "_", "-"), w.version, w.sha256)
}

// platforms are the pip platform tags under which wheels of this architecture
// were published, newest first.
func (w wheel) platforms() []string {
	machine := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[w.arch]
	return []string{"manylinux_2_27_" + machine, "manylinux_2_17_" + machine, "manylinux2014_" + machine}
}

// String names the wheel's contents: "2.21.0 amd64".
func (w wheel) String() string { return w.version + " " + w.arch }
