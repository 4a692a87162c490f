package savedmodel_test

import "testing"

// initialised is a model whose init op fills a table from a file: in TensorFlow
// 1's form, unless the nodes say otherwise.
type initialised struct {
	nodes     []message
	functions []part
	asset     string // tensor of the asset
	file      string
}

func (i initialised) model() message {
	m := message{}.bytes(2, graph(append(nodes(i.nodes...), i.functions...)...))
	m = m.entry(4, "saved_model_main_op", message{}.bytes(1, message{}.string(1, "init")))
	if i.asset != "" {
		m = m.bytes(6, message{}.bytes(1, message{}.string(1, i.asset)).string(2, i.file))
	}
	return savedModel(m)
}

// fill is the node "fill", which fills the table from a file.
func fill(file string) message {
	return node("fill", "InitializeTableFromTextFileV2", "table", file)
}

// The init op may read a file only where that is surely an asset of the model.
func TestInitOpFillsTablesFromAssetsOnly(t *testing.T) {
	table := node("table", "HashTableV2")
	file := node("file", "Const").attr("dtype", attrType(7))
	init := node("init", "NoOp", "^fill")
	direct := []message{table, file, init, fill("file")}
	call := func(input string) []message {
		return []message{table, file, node("other", "Const").attr("dtype", attrType(7)), node("init", "NoOp", "^call"),
			node("call", "StatefulPartitionedCall", "table", input).attr("f", attrFunc("initializer"))}
	}
	initializer := function("initializer", []string{"table", "name"}, node("same", "Identity", "name"), fill("same:output:0"))
	plus := func(messages []message, more ...message) []message {
		return append(messages[:len(messages):len(messages)], more...)
	}

	for _, c := range []struct {
		name  string
		model initialised
		safe  bool
	}{
		{"an asset", initialised{direct, nil, "file:0", "words.txt"}, true},
		{"an asset without its index", initialised{direct, nil, "file", "words.txt"}, true},
		{"an asset in a folder", initialised{direct, nil, "file:0", "en/words.txt"}, true},
		{"no asset", initialised{direct, nil, "", ""}, false},
		{"another asset", initialised{direct, nil, "other:0", "words.txt"}, false},
		{"an asset outside the model", initialised{direct, nil, "file:0", "../../etc/passwd"}, false},
		{"an asset outside the model, hidden", initialised{direct, nil, "file:0", "en/../../x"}, false},
		{"an absolute asset", initialised{direct, nil, "file:0", "/etc/passwd"}, false},
		{"the asset through Identity", initialised{plus([]message{table, file, init}, node("same", "Identity", "file"), fill("same")), nil, "file:0", "w"}, true},
		{"the asset through something else", initialised{plus([]message{table, file, init}, node("joined", "StringJoin", "file"), fill("joined")), nil, "file:0", "w"}, false},
		{"through a function", initialised{call("file"), []part{initializer}, "file:0", "w"}, true},
		{"another value through a function", initialised{call("other"), []part{initializer}, "file:0", "w"}, false},
		{"a function with two callers", initialised{plus(call("file"),
			node("again", "PartitionedCall", "table", "other").attr("f", attrFunc("initializer"))), []part{initializer}, "file:0", "w"}, false},
		{"a function called by a loop", initialised{plus(call("file"),
			node("again", "While", "table", "file").attr("body", attrFunc("initializer"))), []part{initializer}, "file:0", "w"}, false},
		{"an Identity in a circle", initialised{plus([]message{table, init}, node("a", "Identity", "b"), node("b", "Identity", "a"), node("c", "Const"),
			fill("c")), nil, "file:0", "w"}, false},
		{"any other reading", initialised{[]message{file, node("init", "ReadFile", "file")}, nil, "file:0", "w"}, false},
		{"writing", initialised{[]message{file, node("init", "WriteFile", "file", "file")}, nil, "file:0", "w"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := readMetaGraph(t, c.model.model()).Guard().Check()
			if (err == nil) != c.safe {
				t.Errorf("Check() = %v, want safe: %v", err, c.safe)
			}
		})
	}
}

// TensorFlow 2 assigns an asset's path to a variable and reads it back. That is
// an asset only where nothing else can write the variable.
func TestInitOpReadsAnAssetThroughAVariable(t *testing.T) {
	ordinary := []message{
		node("table", "HashTableV2"),
		node("path", "Placeholder").attr("dtype", attrType(7)),
		node("other", "Placeholder").attr("dtype", attrType(7)),
		node("variable", "VarHandleOp").attr("shared_name", attrString("v")),
		node("assign", "AssignVariableOp", "variable", "path"),
		node("set", "VarIsInitializedOp", "variable"),
		node("read", "ReadVariableOp", "variable", "^assign"),
		fill("read"),
		node("init", "NoOp", "^fill"),
	}
	for _, c := range []struct {
		name       string
		more       message
		safe       bool // with the node in the graph
		inFunction bool // safe with the node in a function
	}{
		{"as exported", node("more", "NoOp"), true, true},
		{"another value assigned", node("more", "AssignVariableOp", "variable", "other"), false, true},
		{"the handle given to a call", node("more", "StatefulPartitionedCall", "variable"), false, true},
		{"the handle given to Identity", node("more", "Identity", "variable"), false, true},
		{"the handle assigned to", node("more", "AssignVariableOp", "path", "variable"), false, true},
		{"another handle of the name", node("more", "VarHandleOp").attr("shared_name", attrString("v")), false, false},
		{"a handle of another name", node("more", "VarHandleOp").attr("shared_name", attrString("w")), true, true},
		{"a handle in a constant", node("more", "Const").attr("dtype", attrType(20)), false, false},
		{"a handle in a list in a constant", node("more", "Const").attr("dtype", attrType(21)), false, false},
		{"a handle in a checkpoint", node("more", "RestoreV2").attr("dtypes", message{}.bytes(1, message{}.bytes(6, []byte{1, 20}))), false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := initialised{append(ordinary[:len(ordinary):len(ordinary)], c.more), nil, "path:0", "words.txt"}
			err := readMetaGraph(t, m.model()).Guard().Check()
			if (err == nil) != c.safe {
				t.Errorf("Check() = %v, want safe: %v", err, c.safe)
			}
			inFunction := initialised{ordinary, []part{function("f", nil, c.more)}, "path:0", "words.txt"}
			err = readMetaGraph(t, inFunction.model()).Guard().Check()
			if (err == nil) != c.inFunction {
				t.Errorf("in a function: Check() = %v, want safe: %v", err, c.inFunction)
			}
		})
	}
}

// Loading runs every node that some version of TensorFlow takes for the init
// op, and the restore op; what only saves is never run.
func TestGuardJudgesWhatLoadingRuns(t *testing.T) {
	body := graph(nodes(node("good", "NoOp"), node("write", "WriteFile"), node("restore", "RestoreV2"), node("save", "SaveV2"), node("read", "ReadFile"))...)
	collection := func(key, op string) message {
		return message{}.entry(4, key, message{}.bytes(1, message{}.string(1, op)))
	}
	initSignature := message{}.bytes(5, message{}.string(1, "__saved_model_init_op").bytes(2,
		message{}.entry(2, "__saved_model_init_op", message{}.string(1, "write"))))
	saver := func(save, restore string) message {
		return message{}.bytes(3, message{}.string(1, "f:0").string(2, save).string(3, restore))
	}
	for _, c := range []struct {
		name   string
		fields message
		entry  string
		op     string
	}{
		{"main op", collection("saved_model_main_op", "write"), "the init op", "WriteFile"},
		{"legacy init op", collection("legacy_init_op", "write"), "the init op", "WriteFile"},
		{"legacy init op behind a main op", append(collection("saved_model_main_op", "good"), collection("legacy_init_op", "write")...), "the init op", "WriteFile"},
		{"init signature", initSignature, "the init op", "WriteFile"},
		{"init op that restores", collection("saved_model_main_op", "restore"), "the init op", "RestoreV2"},
		{"ordinary saver", saver("save:0", "restore"), "", ""},
		{"save op that does more", saver("write:0", "restore"), "", ""},
		{"restore op that writes", saver("save:0", "write"), "the restore op", "WriteFile"},
		{"restore op that saves", saver("save:0", "save"), "the restore op", "SaveV2"},
		{"restore op that reads a file", saver("save:0", "read"), "the restore op", "ReadFile"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := readMetaGraph(t, savedModel(append(message{}.bytes(2, body), c.fields...)))
			checkUnsafe(t, m.Guard().Check(), c.entry, c.op)
		})
	}
}

// A dataset's cache without a file name stays in memory. The name must stand in
// a function, where no client can feed another one.
func TestCachesOfDatasets(t *testing.T) {
	empty := node("name", "Const").attr("dtype", attrType(7)).attr("value", attrEmptyString())
	full := node("name", "Const").attr("dtype", attrType(7)).attr("value", message{}.bytes(8, message{}.varint(1, 7).string(8, "/tmp/x")))
	// TensorFlow reads strings from tensor_content, too: lengths, then bytes.
	packed := node("name", "Const").attr("dtype", attrType(7)).attr("value", message{}.bytes(8, message{}.varint(1, 7).string(4, "\x06/tmp/x")))
	for _, c := range []struct {
		name  string
		parts []part
		safe  bool
	}{
		{"in a file, named by packed content", append(nodes(node("out", "f")), function("f", nil, packed, node("c", "CacheDataset", "d", "name:output:0"))), false},
		{"in memory", append(nodes(node("out", "f")), function("f", nil, empty, node("c", "CacheDataset", "d", "name:output:0"))), true},
		{"in a file", append(nodes(node("out", "f")), function("f", nil, full, node("c", "CacheDataset", "d", "name:output:0"))), false},
		{"named by an argument", append(nodes(empty, node("out", "f", "name")), function("f", []string{"n"}, node("c", "CacheDatasetV2", "d", "n"))), false},
		{"in the graph", nodes(empty, node("out", "CacheDataset", "d", "name")), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := readMetaGraph(t, savedModel(message{}.bytes(5, signature("s", "out:0")).bytes(2, graph(c.parts...))))
			if err := m.Guard().Check(); (err == nil) != c.safe {
				t.Errorf("Check() = %v, want safe: %v", err, c.safe)
			}
		})
	}
}
