package serve

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// v1Path is the paths of TensorFlow Serving's REST API. Like the expressions of
// TensorFlow Serving it ignores case, and takes as a name what stands between
// slashes and colons before it is percent-decoded.
var v1Path = regexp.MustCompile(`(?i)^/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/([^/:]+))?(?::(predict|classify|regress)|(/metadata))?$`)

// target is what a path names: a model, and under /v1/ what is asked of it.
type target struct {
	name     string
	version  string // as models have it, without leading zeros; "" for the latest
	verb     string // predict, classify or regress; "" for the GET pages
	metadata bool
}

// parseV1 reads a path under /v1/; the error has TensorFlow Serving's words for
// what is wrong with it.
func parseV1(method, path string) (target, error) {
	m := v1Path.FindStringSubmatch(path)
	if m == nil {
		return target{}, malformed(method, path)
	}
	name, err := url.PathUnescape(m[1])
	if err != nil {
		return target{}, malformed(method, path)
	}
	switch m[4] { // only the verb's case counts
	case "", "predict", "classify", "regress":
	default:
		return target{}, malformed(method, path)
	}
	if m[3] != "" {
		// Labels come from a configuration file that this server has not.
		label, err := url.PathUnescape(m[3])
		if err != nil {
			return target{}, malformed(method, path)
		}
		return target{}, infer.Errorf(infer.ErrInvalidArgument, "Unrecognized servable version label: %s", label)
	}
	version, err := canonicalVersion(m[2])
	return target{name: name, version: version, verb: m[4], metadata: m[5] != ""}, err
}

func malformed(method, path string) error {
	if method == http.MethodGet && strings.EqualFold(path, "/v1/models") {
		return infer.Errorf(infer.ErrInvalidArgument, "Missing model name in request.")
	}
	return infer.Errorf(infer.ErrInvalidArgument, "Malformed request: %s %s", method, path)
}

func canonicalVersion(digits string) (string, error) {
	if digits == "" {
		return "", nil
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil {
		return "", infer.Errorf(infer.ErrInvalidArgument, "Failed to convert version: %s to numeric.", digits)
	}
	return strconv.FormatUint(n, 10), nil
}

func (t target) names(m *infer.Model) bool {
	return t.name == m.Name && (t.version == "" || t.version == m.Version)
}

// servable is nil if t names m, else TensorFlow Serving's error for a call of a
// model that is not here.
func (t target) servable(m *infer.Model) error {
	switch {
	case t.names(m):
		return nil
	case t.version == "":
		return infer.Errorf(infer.ErrNotFound, "Servable not found for request: Latest(%s)", t.name)
	default:
		return infer.Errorf(infer.ErrNotFound, "Servable not found for request: Specific(%s, %s)", t.name, t.version)
	}
}

// known is servable in the words of the Open Inference Protocol's servers.
func (t target) known(m *infer.Model) error {
	switch {
	case t.names(m):
		return nil
	case t.name != m.Name:
		return infer.Errorf(infer.ErrNotFound, "Request for unknown model: '%s' is not found", t.name)
	default:
		return infer.Errorf(infer.ErrNotFound, "Request for unknown model: '%s' version %s is not found", t.name, t.version)
	}
}

// noStatus is the error of the status page of a model that is not here.
func (t target) noStatus(m *infer.Model) error {
	if t.name != m.Name {
		return infer.Errorf(infer.ErrNotFound, "Could not find any versions of model %s", t.name)
	}
	return infer.Errorf(infer.ErrNotFound, "Could not find version %s of model %s", t.version, t.name)
}
