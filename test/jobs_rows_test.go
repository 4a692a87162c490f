package test

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// exactJob holds a sealed job to its answers: want are the lines, in order, and of
// errors the beginnings. Nothing may lie in the job's folder but what belongs there.
func exactJob(t *testing.T, in object, want []string) *success {
	t.Helper()
	s := sealed(t, in)
	if s == nil {
		t.Fatal("the job is not sealed")
	}
	rows, failed := 0, int64(0)
	for _, part := range s.Parts {
		text, _ := readKey(t, outbox, part.Key)
		got := lines(text)
		if int64(len(got)) != part.Rows || rows+len(got) > len(want) {
			t.Fatalf("part %s has %d rows behind row %d of %d, and the seal says %d", part.Key, len(got), rows, len(want), part.Rows)
		}
		errors := int64(0)
		for i, line := range got {
			isError := strings.HasPrefix(want[rows+i], `{"error":`)
			if line != want[rows+i] && (!isError || !strings.HasPrefix(line, want[rows+i])) {
				t.Fatalf("row %d, in %s, is %.200s, want %.200s", rows+i, part.Key, line, want[rows+i])
			}
			if isError {
				errors++
			}
		}
		if errors != part.Errors {
			t.Errorf("part %s has %d errors, and the seal says %d", part.Key, errors, part.Errors)
		}
		rows, failed = rows+len(got), failed+errors
	}
	if rows != len(want) || s.Rows != int64(rows) || s.Errors != failed {
		t.Errorf("the parts have %d rows and %d errors, the seal says %d and %d; want %d rows", rows, failed, s.Rows, s.Errors, len(want))
	}
	exactFolder(t, in, s)
	return s
}

// exactFolder checks that a job's folder holds the plan, the seal, and a part and a
// receipt for each that the seal names.
func exactFolder(t *testing.T, in object, s *success) {
	t.Helper()
	want := []string{"_PLAN.json", "_SUCCESS"}
	for _, p := range s.Parts {
		name := path.Base(p.Key)
		want = append(want, name, "_"+strings.TrimSuffix(name, path.Ext(name))+".json")
	}
	slices.Sort(want)
	prefix := in.key + ".parts/"
	list, err := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(outbox), Prefix: &prefix})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range list.Contents {
		got = append(got, strings.TrimPrefix(*o.Key, prefix))
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the job's folder holds %q, want %q", got, want)
	}
}

// badRow begins the answer to a row that cannot be answered.
const badRow = `{"error":"`

// numberedRows are n rows of JSON lines, each its own number but for some words, and
// the answers to them.
func numberedRows(n int) (content string, want []string) {
	var text strings.Builder
	for i := range n {
		if i%997 == 5 {
			fmt.Fprintf(&text, "\"word %d\"\n", i)
			want = append(want, badRow)
			continue
		}
		fmt.Fprintf(&text, "%d\n", i)
		want = append(want, `{"prediction":`+half(i)+"}")
	}
	return text.String(), want
}

// half is i/2 + 2 as it is printed.
func half(i int) string { return fmt.Sprintf("%d.%d", i/2+2, i%2*5) }
