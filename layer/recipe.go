package main

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"github.com/tensorlambda/tensorlambda/internal/libtensorflow/packed"
)

// sources is the code that decides what the libraries of a wheel are turned into.
// What packed makes of them says its own format.
//
//go:embed bind.go elf.go encoder.go libraries.go profile.go profile/profile.c prelink/*.go
var sources embed.FS

// recipe names what is done to the libraries before they are packed. It is part
// of the cache's names: libraries that other code has made are not found, and
// nobody can forget to say that the code has changed. A mere comment costs one
// run, too.
var recipe = sync.OnceValue(func() string { return recipeOf(sources) })

func recipeOf(sources fs.FS) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "frames of %d\n", packed.FrameSize)
	err := fs.WalkDir(sources, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := fs.ReadFile(sources, path)
		fmt.Fprintf(sum, "%s %d\n%s", path, len(text), text)
		return err
	})
	if err != nil {
		panic("layer: read what is embedded: " + err.Error()) // a build fault
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}
