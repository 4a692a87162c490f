package batch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/tensorlambda/tensorlambda/internal/blob"
)

// lookups is how many shards are looked at at once: each takes some round trips and
// next to no work.
const lookups = 16

// listing is the objects of a job, by the ends of their names.
type listing map[string]blob.Object

func (s *Scorer) list(ctx context.Context, p *plan) (listing, error) {
	objects, err := s.o.Store.List(ctx, p.prefix())
	if err != nil {
		return nil, fmt.Errorf("parts: %w", err)
	}
	there := make(listing, len(objects))
	for _, o := range objects {
		there[strings.TrimPrefix(o.URI.Key, p.prefix().Key)] = o
	}
	return there, nil
}

// has reports whether a hop has a part and a receipt, of whatever plan.
func (l listing) has(p *plan, h hop) bool {
	_, part := l[p.partName(h)]
	_, receipt := l[p.receiptName(h)]
	return part && receipt
}

// suffices reports whether the job may be complete, for all that names tell.
func (l listing) suffices(p *plan) bool {
	for i := range p.Shards {
		if !l.has(p, hop{shard: i}) {
			return false
		}
	}
	return true
}

// chain is the finished hops of a shard, without a gap from its start on.
type chain struct {
	receipts []receipt
	ended    bool // the last of them ends the shard
}

var errUnfinished = errors.New("a shard is not finished")

// survey follows the chains of all shards, round from one of them on. Where first is
// set it ends at the first that is not finished and returns nil.
func (s *Scorer) survey(ctx context.Context, p *plan, there listing, start int, first bool) ([]chain, error) {
	chains := make([]chain, len(p.Shards))
	group, shards := errgroup.WithContext(ctx)
	group.SetLimit(lookups)
	for i := range chains {
		shard := (start + i) % len(chains)
		group.Go(func() (err error) {
			if err := shards.Err(); err != nil {
				return err
			}
			chains[shard], err = s.follow(shards, p, there, shard)
			if err == nil && first && !chains[shard].ended {
				err = errUnfinished
			}
			return err
		})
	}
	err := group.Wait()
	if errors.Is(err, errUnfinished) {
		return nil, nil
	}
	return chains, err
}

// follow follows the chain of one shard.
func (s *Scorer) follow(ctx context.Context, p *plan, there listing, shard int) (chain, error) {
	var c chain
	from := p.Shards[shard].From
	for h := (hop{shard: shard}); h.n <= lastHop && there.has(p, h); h.n++ {
		r, err := s.readReceipt(ctx, p, h, from, there[p.receiptName(h)])
		if err != nil || r == nil {
			return c, err
		}
		part, err := s.find(ctx, p.at(p.partName(h)))
		if err != nil || !part.of(p) {
			return c, err
		}
		c.receipts = append(c.receipts, *r)
		if r.Next == nil {
			c.ended = true
			break
		}
		from = *r.Next
	}
	return c, nil
}

// complete is ErrUnsealed for chains that do not reach the ends of their shards.
func (p *plan) complete(chains []chain) error {
	const shown = 5
	var missing []string
	for i, c := range chains {
		if !c.ended {
			missing = append(missing, p.partName(hop{i, len(c.receipts)}))
		}
	}
	if missing == nil {
		return nil
	}
	more := ""
	if len(missing) > shown {
		more = fmt.Sprintf(" and %d more", len(missing)-shown)
	}
	return fmt.Errorf("seal %s: %w: %d of %d: %s%s", p.uri, ErrUnsealed, len(missing), len(chains), strings.Join(missing[:min(shown, len(missing))], ", "), more)
}

// foreign is what other plans left: parts and receipts, and nothing that is none.
func (p *plan) foreign(there listing, chains []chain) []blob.URI {
	ours := map[string]bool{}
	for i, c := range chains {
		for n := range c.receipts {
			ours[p.partName(hop{i, n})] = true
			ours[p.receiptName(hop{i, n})] = true
		}
	}
	var left []blob.URI
	for name, o := range there {
		if !ours[name] && stems.MatchString(name) {
			left = append(left, o.URI)
		}
	}
	slices.SortFunc(left, func(a, b blob.URI) int { return strings.Compare(a.Key, b.Key) })
	return left
}
