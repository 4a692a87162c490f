package codec_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// rowText is row number row of what a request feeds, with its shape.
func rowText(req *infer.Request, row int) string {
	var b strings.Builder
	for _, feed := range req.Feeds {
		v := feed.Value
		fmt.Fprintf(&b, "%s=%s", feed.Name, infer.FormatShape(v.Shape[1:]))
		n := v.Len() / int(v.Shape[0])
		for i := row * n; i < (row+1)*n; i++ {
			b.WriteString(" " + element(v, i))
		}
		b.WriteByte(' ')
	}
	return b.String()
}

// anything is a row that nobody knows.
const anything = "?"

// checkSalvaged compares what is salvaged of a record without a fault with what it is.
func checkSalvaged(t *testing.T, s codec.Salvager, record []byte, alone func([]byte) (*codec.Predict, error)) {
	t.Helper()
	feeds := s.Salvage(record)
	p, err := alone(record)
	if feeds == nil || err != nil { // a value has no parts; requests are stricter
		return
	}
	named := func(a, b infer.Feed) bool { return a.Name == b.Name }
	if !slices.EqualFunc(feeds, p.Feeds, named) { // of other tensors than the inputs
		return
	}
	if got, want := rowText(&infer.Request{Feeds: feeds}, 0), rowText(p.Request, 0); got != want {
		t.Fatalf("%q: salvaged %s, and it is %s", record, got, want)
	}
}

// checkRows adds records to rows, with a Take now and then, and compares every row
// with what alone makes of its record.
func checkRows(t *testing.T, rows codec.Rows, records [][]byte, alone func([]byte) (*codec.Predict, error)) {
	t.Helper()
	var want []string // of the batch
	take := func() {
		t.Helper()
		req, err := rows.Take()
		if err != nil {
			t.Fatal(err)
		}
		for i, row := range want {
			if n := req.Feeds[0].Value.Shape[0]; n != int64(len(want)) {
				t.Fatalf("%d rows instead of %d", n, len(want))
			}
			if got := rowText(req, i); got != row && row != anything {
				t.Fatalf("row %d:\ngot  %s\nwant %s", i, got, row)
			}
		}
		want = want[:0]
	}
	for _, record := range records {
		err := rows.Add(record)
		if errors.Is(err, codec.ErrNextBatch) {
			if len(want) == 0 {
				t.Fatalf("%q: the first row of a batch belongs to the next", record)
			}
			take()
			err = rows.Add(record)
		}
		if s, ok := rows.(codec.Salvager); ok && err == nil {
			checkSalvaged(t, s, record, alone)
		} else if ok {
			s.Salvage(record) // what it finds is of use; that it ends is what counts
		}
		p, wantErr := alone(record) // where several things are wrong, either may be told
		if wantErr != nil && strings.Contains(wantErr.Error(), "does not have named input") {
			if err == nil { // requests are strict, and say nothing of it
				want = append(want, anything)
			}
			continue
		}
		if (err != nil) != (wantErr != nil) {
			t.Fatalf("%q: %v, but alone: %v", record, err, wantErr)
		}
		if err != nil {
			if _, public := errors.AsType[*infer.Error](err); !public {
				t.Fatalf("%q: %v is not for the owner of the data", record, err)
			}
			continue
		}
		if want = append(want, rowText(p.Request, 0)); rows.Len() != len(want) {
			t.Fatalf("%d rows instead of %d", rows.Len(), len(want))
		}
		if len(record)%7 == 0 {
			take()
		}
	}
	if len(want) > 0 {
		take()
	}
}

// randomValue is a JSON value that is right for at least one of several types, in one
// of several shapes, or for none.
func randomValue(random *rand.Rand) string {
	leaf := func() string {
		return []string{"1", "2.5", "-3", "NaN", `"a"`, `{"b64":"aGk="}`, "true", "1e3", "null", "300"}[random.IntN(10)]
	}
	one := leaf()
	switch random.IntN(9) {
	case 0:
		return leaf()
	case 1, 2, 3:
		return "[" + one + ", " + one + "]"
	case 4:
		return "[" + strings.Repeat(one+",", random.IntN(40)) + one + "]"
	case 5:
		return "[[" + one + "],[" + one + "]]"
	case 6:
		return "[" + leaf() + "," + leaf() + "]"
	case 7:
		return "[" + leaf()
	default:
		return one
	}
}

func TestJSONRowsAreWhatTheirLinesAre(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 12))
	for range 3000 {
		catalog := [...]*infer.Catalog{
			inputsOf("x:float"), inputsOf("x:int8"), inputsOf("x:string"), inputsOf("x:double"), inputsOf("x:bool"),
			inputsOf("x:float y:string"), inputsOf("x:string y:int64"), anyTensor(),
		}[random.IntN(8)]
		var records [][]byte
		for range random.IntN(40) {
			record := randomValue(random)
			switch random.IntN(4) {
			case 0:
				record = `{"x": ` + record + `}`
			case 1:
				record = `{"y": ` + randomValue(random) + `, "x": ` + record + `}`
			case 2:
				record = `{"x": ` + record + `, "` + []string{"h1", "h2", "x_op", "x", "z"}[random.IntN(5)] + `": ` + randomValue(random) + `}`
			}
			records = append(records, []byte(record+[]string{"", "\n", "\r\n"}[random.IntN(3)]))
		}
		limits := codec.Limits{MaxTensorBytes: []int64{0, 40, 100, 1000}[random.IntN(4)]}
		checkRows(t, jsonRows(t, catalog, limits), records, func(record []byte) (*codec.Predict, error) {
			return codec.DecodeJSONLines(record, catalog, limits)
		})
	}
}

func TestCSVRowsAreWhatTheirLinesAre(t *testing.T) {
	random := rand.New(rand.NewPCG(13, 14))
	fields := []string{"1", "2.5", "-3", "nan", "a", "true", `"1"`, `"x,y"`, `"a""b"`, "\"c\nd\"", `""`, ` 7 `, "300", `e"f`, `"g`, ""}
	for range 3000 {
		inputs := []string{"x:float[?,2]", "x:string[?,2]", "x:float[?] y:string[?]", "x:int8[?] y:bool[?]", "x:half[?] y:float[?]"}[random.IntN(5)]
		header := "x_0,x_1\n"
		if strings.Contains(inputs, "y") {
			header = []string{"x,y\n", "y,x\n"}[random.IntN(2)]
		}
		limits := codec.Limits{MaxTensorBytes: []int64{0, 70, 200, 2000}[random.IntN(4)]}
		layout, named, err := codec.NewCSVLayout(table(inputs), []byte(header), "", limits)
		if err != nil || !named {
			t.Fatal(named, err)
		}
		good := 1 + random.IntN(len(fields)) // of the fields, which are all there is in some runs
		var records [][]byte
		for range random.IntN(40) {
			record := fields[random.IntN(good)] + "," + fields[random.IntN(good)]
			if random.IntN(10) == 0 {
				record += ",1"
			}
			records = append(records, []byte(record+[]string{"", "\n", "\r\n"}[random.IntN(3)]))
		}
		checkRows(t, layout.Rows(), records, func(record []byte) (*codec.Predict, error) {
			return codec.DecodeCSV(slices.Concat([]byte(header), record), "", table(inputs), limits)
		})
	}
}

// FuzzRows: no record makes Add panic, a row is what its record is alone, and one
// that fails leaves nothing behind. Records end with a byte that is in neither format.
func FuzzRows(f *testing.F) {
	for _, s := range []string{
		"[1,2]\x1e[3]\x1e[4,NaN]\x1e[", "1\x1e{\"x\":1}\x1e{\"x\":[2]}\x1e{\"y\":1}", "\"a\"\x1e{\"b64\":\"YQ==\"}\x1e[\"\\n\"]",
		"{\"x\":1,\"y\":true}\x1e{\"y\":false,\"x\":[1]}\x1e{}", "a,b\x1e\"c\",\"d\"\"\"\x1e\"e\nf\",g\r\n\x1eh", "\"a\r\x1e\"\"\"\x1e1,2,3\x1e,",
		"\"a\",b\nc,\"d\"\x1e\"\",\"\"", "\n\"a\",b\x1e\"\n\",\"\r\n\"",
	} {
		f.Add([]byte(s))
	}
	limits := codec.Limits{MaxTensorBytes: fuzzLimit}
	f.Fuzz(func(t *testing.T, body []byte) {
		records := bytes.Split(body, []byte{0x1e})
		for _, catalog := range []*infer.Catalog{inputsOf("x:float"), inputsOf("x:int8"), inputsOf("x:string"), inputsOf("x:double y:bool"), anyTensor()} {
			lines := slices.DeleteFunc(slices.Clone(records), func(r []byte) bool {
				return bytes.ContainsAny(bytes.TrimSuffix(r, []byte{'\n'}), "\n") || bytes.HasPrefix(r, []byte("\xEF\xBB\xBF"))
			})
			checkRows(t, jsonRows(t, catalog, limits), lines, func(record []byte) (*codec.Predict, error) {
				return codec.DecodeJSONLines(record, catalog, limits)
			})
		}
		outcomes(t, jsonRows(t, classifier(), limits), strings.Split(string(body), "\x1e")...)
		for _, inputs := range []string{"x:float[?,2]", "x:string[?,2]"} {
			layout, _, err := codec.NewCSVLayout(table(inputs), []byte("1,2"), "", limits)
			if err != nil {
				t.Fatal(err)
			}
			checkRows(t, layout.Rows(), single(records), func(record []byte) (*codec.Predict, error) {
				// encoding/csv makes \n of \r\n inside a field.
				return codec.DecodeCSV(bytes.ReplaceAll(record, []byte("\r\n"), []byte("\n")), codec.HeaderAbsent, table(inputs), limits)
			})
			outcomes(t, layout.Rows(), strings.Split(string(body), "\x1e")...)
		}
	})
}

// single are those that are one CSV record: line feeds are inside quotation marks or
// at the end.
func single(records [][]byte) (list [][]byte) {
	for _, record := range records {
		text, inside := bytes.TrimSuffix(bytes.TrimSuffix(record, []byte{'\n'}), []byte{'\r'}), false
		broken := len(text) == 0 || bytes.HasPrefix(record, []byte("\xEF\xBB\xBF")) || text[len(text)-1] == '\r'
		for _, c := range text {
			inside = inside != (c == '"')
			broken = broken || c == '\n' && !inside
		}
		if !broken {
			list = append(list, record)
		}
	}
	return list
}
