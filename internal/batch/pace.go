package batch

import (
	"fmt"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// How sure an estimate must be to end a job: early ones are of a pipeline that is
// still filling.
const (
	firstLook  = 0.05 // of the time there is
	earlySlack = 1.3
	lateSlack  = 1.05 // once half of the time is over
)

// pace ends a job that cannot be finished in time, as soon as that is clear: a
// function that runs into its timeout is paid for, loses its model and is run again.
type pace struct {
	start, until time.Time
	cure         string
	now          func() time.Time
}

// check is a stream's progress. The error is ErrTooSlow.
func (c *pace) check(p Progress) error {
	if c.until.IsZero() || p.Read == 0 {
		return nil
	}
	spent, have := c.now().Sub(c.start), c.until.Sub(c.start)
	if spent < time.Duration(firstLook*float64(have)) || p.Read >= p.Size && spent < have {
		return nil
	}
	slack := earlySlack
	if spent > have/2 {
		slack = lateSlack
	}
	need := time.Duration(float64(spent) * float64(p.Size) / float64(p.Read))
	if float64(need) <= slack*float64(have) && spent < have {
		return nil
	}
	return fmt.Errorf("%w: %d of %d bytes in %s, about %s for all of them, and the invocation has %s: %s",
		ErrTooSlow, p.Read, p.Size, round(spent), round(need), round(have), c.cure)
}

func round(d time.Duration) time.Duration { return d.Round(100 * time.Millisecond) }

// cure is what helps against an object that takes too long.
func (s *Scorer) cure(in *input) string {
	const general = "give the function more memory (and with it processors) or a longer timeout, or score the object with `bootstrap score`"
	switch {
	case in.encoding.Compression != rows.None:
		return "store the object uncompressed, so that it can be split; or " + general
	case s.o.Queue == nil:
		return "set BATCH_QUEUE_URL, so that large objects are split; or " + general
	case in.object.Size <= s.o.ShardBytes:
		return "set BATCH_SHARD_BYTES to less than the object's size, so that it is split; or " + general
	default:
		return "split the object; or " + general
	}
}
