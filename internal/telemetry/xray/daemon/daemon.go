// Package daemon settles where X-Ray's daemon is, before X-Ray's SDK looks: that panics
// while its package is initialised, before main and where nothing can recover, on an
// address it cannot use. It also looks up names, which may take seconds.
//
// Packages are initialised in the order of their import paths, each once those it imports
// are (Go 1.21). This one imports nothing that net/http does not, which the SDK waits for
// and whose path comes behind this one's.
package daemon

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
)

// The SDK's variables.
const (
	addressVariable = "AWS_XRAY_DAEMON_ADDRESS"
	missingVariable = "AWS_XRAY_CONTEXT_MISSING"
)

// settled is made while this package is initialised.
var settled, unusable = settle()

// Address is the value of AWS_XRAY_DAEMON_ADDRESS where that is usable, and empty where
// there is none. The error says why one is not; the variable is gone then.
func Address() (string, error) { return settled, unusable }

func settle() (string, error) {
	// What the SDK does where it is used outside a trace, as in a cold start. The default is
	// a line in the log for each call, and RUNTIME_ERROR a panic.
	if err := os.Setenv(missingVariable, "IGNORE_ERROR"); err != nil {
		return "", err
	}
	address := os.Getenv(addressVariable)
	if address == "" {
		return "", nil
	}
	if err := check(address); err != nil {
		if unset := os.Unsetenv(addressVariable); unset != nil {
			return "", unset
		}
		return "", err
	}
	return address, nil
}

// check takes a part of what the SDK takes: 127.0.0.1:2000, or one such address for each
// of udp and tcp. Names are not looked up: Lambda gives a number.
func check(address string) error {
	refused := func(part string) error {
		return fmt.Errorf("%s: %q is no IPv4 address and port, as in 127.0.0.1:2000: nothing is traced", addressVariable, part)
	}
	parts := strings.Split(address, " ")
	switch len(parts) {
	case 1:
	case 2:
		udp, tcp := parts[0], parts[1]
		if strings.HasPrefix(udp, "tcp:") {
			udp, tcp = tcp, udp
		}
		var isUDP, isTCP bool
		parts[0], isUDP = strings.CutPrefix(udp, "udp:")
		parts[1], isTCP = strings.CutPrefix(tcp, "tcp:")
		if !isUDP || !isTCP {
			return refused(address)
		}
	default:
		return refused(address)
	}
	for _, part := range parts {
		if a, err := netip.ParseAddrPort(part); err != nil || !a.Addr().Is4() || a.Port() == 0 {
			return refused(part)
		}
	}
	return nil
}
