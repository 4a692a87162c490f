package main

import (
	"fmt"
	"io/fs"
	"net/url"
	"strconv"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/event"
	"github.com/tensorlambda/tensorlambda/internal/infer/tensorflow"
	"github.com/tensorlambda/tensorlambda/internal/rows"
	"github.com/tensorlambda/tensorlambda/internal/savedmodel"
)

// environment reads variables and collects what is wrong with them.
type environment struct {
	get    func(string) string
	faults []error
}

func (e *environment) fault(name, format string, args ...any) {
	e.faults = append(e.faults, fmt.Errorf("%s: "+format, append([]any{name}, args...)...))
}

func (e *environment) text(name, unset string) string {
	if v := e.get(name); v != "" {
		return v
	}
	return unset
}

func (e *environment) uri(name string) string {
	v := e.get(name)
	if v == "" {
		return ""
	}
	if _, err := blob.ParseURI(v); err != nil {
		e.fault(name, "%w", err)
	}
	return v
}

// endpoint is the URL of a server.
func (e *environment) endpoint(name string) string {
	v := e.get(name)
	if v == "" {
		return ""
	}
	u, err := url.Parse(v)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		e.fault(name, "%q is not the URL of a server: it needs http:// or https:// and a host, such as http://127.0.0.1:9000", v)
	}
	return v
}

// prefix reads the URI of a prefix in S3, with or without the slash at its end.
func (e *environment) prefix(name string) blob.URI {
	v := e.get(name)
	if v == "" {
		return blob.URI{}
	}
	u, err := blob.ParseURI(v)
	if err == nil && u.Scheme != blob.S3Scheme {
		err = fmt.Errorf("%q is not in S3: give s3://bucket/prefix/", v)
	}
	if err != nil {
		e.fault(name, "%w", err)
		return blob.URI{}
	}
	return u.Prefix()
}

func (e *environment) sha256(name string) string {
	v := strings.ToLower(e.get(name))
	if v != "" && (len(v) != 64 || strings.Trim(v, "0123456789abcdef") != "") {
		e.fault(name, "%q is not a SHA-256: want 64 hexadecimal digits", v)
	}
	return v
}

// localFile is the name of a file below some folder.
func (e *environment) localFile(name string) string {
	v := e.get(name)
	if v != "" && !fs.ValidPath(v) {
		e.fault(name, "%q must be the name of a file in or beside the model, such as labels.txt", v)
	}
	return v
}

func (e *environment) name(name string) string {
	v := e.get(name)
	if strings.ContainsAny(v, "/:") {
		e.fault(name, "%q must not contain / or :, which separate the parts of a URL", v)
	}
	return v
}

func (e *environment) version(name string) string {
	v := e.get(name)
	if v == "" {
		return ""
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 0 {
		e.fault(name, "%q is not a version: want a whole number from 0", v)
	}
	return strconv.FormatInt(n, 10) // as URLs are read: 007 is 7
}

func (e *environment) boolean(name string) bool { return e.switched(name, false) }

// switched is boolean with another value where the variable is not set.
func (e *environment) switched(name string, unset bool) bool {
	switch v := e.get(name); v {
	case "true", "1":
		return true
	case "false", "0":
		return false
	case "":
		return unset
	default:
		e.fault(name, "%q is neither true nor false", v)
		return false
	}
}

// integer reads a whole number from 1 to most.
func (e *environment) integer(name string, unset, most int64) int64 {
	v := e.get(name)
	if v == "" {
		return unset
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 1 || n > most {
		e.fault(name, "%q is not a whole number from 1 to %d", v, most)
		return unset
	}
	return n
}

// list reads a comma-separated list, nil where the variable is not set.
func (e *environment) list(name string) []string {
	v := e.get(name)
	if v == "" {
		return nil
	}
	elements := strings.Split(v, ",")
	for i, element := range elements {
		if elements[i] = strings.TrimSpace(element); elements[i] == "" {
			e.fault(name, "%q has an empty element", v)
			return nil
		}
	}
	return elements
}

// sources reads a list of event sources, nil, which means all, where the
// variable is not set.
func (e *environment) sources(name string) []event.Class {
	var classes []event.Class
	for _, word := range e.list(name) {
		class, err := event.ParseClass(word)
		if err != nil {
			e.fault(name, "%w", err)
		}
		classes = append(classes, class)
	}
	return classes
}

func (e *environment) format(name string) rows.Format {
	format, err := parseFormat(e.text(name, string(rows.JSONLines)))
	if err != nil {
		e.fault(name, "%w", err)
	}
	return format
}

func (e *environment) imageScale(name string) tensorflow.ImageScale {
	scale, err := tensorflow.ParseImageScale(e.get(name))
	if err != nil {
		e.fault(name, "%w", err)
	}
	return scale
}

func (e *environment) queue(name string) queueAddress {
	v := e.get(name)
	if v == "" {
		return queueAddress{}
	}
	address, err := parseQueueURL(v)
	if err != nil {
		e.fault(name, "%w", err)
	}
	return address
}

func (e *environment) bindings(name string) []savedmodel.Binding {
	v := e.get(name)
	if v == "" {
		return nil
	}
	bindings, err := savedmodel.ParseBindings(v)
	if err != nil {
		e.fault(name, "%w", err)
	}
	return bindings
}
