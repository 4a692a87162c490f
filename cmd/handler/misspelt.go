package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/spelling"
)

// readSettings is readConfig with a warning for each variable of this process that is
// almost a setting: nothing else would say that it has no effect.
func readSettings(getenv func(string) string) (cfg config, warnings []string, err error) {
	var known []string
	cfg, err = readConfig(func(name string) string {
		known = append(known, name)
		return getenv(name)
	})
	return cfg, misspelt(os.Environ(), known), err
}

// settingPrefixes is how the names of settings begin that no other program has.
var settingPrefixes = []string{"MODEL_", "BATCH_", "OUTPUT_", "MAX_", "TF_I", "IMAGE_", "EVENT_", "TENSORFLOW_"}

// nearSetting is how many letters of a name may be wrong.
const nearSetting = 2

// misspelt warns of the variables of an environment ("NAME=value") that are none of the
// known settings and nearly one of them.
func misspelt(environ, known []string) (warnings []string) {
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		begins := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
		if !slices.ContainsFunc(settingPrefixes, begins) || slices.Contains(known, name) {
			continue
		}
		near := slices.MinFunc(known, func(a, b string) int { return cmp.Compare(spelling.Distance(name, a), spelling.Distance(name, b)) })
		if spelling.Distance(name, near) <= nearSetting {
			warnings = append(warnings, fmt.Sprintf("%s is no setting; %s is", name, near))
		}
	}
	slices.Sort(warnings)
	return warnings
}
