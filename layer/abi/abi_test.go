package abi

import (
	"debug/elf"
	"errors"
	"strings"
	"testing"
)

// The shell stands for a program that was built here: less is allowed than it needs.
func TestWhatIsTooNewIsNamed(t *testing.T) {
	f, err := elf.Open("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	had := versions["GLIBC"]
	defer func() { versions["GLIBC"] = had }()
	versions["GLIBC"] = "999"
	if err := Check(f, "sh"); err != nil {
		t.Errorf("with all there is: %v", err)
	}
	versions["GLIBC"] = "2.1"
	if err := Check(f, "sh"); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "sh needs GLIBC_2.") || !strings.Contains(err.Error(), "there is GLIBC_2.1") {
		t.Errorf("with too little: %v", err)
	}
}

func TestNewer(t *testing.T) {
	for _, c := range []struct {
		version, than string
		want          bool
	}{
		{"2.34", "2.34", false},
		{"2.4", "2.34", false},
		{"2.35", "2.34", true},
		{"3.4.30", "3.4.29", true},
		{"3.4", "3.4.29", false},
		{"2.2.5", "2.34", false},
		{"3", "2.34", true},
	} {
		if got := newer(c.version, c.than); got != c.want {
			t.Errorf("newer(%q, %q) = %v", c.version, c.than, got)
		}
	}
}
