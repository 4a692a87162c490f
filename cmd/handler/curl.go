package main

import (
	"fmt"
	"net"
	"strings"
	"unicode"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/openapi"
)

// curl is a command that asks a model its default question, with zeros for
// numbers, one row.
func curl(addr net.Addr, model *infer.Model) string {
	target := fmt.Sprintf("http://%s/v1/models/%s:predict", addr, openapi.PathName(model.Name))
	signature, err := model.Catalog().Signature("")
	if err != nil {
		return "curl " + strings.TrimSuffix(target, ":predict")
	}
	var body strings.Builder
	body.WriteString(`{"inputs":{`)
	for i, input := range signature.Inputs {
		example, ok := openapi.Value(input)
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
