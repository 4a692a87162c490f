package test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Every message of a job comes twice, in any order and several in an event, to three
// processes at once: two of them often score the same shard. The rows are exact, and
// stay so until the last message is done.
func TestEveryMessageComesTwice(t *testing.T) {
	t.Parallel()
	m := newMapping(t)
	m.most, m.copies = 3, true
	for range 3 {
		m.sandbox("BATCH_SHARD_BYTES=16384")
	}
	m.startAll()
	content, want := numberedRows(60_000)
	in := drop(t, "rows.jsonl", content)
	m.q.send(s3Event(in))
	m.drain()
	if s := exactJob(t, in, want); len(s.Parts) < 20 {
		t.Errorf("%d parts, want at least 20", len(s.Parts))
	}
	if m.several.Load() == 0 {
		t.Error("no event had several messages, so this shows less than it should")
	}
	if n := uploads(t, in); n > 0 {
		t.Errorf("%d multipart uploads are left", n)
	}
	if dead := m.deadLetters(); len(dead) > 0 {
		t.Errorf("given up: %q", dead)
	}
	before, _ := readKey(t, outbox, in.key+".parts/_SUCCESS")
	m.q.send(s3Event(in)) // and the event again, when all is done
	m.drain()
	if after, _ := readKey(t, outbox, in.key+".parts/_SUCCESS"); after != before {
		t.Errorf("sealed again:\n%s\n%s", before, after)
	}
	exactJob(t, in, want)
}

// Messages that can never succeed end with the dead letters, each of them and no
// other; the shards that come in the same events are done.
func TestOnlyPoisonIsGivenUp(t *testing.T) {
	t.Parallel()
	m := newMapping(t)
	m.visibility, m.most = time.Second, 3
	m.giveUpAfter(3)
	m.sandbox("BATCH_SHARD_BYTES=8192")
	m.startAll()
	content, want := numberedRows(10_000)
	in := drop(t, "rows.jsonl", content)
	poison := []string{
		s3Event(object{key: newPrefix() + "/gone.jsonl"}),
		"no event",
		`{"task":"shard","plan":"s3://outbox/nowhere.parts/_PLAN.json","index":0,"hop":0}`,
		`{"task":"shard","plan":"s3://inbox/` + in.key + `","index":0,"hop":0}`, // not a plan
	}
	for _, body := range poison {
		m.q.send(body)
	}
	m.q.send(s3Event(in))
	m.drain()
	exactJob(t, in, want)
	got := m.deadLetters()
	slices.Sort(got)
	slices.Sort(poison)
	if !slices.Equal(got, poison) {
		t.Errorf("given up:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(poison, "\n"))
	}
}

// deadLetters are the bodies of the messages that were given up.
func (m *mapping) deadLetters() (bodies []string) {
	m.t.Helper()
	for {
		out, err := m.q.client.ReceiveMessage(m.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &m.q.dead, MaxNumberOfMessages: 10})
		if err != nil {
			m.t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			return bodies
		}
		for _, message := range out.Messages {
			bodies = append(bodies, *message.Body)
		}
	}
}
