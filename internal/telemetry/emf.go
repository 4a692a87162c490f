// Package telemetry has the form of what is measured, and writes it in the forms that
// others read: CloudWatch's and Prometheus'.
package telemetry

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/jsontext"
)

// Units of metrics, by CloudWatch's names.
const (
	Milliseconds = "Milliseconds"
	Count        = "Count"
)

// Metric is a measured value.
type Metric struct {
	Name, Unit string
	Value      float64
}

// Dimension tells one series of a metric from another. Its values must be few: each is
// a series that is paid for.
type Dimension struct{ Name, Value string }

// The limits of the format: metrics in a line, dimensions of a metric.
const (
	maxMetrics    = 100
	maxDimensions = 30
)

var (
	errTooMany  = errors.New("more than a line of metrics may have")
	errNoNumber = errors.New("is no number that JSON has")
)

// WriteEMF writes metrics as one line in CloudWatch's embedded metric format
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html):
// written to a function's standard output they become metrics, without a call and
// without a permission. Dimensions without a value are left out. The line is one Write,
// and made by hand: it is in the way of every reply, and encoding/json takes about five
// times as long for it.
func WriteEMF(w io.Writer, namespace string, at time.Time, dimensions []Dimension, metrics []Metric) error {
	if len(metrics) > maxMetrics || len(dimensions) > maxDimensions {
		return fmt.Errorf("%d metrics with %d dimensions: %w", len(metrics), len(dimensions), errTooMany)
	}
	line := make([]byte, 0, 256+128*len(metrics)) // a metric takes about 90 bytes
	line = append(line, `{"_aws":{"Timestamp":`...)
	line = strconv.AppendInt(line, at.UnixMilli(), 10)
	line = append(line, `,"CloudWatchMetrics":[{"Namespace":`...)
	line = appendQuoted(line, namespace)
	line = append(line, `,"Dimensions":[[`...)
	separator := ""
	for _, d := range dimensions {
		if d.Value != "" {
			line = appendQuoted(append(line, separator...), d.Name)
			separator = ","
		}
	}
	line = append(line, `]],"Metrics":[`...)
	separator = ""
	for _, m := range metrics {
		line = appendQuoted(append(append(line, separator...), `{"Name":`...), m.Name)
		line = appendQuoted(append(line, `,"Unit":`...), m.Unit)
		line = append(line, '}')
		separator = ","
	}
	line = append(line, `]}]}`...)
	for _, d := range dimensions {
		if d.Value != "" {
			line = appendQuoted(append(line, ','), d.Name)
			line = appendQuoted(append(line, ':'), d.Value)
		}
	}
	for _, m := range metrics {
		if math.IsNaN(m.Value) || math.IsInf(m.Value, 0) {
			return fmt.Errorf("metric %s: %g %w", m.Name, m.Value, errNoNumber)
		}
		line = appendQuoted(append(line, ','), m.Name)
		line = strconv.AppendFloat(append(line, ':'), m.Value, 'g', -1, 64)
	}
	_, err := w.Write(append(line, '}', '\n'))
	return err
}

func appendQuoted(dst []byte, s string) []byte { return jsontext.AppendQuoted(dst, []byte(s)) }
