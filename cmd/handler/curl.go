package main

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"unicode"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// maxExample is how many numbers an example request may hold; a longer line is
// no example.
const maxExample = 1 << 10

// curl is a command that asks a model its default question, with zeros for
// numbers, one row.
func curl(addr net.Addr, model *infer.Model) string {
	target := fmt.Sprintf("http://%s/v1/models/%s:predict", addr, url.PathEscape(model.Name))
	signature, err := model.Catalog().Signature("")
	if err != nil {
		return "curl " + strings.TrimSuffix(target, ":predict")
	}
	var body strings.Builder
	body.WriteString(`{"inputs":{`)
	for i, input := range signature.Inputs {
		example, ok := exampleValue(input)
		if !ok || !plain(input.Name) {
			return "curl " + strings.TrimSuffix(target, ":predict")
		}
		if i > 0 {
			body.WriteByte(',')
		}
		fmt.Fprintf(&body, "%q:%s", input.Name, example)
	}
	body.WriteString("}}")
	return fmt.Sprintf("curl -d '%s' %s", body.String(), target)
}

// plain reports whether a name can stand in a shell's quotes and in JSON's as it
// is. Names are whatever the model's author wrote, and people paste the line.
func plain(name string) bool {
	return !strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) || strings.ContainsRune(`'"\`, r) })
}

// exampleValue is a JSON value of the input's shape, 1 for open dimensions.
func exampleValue(input infer.TensorInfo) (string, bool) {
	element := "0.0"
	switch input.DType {
	case infer.Float, infer.Double, infer.Half, infer.Bfloat16:
	case infer.String:
		element = `"text"`
	case infer.Bool:
		element = "false"
	default:
		element = "0"
	}
	shape := make([]int64, len(input.Shape))
	for i, d := range input.Shape {
		shape[i] = max(d, 1)
	}
	if input.Shape == nil {
		shape = []int64{1}
	}
	if n, err := infer.Elements(shape); err != nil || n > maxExample {
		return "", false
	}
	for i := len(shape) - 1; i >= 0; i-- {
		element = "[" + strings.TrimSuffix(strings.Repeat(element+",", int(shape[i])), ",") + "]"
	}
	return element, true
}
