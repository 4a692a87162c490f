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
// catch-all $default) the stage is taken off if the path starts with it.
func withoutBase(path, route, stage string) string {
	if route != "" {
		if base, ok := strings.CutSuffix(path, route); ok {
			return path[len(base):]
		}
		// Parameters may be decoded where the path is not. Base paths have
		// no characters that are encoded, so the base is the same in both.
		if decoded, err := url.PathUnescape(path); err == nil {
			if base, ok := strings.CutSuffix(decoded, route); ok {
				return strings.TrimPrefix(path, base)
			}
		}
	}
	if stage == "" || stage == "$default" {
		return path
	}
	if rest, ok := strings.CutPrefix(path, "/"+stage); ok && (rest == "" || rest[0] == '/') {
		return "/" + strings.TrimPrefix(rest, "/")
	}
	return path
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
