package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// sizesTable is what there is to print about starts at several memory sizes.
type sizesTable struct {
	name   string // of the model
	notes  []string
	sizes  []memorySize
	starts [][]coldStart // of each size, one a round

	unlimited bool // so that a size says nothing about the times
}

// sizeRow is a size at which every start ended with an answer. The times are
// medians, the memory is the most of all rounds.
type sizeRow struct {
	size                 memorySize
	ready, first, billed time.Duration
	peak, most           int64
	place                string
}

// printSizes prints the notes, a row for each size, and what to choose.
func printSizes(w io.Writer, t sizesTable) error {
	var text strings.Builder
	for _, note := range t.notes {
		fmt.Fprintf(&text, "%s\n\n", note)
	}
	fmt.Fprintf(&text, "| cold start, %s, %d alternating rounds | processors | ready | first answer | peak of the group | VmHWM | library | 1000 starts, x86_64 | arm64 |\n|---|---|---|---|---|---|---|---|---|\n", t.name, len(t.starts[0]))
	var rows []sizeRow
	for i, size := range t.sizes {
		if why, times := failures(t.starts[i]); times > 0 {
			fmt.Fprintf(&text, "| %d MB | %.2f | — | %s (%d of %d starts) | %s | — | — | — | — |\n",
				size, size.processors(), why, times, len(t.starts[i]), megabytes(highest(t.starts[i], peakOf)))
			continue
		}
		r := row(size, t.starts[i])
		rows = append(rows, r)
		fmt.Fprintf(&text, "| %d MB | %.2f | %.0f ms | %.0f ms | %s | %s | %s | $%.4f | $%.4f |\n", size, size.processors(), ms(r.ready), ms(r.first),
			megabytes(r.peak), megabytes(r.most), r.place, r.thousand(priceX86), r.thousand(priceARM64))
	}
	advice := choice(rows)
	if t.unlimited {
		advice = "Nothing to choose by: the functions were not held to their sizes."
	}
	fmt.Fprintf(&text, "\n%s\n\n", advice)
	_, err := io.WriteString(w, text.String())
	return err
}

// thousand is the price of a thousand such starts with their first invocations.
func (r sizeRow) thousand(perGBSecond float64) float64 {
	return 1000 * r.size.price(r.billed, perGBSecond)
}

func row(size memorySize, starts []coldStart) sizeRow {
	middle := func(of func(coldStart) time.Duration) time.Duration {
		var times []time.Duration
		for _, s := range starts {
			times = append(times, of(s))
		}
		return median(times)
	}
	return sizeRow{
		size:   size,
		ready:  middle(func(s coldStart) time.Duration { return s.ready }),
		first:  middle(func(s coldStart) time.Duration { return s.first }),
		billed: middle(func(s coldStart) time.Duration { return s.billed }),
		peak:   highest(starts, peakOf),
		most:   highest(starts, func(s coldStart) int64 { return s.most }),
		place:  starts[0].place,
	}
}

func peakOf(s coldStart) int64 { return s.peak }

func highest(starts []coldStart, of func(coldStart) int64) int64 {
	var most int64
	for _, s := range starts {
		most = max(most, of(s))
	}
	return most
}

// failures counts the starts without an answer; why is the reason of the first.
func failures(starts []coldStart) (why string, times int) {
	for _, s := range starts {
		if s.failed == "" {
			continue
		}
		if times == 0 {
			why = strings.NewReplacer("|", "/", "\n", " ").Replace(s.failed) // as a cell takes it
		}
		times++
	}
	return why, times
}

// megabytes is an amount as a cell shows it; 0 is one that nothing counts.
func megabytes(bytes int64) string {
	if bytes == 0 {
		return "—"
	}
	return fmt.Sprintf("%d MB", bytes>>20)
}

// choice tells an operator which size to take.
func choice(rows []sizeRow) string {
	if len(rows) == 0 {
		return "No size is enough: none answered at every start."
	}
	fastest, cheapest := rows[0], rows[0]
	for _, r := range rows[1:] {
		if r.first < fastest.first {
			fastest = r
		}
		if r.thousand(priceX86) < cheapest.thousand(priceX86) {
			cheapest = r
		}
	}
	if fastest.size == cheapest.size {
		return fmt.Sprintf("Choose %d MB: fastest (%.0f ms) and cheapest ($%.4f for 1000 starts).", fastest.size, ms(fastest.first), fastest.thousand(priceX86))
	}
	return fmt.Sprintf("Fastest: %d MB (%.0f ms, $%.4f for 1000 starts). Cheapest: %d MB (%.0f ms, $%.4f).", fastest.size, ms(fastest.first), fastest.thousand(priceX86),
		cheapest.size, ms(cheapest.first), cheapest.thousand(priceX86))
}
