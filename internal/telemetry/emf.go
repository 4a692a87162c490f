// Package telemetry writes what a function measures in the forms that AWS reads.
package telemetry

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Milliseconds is a unit of metrics, by CloudWatch's name.
const Milliseconds = "Milliseconds"

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

var errTooMany = errors.New("more than a line of metrics may have")

// WriteEMF writes metrics as one line in CloudWatch's embedded metric format
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html):
// written to a function's standard output they become metrics, without a call and
// without a permission. Dimensions without a value are left out. The line is one Write.
func WriteEMF(w io.Writer, namespace string, at time.Time, dimensions []Dimension, metrics []Metric) error {
	if len(metrics) > maxMetrics || len(dimensions) > maxDimensions {
		return fmt.Errorf("%d metrics with %d dimensions: %w", len(metrics), len(dimensions), errTooMany)
	}
	type definition struct{ Name, Unit string }
	line := make(map[string]any, len(dimensions)+len(metrics)+1)
	names := make([]string, 0, len(dimensions))
	for _, d := range dimensions {
		if d.Value != "" {
			names = append(names, d.Name)
			line[d.Name] = d.Value
		}
	}
	definitions := make([]definition, len(metrics))
	for i, m := range metrics {
		definitions[i] = definition{m.Name, m.Unit}
		line[m.Name] = m.Value
	}
	line["_aws"] = map[string]any{
		"Timestamp":         at.UnixMilli(),
		"CloudWatchMetrics": []any{map[string]any{"Namespace": namespace, "Dimensions": [][]string{names}, "Metrics": definitions}},
	}
	encoded, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	_, err = w.Write(append(encoded, '\n'))
	return err
}
