package main

import "testing"

func TestSizesForPeople(t *testing.T) {
	for n, want := range map[int64]string{0: "0 bytes", 999: "999 bytes", 1000: "1.0 kB", 45_040: "45.0 kB", 14_100_000: "14.1 MB", 2_400_000_000: "2400.0 MB"} {
		if got := inBytes(n); got != want {
			t.Errorf("%d bytes are %q, want %q", n, got, want)
		}
	}
}
