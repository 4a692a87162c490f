// Gate looks at what is about to be deployed and says what Lambda would refuse, or would
// fail with at the first start.
//
//	gate function FOLDER ARCH
//	gate layer FOLDER ARCH
//	gate image FOLDER ARCH
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: gate function|layer|image FOLDER amd64|arm64")
		os.Exit(2)
	}
	check, ok := map[string]func(dir, arch string) (string, error){"function": function, "layer": layer, "image": image}[os.Args[1]]
	if !ok {
		fmt.Fprintf(os.Stderr, "gate: %q is none of function, layer and image\n", os.Args[1])
		os.Exit(2)
	}
	summary, err := check(os.Args[2], os.Args[3])
	if err != nil {
		fmt.Fprintf(os.Stderr, "gate: the %s must not be deployed:\n%v\n", os.Args[1], err)
		os.Exit(1)
	}
	fmt.Println(summary)
}
