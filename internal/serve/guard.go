package serve

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

var errForbidden = errors.New("forbidden")

// guard keeps the pages of others away from a playground.
//
// A server on a laptop's loopback address is in reach of every page that its user
// opens. Such a page may post to it, which the browser says in headers; and the owner of
// a domain may let its name mean 127.0.0.1 (DNS rebinding) and so make the browser
// believe that both are one origin, which the Host shows. Browsers say with every post
// which origin it comes from, so of the model's own routes only posts that say it are
// looked at: programs and proxies may call this machine what they like. A GET of a page
// under such a name has no mark that it could not leave out, so metadata stays readable
// by it; docs/playground.md says what that is. A server that others can reach may have any
// name.
type guard struct {
	crossOrigin *http.CrossOriginProtection
	listens     bool // this process has the port, and may refuse requests to the model, too
	loopback    bool // and only this machine reaches it
}

// newGuard makes the guard of a process that listens on address, nil where it does not
// listen itself.
func newGuard(address net.Addr) guard {
	g := guard{crossOrigin: http.NewCrossOriginProtection(), listens: address != nil}
	if tcp, ok := address.(*net.TCPAddr); ok {
		g.loopback = tcp.IP.IsLoopback()
	}
	return g
}

// check refuses a request that a page of somebody else's makes. own says that it is for
// the playground itself; behind a front door the model's own routes are open to what
// pages the front door lets in.
func (g guard) check(r *http.Request, own bool) error {
	if !own && (!g.listens || r.Method != http.MethodPost || !fromPage(r)) {
		return nil
	}
	if g.loopback && !g.local(r.Host) {
		return infer.Errorf(errForbidden, "Host %q is not an address of this machine: open http://localhost, or set PLAYGROUND=false if it is right that another name leads here", r.Host)
	}
	if err := g.crossOrigin.Check(r); err != nil {
		return infer.Errorf(errForbidden, "the request comes from a page of another origin, %q, which may not ask this model; PLAYGROUND=false lets it", r.Header.Get("Origin"))
	}
	return nil
}

// fromPage reports whether a browser sends a post for some page, which it says.
func fromPage(r *http.Request) bool {
	return r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != ""
}

// local reports whether a Host names this machine.
func (g guard) local(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && address.Unmap().IsLoopback()
}
