package main

import (
	"strings"
	"testing"
	"time"
)

func printed(t *testing.T, table sizesTable) string {
	t.Helper()
	var out strings.Builder
	if err := printSizes(&out, table); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// A start that is billed for a second in a GB costs a GB-second, so a thousand of
// them cost a thousand times its price.
func TestRowsHaveMediansOfTimesAndTheMostOfMemory(t *testing.T) {
	took := func(ready, first time.Duration, peak, most int64) coldStart {
		return coldStart{ready: ready, first: first, billed: first, peak: peak << 20, most: most << 20, place: "memfd"}
	}
	out := printed(t, sizesTable{
		name: "a model", notes: []string{"nothing is limited"}, unlimited: true,
		sizes: []memorySize{1024, 1769},
		starts: [][]coldStart{
			{took(2*time.Second, 3*time.Second, 500, 610), took(900*time.Millisecond, time.Second, 700, 600), took(time.Millisecond, 2*time.Millisecond, 1, 1)},
			{took(time.Second, 1100*time.Millisecond, 500, 600), took(100*time.Millisecond, 900*time.Millisecond, 500, 600), took(time.Second, time.Second, 500, 600)},
		},
	})
	for _, want := range []string{
		"\nNothing to choose by: the functions were not held to their sizes.\n",
		"nothing is limited\n\n| cold start, a model, 3 alternating rounds |",
		"| 1024 MB | 0.58 | 900 ms | 1000 ms | 700 MB | 610 MB | memfd | $0.0167 | $0.0133 |\n",
		"| 1769 MB | 1.00 | 1000 ms | 1000 ms | 500 MB | 600 MB | memfd | $0.0288 | $0.0230 |\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%s\nis without %q", out, want)
		}
	}
}

func TestAStartWithoutAnAnswerIsARow(t *testing.T) {
	killed := coldStart{failed: "out of memory, killed by the kernel", peak: 256 << 20}
	out := printed(t, sizesTable{
		name: "a model", sizes: []memorySize{256, 512},
		starts: [][]coldStart{
			{{ready: time.Second, first: time.Second}, killed, killed},
			{{failed: "first | line\nsecond"}, {}, {}},
		},
	})
	for _, want := range []string{
		"| 256 MB | 0.14 | — | out of memory, killed by the kernel (2 of 3 starts) | 256 MB | — | — | — | — |\n",
		"| 512 MB | 0.29 | — | first / line second (1 of 3 starts) | — | — | — | — | — |\n",
		"No size is enough: none answered at every start.",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%s\nis without %q", out, want)
		}
	}
}

func TestChoiceIsTheFastestAndTheCheapest(t *testing.T) {
	slow := sizeRow{size: 1024, first: 2 * time.Second, billed: 2 * time.Second} // 2 GB-seconds
	fast := sizeRow{size: 3072, first: time.Second, billed: time.Second}         // 3 GB-seconds
	both := sizeRow{size: 2048, first: time.Second / 2, billed: time.Second / 2} // 1 GB-second
	if got, want := choice([]sizeRow{slow, fast}), "Fastest: 3072 MB (1000 ms, $0.0500 for 1000 starts). Cheapest: 1024 MB (2000 ms, $0.0333)."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := choice([]sizeRow{slow, fast, both}), "Choose 2048 MB: fastest (500 ms) and cheapest ($0.0167 for 1000 starts)."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestTheLibrarysPlaceIsInTheLog(t *testing.T) {
	log := "not JSON\n" + `{"level":"INFO","message":"cold start","report":{"model":"digits","libraryFrom":"tmp"}}` + "\n"
	if got := libraryPlace(log); got != "tmp" {
		t.Errorf("got %q", got)
	}
}
