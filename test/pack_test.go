package test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	modelpb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"
)

// packModel packs a model of models/ and is the folder of the result.
func packModel(t *testing.T, model string, arguments ...string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "packed") + "/"
	settings := append([]string{raw(t)}, trust(model)...)
	o := command(t, settings, append([]string{"pack", absolute(t, "models/"+model), out}, arguments...)...)
	if o.status != 0 {
		t.Fatalf("pack: exit status %d: %s", o.status, o.stderr)
	}
	return out
}

// trust is the setting that a model needs to be run although its operations cannot be
// judged; nil for most.
func trust(model string) []string {
	if model == "pack/default_attr" { // a Cast whose type the call decides
		return []string{"MODEL_ALLOW_UNSAFE_OPS=true"}
	}
	return nil
}

func describePacked(t *testing.T, folder string) description {
	t.Helper()
	var d description
	o := command(t, nil, "inspect", folder, "--json")
	if err := json.Unmarshal([]byte(o.stdout), &d); err != nil {
		t.Fatalf("inspect: %v: %s", err, o.stderr)
	}
	return d
}

// packCases are the cases of all models, by model: those of models/pack besides.
func packCases(t *testing.T) map[string][]predictCase {
	t.Helper()
	all := predictCases(t)
	var file struct{ Cases []predictCase }
	if err := json.Unmarshal(read(t, "models/pack/expected.json"), &file); err != nil {
		t.Fatal(err)
	}
	for _, c := range file.Cases {
		all[c.Model] = append(all[c.Model], c)
	}
	return all
}

// A packed model answers what Python's TensorFlow answers for the original, and is
// made of what every TensorFlow can load.
func TestPackedModelsAnswerAsTheOriginals(t *testing.T) {
	t.Parallel()
	cases := packCases(t)
	for _, model := range slices.Sorted(maps.Keys(cases)) {
		if strings.HasSuffix(model, ".pb") {
			continue
		}
		t.Run(model, func(t *testing.T) {
			t.Parallel()
			folder := packModel(t, model)
			for _, operation := range describePacked(t, folder).Operations {
				if strings.HasPrefix(operation.Op, "_") || strings.HasPrefix(operation.Name, "_") || operation.Device != "" {
					t.Errorf("operation %+v", operation)
				}
			}
			s := startServer(t, folder, append(trust(model), raw(t), "TF_ENABLE_ONEDNN_OPTS=1")...)
			for _, c := range cases[model] {
				if c.Request != "" {
					c.checkColumns(t, s.predict(c.Request))
				}
			}
		})
	}
}

// The requests of a dropped signature would fail the start of the packed model; the
// others are compared, and replayed at its start.
func TestPackedModelsKeepTheRequestsOfTheirSignatures(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		arguments []string
		says      string
		requests  int // that the warm-up replays; with none it runs signatures on zeros
	}{
		"all":          {nil, "verified    3 of the model's own and ", 3},
		"one":          {[]string{"--signature", "serving_default"}, "verified    1 of the model's own and ", 1},
		"none is left": {[]string{"--signature", "regress_x2_to_y3"}, "verified    4 random requests", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := filepath.Join(t.TempDir(), "packed") + "/"
			o := command(t, []string{raw(t)}, append([]string{"pack", absolute(t, "models/warmup"), out}, c.arguments...)...)
			if o.status != 0 || !strings.Contains(o.stdout, c.says) {
				t.Fatalf("exit status %d, %s%s, want %q", o.status, o.stdout, o.stderr, c.says)
			}
			s := startServer(t, out, raw(t))
			var r struct {
				Stages []struct {
					Name     string
					Requests int
				}
			}
			if err := json.Unmarshal([]byte(s.request(get, s.base+"/debug/coldstart", "").Body), &r); err != nil {
				t.Fatal(err)
			}
			if last := r.Stages[len(r.Stages)-1]; last.Name != "warm-up" || last.Requests != c.requests {
				t.Errorf("the start ends with %+v, want a warm-up with %d requests", last, c.requests)
			}
		})
	}
}

// Signatures whose inputs are serialized examples, indexes or of a length that divides
// are asked what they take; of the others the report says that nothing is proven.
func TestPackComparesWhatItsModelsTake(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		model    string
		says     string
		unproven []string // signatures
	}{
		{"pack/parsed", "verified    12 random requests, 40 outputs", nil}, // four rounds of four, three and three outputs
		{"classify_labels", "verified    20 random requests", nil},
		{"half_plus_two_examples", "verified    20 random requests", nil},
		{"pack/reads", "random requests", nil},
		{"pack/lists", "8 outputs", nil},
		{"dtypes", "random requests", []string{"qint8"}}, // cannot be fed
	} {
		t.Run(c.model, func(t *testing.T) {
			t.Parallel()
			o := command(t, []string{raw(t)}, "pack", absolute(t, "models/"+c.model), filepath.Join(t.TempDir(), "packed")+"/")
			if o.status != 0 || !strings.Contains(o.stdout, c.says) {
				t.Errorf("exit status %d, %s%s, want %q", o.status, o.stdout, o.stderr, c.says)
			}
			if got := strings.Count(o.stdout, "was compared: "); got != len(c.unproven) {
				t.Errorf("%d signatures are not proven, want %q: %s", got, c.unproven, o.stdout)
			}
			for _, name := range c.unproven {
				if want := fmt.Sprintf("nothing of signature %q was compared: the original refuses", name); !strings.Contains(o.stdout, want) {
					t.Errorf("it says %s, not %q", o.stdout, want)
				}
			}
		})
	}
}

// Python's loader takes every packed model whose original it takes, and gets the same
// answers from both.
func TestPackedModelsLoadInPython(t *testing.T) {
	t.Parallel()
	var args []string
	for _, model := range savedModels(t) {
		if !strings.HasPrefix(model, "unsafe_") {
			args = append(args, absolute(t, "models/"+model)+"="+packModel(t, model))
		}
	}
	python(t, "packed.py", args...)
}

// What nothing writes and nothing needs is gone; what a signature writes stays, with the
// files that give it its first value. The numbers are those of variables, by handle and
// by reference, and of calls of functions that are left in a packed model.
func TestPackedModelKeepsOnlyWhatItNeeds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		model            string
		variables, calls int
		files            []string // beside saved_model.pb
	}{
		{"counter", 1, 0, variablesFolder},
		{"image", 0, 0, nil},
		{"half_plus_two", 0, 0, nil},
		{"pack/nested", 0, 0, nil},
		{"pack/lists", 0, 0, nil},
		{"pack/compiled", 1, 1, variablesFolder}, // XLA compiles the call
		{"pack/default_attr", 0, 0, nil},
		{"pack/loops", 0, 0, nil},
		{"pack/branches", 0, 0, nil},
		{"pack/branches_in_loops", 0, 0, nil}, // a call in a branch in a loop
		{"pack/flow_calls", 1, 0, variablesFolder},
		{"pack/loop_writes", 1, 0, variablesFolder},
		{"pack/reads", 0, 0, nil},
		{"pack/types", 0, 0, nil},
		{"pack/shared", 0, 0, nil},
		{"pack/beside", 1, 0, variablesFolder},
		{"pack/effects", 1, 0, variablesFolder},
		// The path of an asset is a variable that the init op assigns; nothing reads unused.txt.
		{"pack/tables", 1, 0, []string{"assets/words.txt"}},
		{"pack/filled_table", 0, 0, variablesFolder},
		{"pack/warmed", 0, 0, []string{"assets.extra/tf_serving_warmup_requests"}},
		{"pack/references", 0, 0, nil},
		{"pack/handles", 0, 0, nil},
		{"pack/assigning", 1, 0, variablesFolder},
		{"pack/main_op", 0, 0, []string{"assets/words.txt"}},
		{"pack/legacy_init_op", 0, 0, []string{"assets/words.txt"}},
		{"pack/old_control_flow", 1, 0, variablesFolder}, // a Switch takes the handle
		{"pack/recurrent", 0, 0, nil},
	} {
		t.Run(c.model, func(t *testing.T) {
			t.Parallel()
			folder := packModel(t, c.model)
			ops := describePacked(t, folder).OpCounts
			if got := ops["VarHandleOp"] + ops["VariableV2"]; got != c.variables {
				t.Errorf("%d variables, want %d", got, c.variables)
			}
			if got := ops["PartitionedCall"] + ops["StatefulPartitionedCall"]; got != c.calls {
				t.Errorf("%d calls of functions, want %d", got, c.calls)
			}
			var files []string
			for _, file := range filesBelow(t, folder) {
				if name := strings.TrimPrefix(file, folder); name != "saved_model.pb" {
					files = append(files, name)
				}
			}
			if !slices.Equal(files, c.files) {
				t.Errorf("files %q, want %q", files, c.files)
			}
		})
	}
}

var variablesFolder = []string{"variables/variables.data-00000-of-00001", "variables/variables.index"}

// Loading reads no more of the files of variables than what is left of the model takes:
// RestoreV2 has one type for each tensor that it reads.
func TestPackedModelRestoresOnlyWhatItNeeds(t *testing.T) {
	t.Parallel()
	for model, want := range map[string]int{
		"pack/beside": 1, "pack/effects": 1, "pack/assigning": 1, "pack/flow_calls": 1, // variables that are written
		"pack/filled_table": 2, // keys and values
	} {
		t.Run(model, func(t *testing.T) {
			t.Parallel()
			var saved modelpb.SavedModel
			if err := proto.Unmarshal(read(t, packModel(t, model)+"saved_model.pb"), &saved); err != nil {
				t.Fatal(err)
			}
			restored := 0
			for _, n := range saved.GetMetaGraphs()[0].GetGraphDef().GetNode() {
				if n.GetOp() == "RestoreV2" {
					restored += len(n.GetAttr()["dtypes"].GetList().GetType())
				}
			}
			if restored != want {
				t.Errorf("it restores %d tensors, want %d", restored, want)
			}
		})
	}
}

// The warm-up requests of a model are those of the packed one, byte for byte.
func TestWarmUpRequestsTravelAlong(t *testing.T) {
	t.Parallel()
	const file = "assets.extra/tf_serving_warmup_requests"
	want := read(t, "models/pack/warmed/"+file)
	if got := read(t, filepath.Join(packModel(t, "pack/warmed"), file)); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// A signature that is kept alone takes only its own variables along: count is the one
// that writes.
func TestPackedSignatureLeavesTheOthersBehind(t *testing.T) {
	t.Parallel()
	for signature, variables := range map[string]int{"count": 1, "pure": 0} {
		t.Run(signature, func(t *testing.T) {
			t.Parallel()
			d := describePacked(t, packModel(t, "pack/beside", "--signature", signature))
			if got := slices.Sorted(maps.Keys(d.Signatures)); !slices.Equal(got, []string{signature}) {
				t.Errorf("signatures %q", got)
			}
			if got := d.OpCounts["VarHandleOp"]; got != variables {
				t.Errorf("%d variables, want %d", got, variables)
			}
		})
	}
}

// Tables that only other signatures read go, with the assets that loading fills them
// from; what is kept answers as before.
func TestPackedSignatureLeavesTheAssetsOfOthersBehind(t *testing.T) {
	t.Parallel()
	cases := packCases(t)
	for _, c := range []struct {
		model, signature string
		tables           int
		files            []string
	}{
		{"strings", "mangle", 0, nil},
		{"strings", "serving_default", 1, []string{"assets/vocabulary.txt"}},
		{"pack/assets", "colors", 1, []string{"assets/colors.txt"}},
		{"pack/assets", "shapes", 1, []string{"assets/shapes.txt"}},
	} {
		t.Run(c.model+"/"+c.signature, func(t *testing.T) {
			t.Parallel()
			folder := packModel(t, c.model, "--signature", c.signature)
			if got := describePacked(t, folder).OpCounts["HashTableV2"]; got != c.tables {
				t.Errorf("%d tables, want %d", got, c.tables)
			}
			var files []string
			for _, file := range filesBelow(t, folder) {
				if name := strings.TrimPrefix(file, folder); name != "saved_model.pb" {
					files = append(files, name)
				}
			}
			if !slices.Equal(files, c.files) {
				t.Errorf("files %q, want %q", files, c.files)
			}
			s, asked := startServer(t, folder, raw(t)), 0
			for _, question := range cases[c.model] {
				if question.Signature == c.signature && question.Request != "" {
					question.checkColumns(t, s.predict(question.Request))
					asked++
				}
			}
			if asked == 0 {
				t.Error("nothing was asked")
			}
		})
	}
}

func TestPackSaysWhyItDoesNot(t *testing.T) {
	t.Parallel()
	image := absolute(t, "models/image")
	for _, c := range []struct {
		name   string
		args   []string
		status int
		stderr string
	}{
		{"no output", []string{image}, 2, "want INPUT and OUTPUT"},
		{"onto itself", []string{image, image + "/"}, 2, "a place of its own"},
		{"a frozen graph", []string{absolute(t, "models/two_placeholders.pb"), "OUT/"}, 1, "frozen graph"},
		{"to a frozen graph", []string{image, "OUT/model.pb"}, 2, "a folder, a prefix or a .tar.gz"},
		{"a signature that is not there", []string{image, "OUT/", "--signature", "classify"}, 1, `no signature "classify"`},
		{"a model that the guard refuses", []string{absolute(t, "models/unsafe_read"), "OUT/"}, 1, "ReadFile"},
		{"no model", []string{absolute(t, "models") + "/nowhere", "OUT/"}, 1, "nowhere"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			args := []string{"pack"}
			for _, arg := range c.args {
				args = append(args, strings.Replace(arg, "OUT/", folder+"/", 1))
			}
			o := command(t, []string{raw(t)}, args...)
			if o.status != c.status || !strings.Contains(o.stderr, c.stderr) {
				t.Errorf("exit status %d, want %d with %q: %s", o.status, c.status, c.stderr, o.stderr)
			}
			if left, _ := os.ReadDir(folder); len(left) > 0 {
				t.Errorf("it left %v", left)
			}
		})
	}
}

// Away from a terminal each stage that has ended is a line of the log.
func TestPackTellsHowFarItIs(t *testing.T) {
	t.Parallel()
	o := command(t, []string{raw(t)}, "pack", absolute(t, "models/image"), filepath.Join(t.TempDir(), "packed")+"/")
	var stages []string
	for _, line := range strings.Split(o.stderr, "\n") {
		if _, stage, ok := strings.Cut(line, "msg=packing stage="); ok {
			stages = append(stages, strings.Fields(stage)[0])
		}
	}
	if want := []string{"reading", "folding", "comparing", "writing"}; o.status != 0 || !slices.Equal(stages, want) {
		t.Errorf("exit status %d, stages %q, want %q: %s", o.status, stages, want, o.stderr)
	}
}

// A packed archive is the same bytes each time, so its checksum can be pinned.
func TestPackedArchiveIsReproducible(t *testing.T) {
	t.Parallel()
	var archives [2]string
	for i := range archives {
		out := filepath.Join(t.TempDir(), "model.tar.gz")
		if o := command(t, []string{raw(t)}, "pack", absolute(t, "models/image"), out); o.status != 0 {
			t.Fatalf("exit status %d: %s", o.status, o.stderr)
		}
		archives[i] = string(read(t, out))
	}
	if archives[0] != archives[1] {
		t.Error("two archives of one model differ")
	}
}
