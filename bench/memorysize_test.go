package main

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseSizes(t *testing.T) {
	for text, want := range map[string][]memorySize{
		"1024 2048 3008": {1024, 2048, 3008},
		" 128,  10240 ":  {128, 10240},
	} {
		if got, err := parseSizes(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"":          "no memory size",
		"127":       "Lambda takes 128 to 10240 MB",
		"10241":     "Lambda takes 128 to 10240 MB",
		"1024 2GB":  `"2GB" is not a number of MB`,
		"512 512":   "twice",
		"-512":      "Lambda takes",
		"512;1024 ": "not a number",
	} {
		if got, err := parseSizes(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v, want an error with %q", text, got, err, want)
		}
	}
}

// 1,769 MB are one vCPU, and Lambda shows two at the least, six at 10,240 MB.
func TestProcessorsOfASize(t *testing.T) {
	for size, want := range map[memorySize]struct {
		time    float64
		visible int
	}{1769: {1, 2}, 3538: {2, 2}, 128: {0.0724, 2}, 5307: {3, 3}, 10240: {5.7886, 6}} {
		if got := size.processors(); math.Abs(got-want.time) > 0.0001 || size.visible() != want.visible {
			t.Errorf("%d MB: %.4f of %d, want %.4f of %d", size, got, size.visible(), want.time, want.visible)
		}
	}
}

func TestPriceIsThatOfStartedMilliseconds(t *testing.T) {
	for _, c := range []struct {
		size   memorySize
		billed time.Duration
		want   float64 // dollars at 0.0000166667 a GB-second
	}{
		{1024, time.Second, 0.0000166667},
		{2048, time.Second, 0.0000333334},
		{512, 2 * time.Second, 0.0000166667},
		{1024, 999*time.Millisecond + time.Nanosecond, 0.0000166667},
	} {
		if got := c.size.price(c.billed, priceX86); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%d MB for %s: %g, want %g", c.size, c.billed, got, c.want)
		}
	}
}
