package main

import (
	"os"
	"path/filepath"
	"testing"
)

// Two lists of operations: A without outputs and B with a string; an older one
// with another A and a C.
const (
	newer = "\n\x03\n\x01A" + "\n\x07\n\x01B\x1a\x02\x18\x07"
	older = "\n\x07\n\x01A\x1a\x02\x18\x01" + "\n\x07\n\x01C\x1a\x02\x18\x09"
)

func TestTheNewestListThatHasAnOperationDecides(t *testing.T) {
	dir := t.TempDir()
	var lists []string
	for name, content := range map[string]string{"2.pb": newer, "1.pb": older} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	lists = append(lists, filepath.Join(dir, "2.pb"), filepath.Join(dir, "1.pb"))
	out := filepath.Join(dir, "ops.txt")
	if err := generate(out, lists); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	want := "# Made by opgen from 2.pb 1.pb. Do not edit.\nA\nB 7\nC 9\n"
	if string(got) != want {
		t.Errorf("table %q, want %q", got, want)
	}
}
