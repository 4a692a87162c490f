package test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// What is wrong with one row is an error row at its place, and every other row has
// its answer; what is wrong with the object fails the job for good, names the object
// and leaves no output.
func TestBadInputs(t *testing.T) {
	t.Parallel()
	f := scorer(t, "MAX_LINE_BYTES=65536", "MAX_TENSOR_BYTES=1048576")
	long := strings.Repeat("1", 100_000)
	for _, c := range []struct {
		name, object, content string
		// rows is what each row of the output begins with; nil where the job fails
		// with kind and a message that has fragment in it.
		rows           []string
		kind, fragment string
	}{
		{"an empty object", "a.jsonl", "", []string{}, "", ""},
		{"blank lines", "a.jsonl", "\n1\n\n\r\n3\n", []string{`{"prediction":2.5}`, `{"prediction":3.5}`}, "", ""},
		{"no line feed at the end", "a.jsonl", "1\n3", []string{`{"prediction":2.5}`, `{"prediction":3.5}`}, "", ""},
		{"a byte order mark", "a.jsonl", "\ufeff1\n", []string{`{"prediction":2.5}`}, "", ""},
		{"one enormous line", "a.jsonl", long, nil, "AllRowsFailed", "MAX_LINE_BYTES"},
		{"a line over the limit among others", "a.jsonl", "1\n" + long + "\n3\n",
			[]string{`{"prediction":2.5}`, `{"error":"`, `{"prediction":3.5}`}, "", ""},
		{"not JSON", "a.jsonl", "1\n{\n]\nnone\n3\n",
			[]string{`{"prediction":2.5}`, `{"error":"`, `{"error":"`, `{"error":"`, `{"prediction":3.5}`}, "", ""},
		{"invalid UTF-8", "a.jsonl", "1\n\"\xff\xfe\"\n3\n", []string{`{"prediction":2.5}`, `{"error":"`, `{"prediction":3.5}`}, "", ""},
		{"too deep", "a.jsonl", "1\n" + strings.Repeat("[", 1000) + "\n3\n", []string{`{"prediction":2.5}`, `{"error":"`, `{"prediction":3.5}`}, "", ""},
		{"rows of several shapes", "a.jsonl", "1\n[3]\n[[5]]\n7\n",
			[]string{`{"prediction":2.5}`, `{"prediction":[3.5]}`, `{"prediction":[[4.5]]}`, `{"prediction":5.5}`}, "", ""},
		{"an input that the signature has not", "a.jsonl", "{\"x\":1}\n{\"y\":1}\n", []string{`{"prediction":2.5}`, `{"error":"`}, "", ""},
		{"too many columns", "a.csv", "x\n1\n5,7\n3\n", []string{`{"prediction":[2.5]}`, `{"error":"`, `{"prediction":[3.5]}`}, "", ""},
		{"columns that are no row of the input", "a.csv", "x_0,x_1\n1,3\n", nil, "Format", "2 columns"},
		{"a byte order mark, CRLF and line breaks in fields", "a.csv", "\ufeff\"x\"\r\n1\r\n\"3\r\n\"\r\n5", []string{`{"prediction":[2.5]}`, `{"error":"`, `{"prediction":[4.5]}`}, "", ""},
		{"a header with a further column", "a.csv", "z,x\n3,1\n", []string{`{"prediction":[2.5]}`}, "", ""},
		{"a header without the input", "a.csv", "y,z\n3,1\n", nil, "Format", `"z"`},
		{"gzip by another name", "a.csv", string(gzipped(t, []byte("x\n1\n"))), nil, "Format", ".gz"},
		{"only a header", "a.csv", "x\n", []string{}, "", ""},
		{"fields that are no numbers", "a.csv", "x\n+1\n1e400\n0x1p3\n\xff\n3;5\n",
			[]string{`{"prediction":[2.5]}`, `{"error":"`, `{"error":"`, `{"error":"`, `{"error":"`}, "", ""},
		{"a stray quotation mark", "a.csv", "x\n1\n3\"\n5\n", []string{`{"prediction":[2.5]}`, `{"error":"`, `{"prediction":[4.5]}`}, "", ""},
		{"a quotation mark that is never closed", "a.csv", "x\n1\n\"3\n5\n", []string{`{"prediction":[2.5]}`, `{"error":"`, `{"prediction":[4.5]}`}, "", ""},
		{"an empty field", "a.csv", "x\n1\n\"\"\n3\n", []string{`{"prediction":[2.5]}`, `{"error":"`, `{"prediction":[3.5]}`}, "", ""},
		{"a broken gzip tail", "a.jsonl.gz", string(gzipped(t, []byte(strings.Repeat("1\n", 1000))))[:30], nil, "Corrupt", ""},
		{"no gzip at all", "a.csv.gz", "x\n1\n", nil, "Corrupt", ""},
		{"a broken zstd tail", "a.jsonl.zst", string(zstandard(t, []byte(long)))[:12], nil, "Corrupt", ""},
		{"an unknown format", "a.txt", "1\n", nil, "Format", ".jsonl"},
		{"a JSON document that ends early", "a.json", `{"instances":[1,3`, nil, "Corrupt", ""},
		{"a JSON document over the limit", "a.json", "[" + strings.Repeat("1,", 600_000) + "1]", nil, "TooLarge", "MAX_TENSOR_BYTES"},
		{"a bad element of a JSON document", "a.json", `{"instances":[1,"two",3]}`, []string{`{"prediction":2.5}`, `{"error":"`, `{"prediction":3.5}`}, "", ""},
		{"JSON that is neither rows nor a request", "a.json", `{"x":1}`, nil, "Format", "JSON lines"},
		{"two JSON documents", "a.json", "[1]\n[3]", nil, "Corrupt", "offset: 4"},
		{"inputs of the wrong size", "a.json", `{"inputs":[{"name":"x","shape":[2],"datatype":"FP32","data":[1,3,5]}]}`, nil, "Format", "2 elements"},
		{"no TFRecord", "a.tfrecord", "this is no record at all", nil, "Corrupt", "record"},
		{"no Parquet", "a.parquet", "PAR1 and then nothing PAR1", nil, "Corrupt", ""},
		{"an empty Parquet file", "a.parquet", "", nil, "Corrupt", ""},
		{"no NumPy file", "a.npy", "\x93NUMPY", nil, "Corrupt", ""},
		{"no zip", "a.npz", "PK", nil, "Corrupt", ""},
		{"a scalar array", "a.npy", array("<f4", "()", "\x00\x00\x80?"), nil, "Format", "scalar"},
		{"an array of another type", "a.npy", array("<c8", "(1,)", "12345678"), nil, "Format", "complex64"},
		{"an array that is cut", "a.npy", array("<f4", "(2,)", "\x00\x00\x80?\x00"), nil, "Corrupt", "8 bytes"},
		{"an array of billions", "a.npy", array("<f4", "(9000000000,0)", ""), nil, "Format", "no elements"},
		{"an image for a signature that takes none", "a.png", "\x89PNG\r\n\x1a\n", nil, "AllRowsFailed", "takes no image"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := drop(t, c.object, c.content)
			result := f.send(s3Event(in))
			got, written := outputOf(t, in)
			if c.rows == nil {
				if result.ErrorType != c.kind || !strings.Contains(result.ErrorMessage, c.fragment) || !strings.Contains(result.ErrorMessage, in.key) {
					t.Errorf("failed with %q %q, want %s with %q and the object", result.ErrorType, result.ErrorMessage, c.kind, c.fragment)
				}
				if written != (c.kind == "AllRowsFailed") {
					t.Errorf("output %.200q", got)
				}
				return
			}
			if result.ErrorType != "" || !written {
				t.Fatalf("failed with %q %q", result.ErrorType, result.ErrorMessage)
			}
			checkLines(t, got, c.rows)
		})
	}
}

// array is a .npy file.
func array(descr, shape, data string) string {
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }", descr, shape)
	header += strings.Repeat(" ", 117-len(header)) + "\n" // to a multiple of 64 with the ten bytes before
	return "\x93NUMPY\x01\x00" + string(byte(len(header))) + "\x00" + header + data
}

// checkLines compares rows of JSON lines with what each begins with.
func checkLines(t *testing.T, text string, want []string) {
	t.Helper()
	got := lines(text)
	if len(got) != len(want) {
		t.Fatalf("%d rows, want %d: %.500q", len(got), len(want), text)
	}
	for i, line := range got {
		if !strings.HasPrefix(line, want[i]) || !json.Valid([]byte(line)) {
			t.Errorf("row %d is %.200s, want %s", i, line, want[i])
		}
	}
}

// An input that is gone, and an output that may not be written, are reported under
// names that tell which.
func TestStoresThatRefuse(t *testing.T) {
	t.Parallel()
	f := scorer(t)
	gone := object{key: newPrefix() + "/gone.jsonl"}
	if result := f.send(s3Event(gone)); result.ErrorType != "NotFound" || !strings.Contains(result.ErrorMessage, gone.key) {
		t.Errorf("a missing input: %q %q", result.ErrorType, result.ErrorMessage)
	}
	user, err := store.AddUser(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// He may read the inbox, and look at the outbox.
	allow := func(bucket, actions string) {
		policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["` + user.AccessKeyID + `"]},"Action":[` + actions +
			`],"Resource":["arn:aws:s3:::` + bucket + `","arn:aws:s3:::` + bucket + `/*"]}]}`
		if _, err := client.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: aws.String(bucket), Policy: &policy}); err != nil {
			t.Fatal(err)
		}
	}
	allow(inbox, `"s3:GetObject","s3:ListBucket"`)
	allow(outbox, `"s3:GetObject","s3:ListBucket"`)
	reader := scorer(t, "AWS_ACCESS_KEY_ID="+user.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+user.SecretAccessKey)
	in := drop(t, "rows.jsonl", fourRows)
	result := reader.send(s3Event(in))
	if result.ErrorType != "AccessDenied" || !strings.Contains(result.ErrorMessage, "s3:PutObject") || !strings.Contains(result.ErrorMessage, in.key) {
		t.Errorf("an output that may not be written: %q %q", result.ErrorType, result.ErrorMessage)
	}
}
