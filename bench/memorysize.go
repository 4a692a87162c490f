package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// memorySize is what a Lambda function may be set to, in MB of 2^20 bytes.
type memorySize int

// What Lambda allows and gives:
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
const (
	leastMemory memorySize = 128
	mostMemory  memorySize = 10240
	perVCPU                = 1769 // MB that come with the time of one whole processor
)

// defaultSizes are measured where no others are asked for.
const defaultSizes = "1024 2048 3008"

// Prices of duration in us-east-1, in dollars a GB-second, for the first tier of a
// month (6 and 7.5 thousand million GB-seconds), as quoted in May 2026:
// https://aws.amazon.com/lambda/pricing/. Since August 2025 the init phase is paid
// like an invocation. The price of a request and that of ephemeral storage above
// 512 MB are not in it.
const (
	priceX86   = 0.0000166667
	priceARM64 = 0.0000133334
)

// parseSizes reads sizes between spaces or commas.
func parseSizes(text string) ([]memorySize, error) {
	var sizes []memorySize
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' }) {
		n, err := strconv.Atoi(word)
		size := memorySize(n)
		switch {
		case err != nil:
			return nil, fmt.Errorf("memory size %q is not a number of MB: write such as %q", word, defaultSizes)
		case size < leastMemory || size > mostMemory:
			return nil, fmt.Errorf("memory size %d: Lambda takes %d to %d MB", size, leastMemory, mostMemory)
		case slices.Contains(sizes, size):
			return nil, fmt.Errorf("memory size %d is there twice", size)
		}
		sizes = append(sizes, size)
	}
	if len(sizes) == 0 {
		return nil, errors.New("no memory size: write such as " + strconv.Quote(defaultSizes))
	}
	return sizes, nil
}

func (s memorySize) bytes() int64 { return int64(s) << 20 }

// processors is the time on processors that Lambda gives, in seconds a second.
func (s memorySize) processors() float64 { return float64(s) / perVCPU }

// visible is how many processors Lambda shows, at least: as many as can use the
// time, and never fewer than two.
func (s memorySize) visible() int { return max(2, int(s+perVCPU-1)/perVCPU) }

// price is that of a billed time, in dollars: Lambda rounds it up to a millisecond.
func (s memorySize) price(billed time.Duration, perGBSecond float64) float64 {
	milliseconds := (billed + time.Millisecond - 1) / time.Millisecond
	return float64(s) / 1024 * float64(milliseconds) / 1000 * perGBSecond
}
