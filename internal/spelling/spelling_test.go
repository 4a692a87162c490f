package spelling_test

import (
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/spelling"
)

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"same", "same", 0},
		{"MODEL_SIGNATUR", "MODEL_SIGNATURE", 1}, {"MODEL_URL", "MODEL_URI", 1}, {"MODEL_LABLES", "MODEL_LABELS", 2},
		{"kitten", "sitting", 3}, {"saturday", "sunday", 3},
	} {
		if there, back := spelling.Distance(c.a, c.b), spelling.Distance(c.b, c.a); there != c.want || back != c.want {
			t.Errorf("%q and %q are %d and %d apart, want %d", c.a, c.b, there, back, c.want)
		}
	}
}
