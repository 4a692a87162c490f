package test

import (
	"encoding/json"
	"testing"
)

// Answers of millions of numbers are read nearly as fast as JSON is, and what JSON has no
// numbers for is read too. The parser before this one took 70 times as long as JSON.parse.
func TestPlaygroundReadsNumbers(t *testing.T) {
	t.Parallel()
	browser := openBrowser(t)
	s := startServer(t, absolute(t, "models/half_plus_two"), raw(t))
	b := openTab(browser, t, s.base, screens[0])
	for _, tt := range []struct{ text, want string }{
		{`{"a": [NaN, -Infinity, Infinity, 1.5]}`, `value.a.length === 4 && Number.isNaN(value.a[0]) && value.a[1] === -Infinity && value.a[2] === Infinity && value.a[3] === 1.5`},
		{`{"NaN": ["NaN", "-Infinity", NaN, "9007199254740993"]}`, `value.NaN[0] === "NaN" && value.NaN[1] === "-Infinity" && Number.isNaN(value.NaN[2]) && value.NaN[3] === "9007199254740993"`},
		{`{"a": [9007199254740991, 9007199254740993, -9223372036854775808]}`, `value.a[0] === 2 ** 53 - 1 && value.a[1] === "9007199254740993" && value.a[2] === "-9223372036854775808"`},
		{`{"a": [18446744073709551615], "b": ["\"12345678901234567890"]}`, `value.a[0] === "18446744073709551615" && value.b[0] === '"12345678901234567890'`},
		{`{"a": [0.12345678901234567, 12345678901234567.5, 1e+300]}`, `value.a.every((v) => typeof v === "number") && value.a[0] === 0.12345678901234567`},
	} {
		text, err := json.Marshal(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		if got := evaluate[string](b, `(async () => {
			const value = (await import("/playground/api.js")).parse(`+string(text)+`);
			return `+tt.want+` ? "" : JSON.stringify(value);
		})()`); got != "" {
			t.Errorf("%s is read as %s", tt.text, got)
		}
	}
	// Of several runs the fastest is compared: it is the one that was disturbed least.
	const ratio = `(async () => {
		const { parse } = await import("/playground/api.js");
		const text = JSON.stringify({ predictions: Array.from({ length: 262144 }, (_, i) => Math.sin(i)) });
		const fastest = (read) => Math.min(...Array.from({ length: 7 }, () => {
			const start = performance.now();
			read(text);
			return performance.now() - start;
		}));
		return fastest(parse) / fastest(JSON.parse);
	})()`
	if got := evaluate[float64](b, ratio); got > 10 {
		t.Errorf("262,144 numbers take %.1f times as long as JSON.parse takes", got)
	} else {
		t.Logf("262,144 numbers: %.1f times JSON.parse", got)
	}
	b.clean()
}
