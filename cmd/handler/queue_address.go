package main

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// queueAddress is where a queue is.
type queueAddress struct {
	url string
	// region is what the URL says of it, else empty.
	region string
	// endpoint is the server's URL where the region does not tell it: that of a VPC
	// endpoint, or of another server that speaks SQS's protocol.
	endpoint string
}

// parseQueueURL reads the URL of a queue as SQS gives it out,
// https://sqs.us-east-1.amazonaws.com/123456789012/name.
func parseQueueURL(s string) (queueAddress, error) {
	u, err := url.Parse(s)
	if err != nil {
		return queueAddress{}, errors.New("it is not a URL")
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "", strings.Trim(u.Path, "/") == "":
		return queueAddress{}, fmt.Errorf("%q is not the URL of a queue: give https://sqs.REGION.amazonaws.com/ACCOUNT/NAME", s)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return queueAddress{}, errors.New("the URL of a queue has a host and a path only")
	case strings.HasSuffix(u.Path, ".fifo"):
		return queueAddress{}, fmt.Errorf("%q is a FIFO queue, which would hand out one shard after another: give a standard queue", s)
	}
	a := queueAddress{url: s, region: regionOf(u.Hostname())}
	if a.region == "" || !regional.MatchString(u.Hostname()) {
		a.endpoint = u.Scheme + "://" + u.Host
	}
	return a, nil
}

var (
	// regional is a host that the SDK finds by itself: by a region, or by a setting
	// for FIPS and dual-stack endpoints. The second form is an old one.
	regional = regexp.MustCompile(`^(sqs\.[a-z0-9-]+|[a-z0-9-]+\.queue)\.amazonaws\.com(\.cn)?$`)
	region   = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]+$`)
)

// regionOf is the region that one of AWS's hosts names, else empty.
func regionOf(host string) string {
	for _, domain := range []string{".amazonaws.com", ".amazonaws.com.cn", ".api.aws"} {
		labels, ok := strings.CutSuffix(host, domain)
		if !ok {
			continue
		}
		for label := range strings.SplitSeq(labels, ".") {
			if region.MatchString(label) {
				return label
			}
		}
	}
	return ""
}
