package batch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/tensorlambda/tensorlambda/internal/blob"
)

// put writes the input: a row for each value, which is 100 and more.
func (st *stage) put(values []string) (versionID string) {
	st.Helper()
	return st.write(st.in, []byte(strings.Join(values, "\n")+"\n"))
}

// version turns versioning on for the inputs.
func (st *stage) version() {
	st.Helper()
	_, err := st.client.PutBucketVersioning(st.Context(), &s3.PutBucketVersioningInput{
		Bucket: &st.in.Bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	})
	if err != nil {
		st.Fatal(err)
	}
}

// write puts an object into a bucket, round the gate.
func (st *stage) write(at blob.URI, data []byte) (versionID string) {
	st.Helper()
	out, err := st.client.PutObject(st.Context(), &s3.PutObjectInput{Bucket: &at.Bucket, Key: &at.Key, Body: bytes.NewReader(data)})
	if err != nil {
		st.Fatal(err)
	}
	return aws.ToString(out.VersionId)
}

// numbers are n values from from on.
func numbers(from, n int) []string {
	var v []string
	for i := range n {
		v = append(v, fmt.Sprint(from+i))
	}
	return v
}

// keys are the objects of the job, by the ends of their names.
func (st *stage) keys() []string {
	st.Helper()
	store := blob.NewS3(st.client, blob.S3Options{})
	prefix := st.out.Join(inputKey + ".parts/")
	objects, err := store.List(st.Context(), prefix)
	if err != nil {
		st.Fatal(err)
	}
	var names []string
	for _, o := range objects {
		names = append(names, strings.TrimPrefix(o.URI.Key, prefix.Key))
	}
	return names
}

func (st *stage) has(name string) bool { return slices.Contains(st.keys(), name) }

// read is the content and the metadata of one of the job's objects.
func (st *stage) read(name string) ([]byte, map[string]string) {
	st.Helper()
	key := st.out.Join(inputKey + ".parts/" + name).Key
	o, err := st.client.GetObject(st.Context(), &s3.GetObjectInput{Bucket: &st.out.Bucket, Key: &key})
	if err != nil {
		st.Fatalf("%s: %v", name, err)
	}
	defer o.Body.Close()
	data, err := io.ReadAll(o.Body)
	if err != nil {
		st.Fatal(err)
	}
	return data, o.Metadata
}

// exact checks that the job is sealed, and that its parts, in order, answer values:
// no row missing, none twice, and nothing there of another plan.
func (st *stage) exact(values []string) {
	st.Helper()
	var seal struct {
		Parts []struct {
			Key          string
			Rows, Errors int
		}
		Rows, Errors int
	}
	if !st.has("_SUCCESS") {
		st.Fatalf("the job is not sealed: %q", st.keys())
	}
	text, meta := st.read("_SUCCESS")
	if err := json.Unmarshal(text, &seal); err != nil {
		st.Fatal(err)
	}
	var got []string
	failed := 0
	for _, part := range seal.Parts {
		lines, bad := st.answers(part.Key)
		if len(lines) != part.Rows || bad != part.Errors {
			st.Errorf("%s: %d rows with %d errors, and the seal says %d with %d", part.Key, len(lines), bad, part.Rows, part.Errors)
		}
		got = append(got, lines...)
		failed += bad
	}
	if want := answersTo(values); !slices.Equal(got, want) {
		st.Errorf("rows are %q, want %q", got, want)
	}
	if seal.Rows != len(got) || seal.Errors != failed {
		st.Errorf("seal: %d rows, %d errors; the parts have %d and %d", seal.Rows, seal.Errors, len(got), failed)
	}
	for _, name := range st.keys() {
		if _, m := st.read(name); m[metaPlan] != meta[metaPlan] {
			st.Errorf("%s is of plan %q, the seal of %q", name, m[metaPlan], meta[metaPlan])
		}
	}
}

// answers are the rows of a part, "error" for those that failed.
func (st *stage) answers(key string) (lines []string, failed int) {
	st.Helper()
	data, _ := st.read(strings.TrimPrefix(key, st.out.Join(inputKey+".parts/").Key))
	decoder := json.NewDecoder(bytes.NewReader(data))
	for {
		var row struct {
			Prediction float64
			Error      string
		}
		if err := decoder.Decode(&row); errors.Is(err, io.EOF) {
			return lines, failed
		} else if err != nil {
			st.Fatalf("%s: %v", key, err)
		}
		if row.Error != "" {
			lines = append(lines, "error")
			failed++
		} else {
			lines = append(lines, fmt.Sprint(row.Prediction))
		}
	}
}

// answersTo is x/2 + 2 for each value, and "error" for what is no number.
func answersTo(values []string) []string {
	var want []string
	for _, v := range values {
		var x float64
		if _, err := fmt.Sscan(v, &x); err != nil {
			want = append(want, "error")
		} else {
			want = append(want, fmt.Sprint(x/2+2))
		}
	}
	return want
}

func (st *stage) remove(name string) {
	st.Helper()
	key := st.out.Join(inputKey + ".parts/" + name).Key
	if _, err := st.client.DeleteObject(st.Context(), &s3.DeleteObjectInput{Bucket: &st.out.Bucket, Key: &key}); err != nil {
		st.Fatal(err)
	}
}

// writeMeta puts one of the job's objects, with metadata.
func (st *stage) writeMeta(name string, data []byte, meta map[string]string) {
	st.Helper()
	key := st.out.Join(inputKey + ".parts/" + name).Key
	_, err := st.client.PutObject(st.Context(), &s3.PutObjectInput{Bucket: &st.out.Bucket, Key: &key, Body: bytes.NewReader(data), Metadata: meta})
	if err != nil {
		st.Error(err) // it may be another goroutine's
	}
}

// planID is the ID of the plan that is there, empty where there is none.
func (st *stage) planID() string {
	st.Helper()
	if !st.has(planName) {
		return ""
	}
	text, meta := st.read(planName)
	var p plan
	if err := json.Unmarshal(text, &p); err != nil {
		st.Fatal(err)
	}
	if p.ID != meta[metaPlan] {
		st.Errorf("plan %s has the metadata of %s", p.ID, meta[metaPlan])
	}
	return p.ID
}

func (st *stage) removeInput() {
	st.Helper()
	if _, err := st.client.DeleteObject(st.Context(), &s3.DeleteObjectInput{Bucket: &st.in.Bucket, Key: &st.in.Key}); err != nil {
		st.Fatal(err)
	}
}

func (st *stage) receipt(name string) (r receipt) {
	st.Helper()
	text, _ := st.read(name)
	if err := json.Unmarshal(text, &r); err != nil {
		st.Fatal(err)
	}
	return r
}
