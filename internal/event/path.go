package event

import (
	"net/url"
	"strings"
)

// withoutBase takes off what a front door puts before the path of its route: a
// stage, or the base path of a custom domain.
//
// A base path can only be told from the route that matched: filled in with its
// parameters it is the path behind the base. Where the route says nothing (a
// catch-all $default) the stage is taken off if the path starts with it, unless
// that is a path which is served as it stands: behind a custom domain no stage
// is in the path, and one may be called v1. What neither explains is left to
// withoutPrefix.
func withoutBase(path, route, stage string) string {
	if rest, ok := cutRoute(path, route); ok {
		return withoutPrefix(rest)
	}
	if stage != "" && stage != "$default" && !served(path) {
		if rest, ok := strings.CutPrefix(path, "/"+stage); ok && (rest == "" || rest[0] == '/') {
			path = "/" + strings.TrimPrefix(rest, "/")
		}
	}
	return withoutPrefix(path)
}

func cutRoute(path, route string) (rest string, ok bool) {
	if route == "" {
		return path, false
	}
	if base, ok := strings.CutSuffix(path, route); ok {
		return path[len(base):], true
	}
	// Parameters may be decoded where the path is not. Base paths have no
	// characters that are encoded, so the base is the same in both.
	if decoded, err := url.PathUnescape(path); err == nil {
		if base, ok := strings.CutSuffix(decoded, route); ok {
			return strings.TrimPrefix(path, base), true
		}
	}
	return path, false
}

// withoutPrefix takes off what stands before the paths that are served here. It
// is the last resort for prefixes that no event tells of: the base path of a
// custom domain before a $default route, the path of a load balancer's rule or
// of a CloudFront behaviour, a route /ml/{proxy+}. The first such path counts,
// since what follows is the name of a model, which may hold anything.
func withoutPrefix(path string) string {
	if hasPrefixFold(path, "/v1/") || hasPrefixFold(path, "/v2/") {
		return path
	}
	for i := range len(path) {
		if path[i] == '/' && served(path[i:]) {
			return path[i:]
		}
	}
	return path
}

// served reports whether a path starts like one of the routes of the two
// protocols. Like TensorFlow Serving, it takes no notice of case.
func served(path string) bool {
	for _, route := range []string{"/v1/models", "/v2/models", "/v2/health"} {
		if hasPrefixFold(path, route) && (len(path) == len(route) || path[len(route)] == '/') {
			return true
		}
	}
	return strings.EqualFold(path, "/v2")
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// fillRoute puts the parameters of a request into the template of its route:
// /v1/{proxy+} and {"proxy": "models/digits"} make /v1/models/digits. It is ""
// where the template is no path or a parameter is missing.
func fillRoute(template string, parameters value) string {
	if !strings.HasPrefix(template, "/") {
		return ""
	}
	var b strings.Builder
	for template != "" {
		before, rest, found := strings.Cut(template, "{")
		b.WriteString(before)
		if !found {
			break
		}
		name, after, _ := strings.Cut(rest, "}")
		parameter := parameters.member(strings.TrimSuffix(name, "+"))
		if parameter == nil {
			return ""
		}
		b.WriteString(parameter.text())
		template = after
	}
	return b.String()
}
