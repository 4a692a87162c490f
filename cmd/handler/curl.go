package main

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"unicode"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/npy"
	"github.com/tensorlambda/tensorlambda/internal/openapi"
)

// maxLine is about the length of a command that people can still paste.
const maxLine = 1000

// curl is a command that asks a model its default question: with zeros for numbers, one
// row, where that is short; else with a file that the input takes. Where there is
// neither it asks for the model's status.
func curl(address string, model *infer.Model) string {
	status := fmt.Sprintf("http://%s/v1/models/%s", address, openapi.PathName(model.Name))
	catalog := model.Catalog()
	signature, err := catalog.Signature("")
	if err != nil {
		return "curl " + status
	}
	body, ok := zeros(signature)
	if line := fmt.Sprintf("curl -d '%s' %s:predict", body, status); ok && len(line) <= maxLine {
		return line
	}
	if len(signature.Inputs) != 1 || !inFile(signature.Inputs[0]) {
		return "curl " + status
	}
	if openapi.TakesImage(catalog, signature.Inputs[0]) {
		return "curl --data-binary @image.jpg -H 'Content-Type: image/jpeg' " + status + ":predict"
	}
	return "curl --data-binary @input.npy -H 'Content-Type: application/x-npy' " + status + ":predict"
}

// zeros are the inputs of a request in column form. ok is false where they would be
// empty or far too many, or where a name cannot stand in a shell's quotes.
func zeros(signature *infer.Signature) (body string, ok bool) {
	var b strings.Builder
	b.WriteString(`{"inputs":{`)
	for i, input := range signature.Inputs {
		example, ok := openapi.Value(input)
		if !ok || !plain(input.Name) {
			return "", false
		}
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:%s", input.Name, example)
	}
	b.WriteString("}}")
	return b.String(), true
}

// inFile reports whether a NumPy file can hold the input's numbers.
func inFile(input infer.TensorInfo) bool {
	_, ok := npy.TypeOf(input.DType)
	return ok && input.DType != infer.String
}

// opened is the address that a browser on this machine opens: a server on all addresses
// is on this one, and no browser opens [::].
func opened(addr net.Addr) string {
	if tcp, ok := addr.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(tcp.Port))
	}
	return addr.String()
}

// plain reports whether a name can stand in a shell's quotes and in JSON's as it
// is. Names are whatever the model's author wrote, and people paste the line.
func plain(name string) bool {
	return !strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) || strings.ContainsRune(`'"\`, r) })
}
