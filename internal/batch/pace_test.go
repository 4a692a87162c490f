package batch

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// An object that cannot be finished is given up when that is clear, neither on the
// first figures nor only at the deadline.
func TestPaceGivesUpWhatCannotBeFinished(t *testing.T) {
	start := time.Unix(1000, 0)
	for _, tt := range []struct {
		name  string
		spent time.Duration // of 100 s
		read  int64         // of 1000 bytes
		slow  bool
	}{
		{"too early to say", 4 * time.Second, 1, false},
		{"twice the time", 10 * time.Second, 50, true},
		{"a little too slow, early", 10 * time.Second, 85, false},
		{"a little too slow, late", 60 * time.Second, 510, true},
		{"in time", 60 * time.Second, 700, false},
		{"nothing read yet", 50 * time.Second, 0, false},
		{"all read", 99 * time.Second, 1000, false},
		{"at the deadline", 100 * time.Second, 999, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &pace{start: start, until: start.Add(100 * time.Second), cure: "the cure", now: func() time.Time { return start.Add(tt.spent) }}
			err := c.check(Progress{Read: tt.read, Size: 1000})
			if got := errors.Is(err, ErrTooSlow); got != tt.slow {
				t.Fatalf("check: %v, want too slow: %v", err, tt.slow)
			}
			if tt.slow && !strings.Contains(err.Error(), "the cure") {
				t.Errorf("%q does not say what helps", err)
			}
		})
	}
}

// Without a deadline, as on a laptop, nothing is too slow.
func TestPaceWithoutDeadline(t *testing.T) {
	c := &pace{start: time.Unix(0, 0), now: time.Now}
	if err := c.check(Progress{Read: 1, Size: 1 << 40}); err != nil {
		t.Error(err)
	}
}
