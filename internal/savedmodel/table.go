package savedmodel

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"
	"unicode/utf8"
)

// WriteTable writes the description for people: what the model is, its signatures, and
// how often each type of operation occurs. Names come from the model, so what a
// terminal would act upon is quoted. The error is the writer's.
func (d *Description) WriteTable(w io.Writer) error {
	return writeSections(w, d.writeHeader, d.writeSignatures, d.writeCounts)
}

// WriteOperations writes every operation, a line each: thousands for most models.
// Names and the error are as in WriteTable.
func (d *Description) WriteOperations(w io.Writer) error {
	return writeSections(w, d.writeOperations)
}

func writeSections(w io.Writer, sections ...func(io.Writer)) error {
	b := bufio.NewWriter(w)
	for _, section := range sections {
		t := tabwriter.NewWriter(&trimmer{w: b}, 0, 8, 2, ' ', 0)
		section(t)
		if err := t.Flush(); err != nil {
			return fmt.Errorf("write table: %w", err)
		}
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

// trimmer leaves out the spaces at the ends of lines, with which a tabwriter fills
// cells that have none after them.
type trimmer struct {
	w      *bufio.Writer // keeps its error until Flush
	spaces int
}

func (t *trimmer) Write(p []byte) (int, error) {
	for _, c := range p {
		switch c {
		case ' ':
			t.spaces++
			continue
		case '\n':
			t.spaces = 0
		}
		for ; t.spaces > 0; t.spaces-- {
			_ = t.w.WriteByte(' ')
		}
		_ = t.w.WriteByte(c)
	}
	return len(p), nil
}

func (d *Description) writeHeader(w io.Writer) {
	fmt.Fprintf(w, "format\t%s\n", d.Format)
	fmt.Fprintf(w, "version\t%d\n", d.Version)
	if len(d.Tags) > 0 {
		fmt.Fprintf(w, "tags\t%s\n", printable(strings.Join(d.Tags, ",")))
	}
	if d.TensorFlow != "" {
		fmt.Fprintf(w, "tensorflow\t%s\n", printable(d.TensorFlow))
	}
	if d.Size != "" {
		fmt.Fprintf(w, "size\t%s\n", d.Size)
	}
	if d.Unsafe != "" {
		fmt.Fprintf(w, "unsafe\t%s\n", printable(d.Unsafe))
	}
}

func (d *Description) writeSignatures(w io.Writer) {
	if len(d.Signatures) == 0 {
		fmt.Fprint(w, "\nno signatures\n")
	}
	for _, name := range slices.Sorted(maps.Keys(d.Signatures)) {
		s := d.Signatures[name]
		fmt.Fprintf(w, "\nsignature %s", printable(name))
		if s.Method != "" {
			fmt.Fprintf(w, " (%s)", printable(s.Method))
		}
		fmt.Fprint(w, "\n")
		writeTensors(w, "input", s.Inputs)
		writeTensors(w, "output", s.Outputs)
	}
}

func writeTensors(w io.Writer, kind string, tensors map[string]TensorDescription) {
	for _, name := range slices.Sorted(maps.Keys(tensors)) {
		t := tensors[name]
		tensor := t.Tensor
		if tensor == "" {
			tensor = "(sparse or composite: cannot be served)"
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\n", kind, printable(name), t.DType, t.Shape, printable(tensor))
	}
}

func (d *Description) writeCounts(w io.Writer) {
	fmt.Fprintf(w, "\n%d operations of %d types\n", len(d.Operations), len(d.OpCounts))
	types := slices.SortedFunc(maps.Keys(d.OpCounts), func(a, b string) int {
		return cmp.Or(d.OpCounts[b]-d.OpCounts[a], strings.Compare(a, b))
	})
	for _, op := range types {
		fmt.Fprintf(w, "  %d\t%s\n", d.OpCounts[op], printable(op))
	}
}

func (d *Description) writeOperations(w io.Writer) {
	function := ""
	fmt.Fprint(w, "\noperations\n")
	for _, op := range d.Operations {
		if op.Function != function {
			function = op.Function
			fmt.Fprintf(w, "\noperations of function %s\n", printable(function))
		}
		fmt.Fprintf(w, "  %s\t%s\t%s", printable(op.Name), printable(op.Op), outputList(op.Outputs))
		if op.Device != "" {
			fmt.Fprintf(w, "\t%s", printable(op.Device))
		}
		fmt.Fprint(w, "\n")
	}
}

// outputList shortens long lists: a call of a function has an output a variable.
func outputList(types []string) string {
	const most = 8
	if len(types) <= most {
		return strings.Join(types, ",")
	}
	return fmt.Sprintf("%s,… (%d)", strings.Join(types[:most], ","), len(types))
}

// printable is the name as it is, or quoted where it holds anything that is not
// a visible character.
func printable(s string) string {
	if s == "" || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}
