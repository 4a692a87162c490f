package test

import "testing"

// hold keeps requests to the model back until release() is called, or they are given up:
// as long as a slow model takes, on every machine.
const hold = `(() => {
	const real = window.fetch;
	const held = new Promise((resolve) => (window.release = resolve));
	window.fetch = async (url, init) => {
		const givenUp = new Promise((_, fail) => init.signal?.addEventListener("abort", () => fail(init.signal.reason)));
		await Promise.race([held, givenUp]);
		return real(url, init);
	};
	return true;
})()`

// A request that takes long is seen to run, and can be given up.
func TestPlaygroundShowsThatARequestRuns(t *testing.T) {
	t.Parallel()
	browser := openBrowser(t)
	s := startServer(t, absolute(t, "models/half_plus_two"), raw(t))
	for _, screen := range []screen{screens[0], screens[3]} {
		t.Run(screen.name, func(t *testing.T) {
			b := openTab(browser, t, s.base, screen)
			const places = `["#example", "#live", "#answer", "#raw", "#copy"].map((s) => Object.values(document.querySelector(s).getBoundingClientRect().toJSON())).join()`
			const idle = `document.querySelector('#answer[aria-busy="false"]') && document.querySelector("#run").textContent === "Run"`
			before := evaluate[string](b, places)
			evaluate[bool](b, hold)
			b.set("#form input[type=number]", "3")
			b.until("it is said how long it runs", `/^running \d+\.\d s$/.test(document.querySelector("#latency").textContent)`)
			b.until("the time goes on", `parseFloat(document.querySelector("#latency").textContent.slice(8)) >= 0.5`)
			b.until("the answer is marked", `document.querySelector('#answer[aria-busy="true"]') && document.querySelector("#run").textContent === "Running…"`)
			if after := evaluate[string](b, places); after != before {
				t.Errorf("the page moves from %s to %s", before, after)
			}
			b.shoot("running")
			evaluate[bool](b, `(release(), true)`)
			b.until("it is answered", `document.querySelector("#answer .value")?.textContent === "3.5"`)
			b.until("nothing runs", idle+` && /^\d/.test(document.querySelector("#latency").textContent)`)

			evaluate[bool](b, hold)
			b.set("#form input[type=number]", "5")
			b.until("it runs", `document.querySelector('#answer[aria-busy="true"]')`)
			b.click("#reset")
			b.until("nothing runs", idle+` && document.querySelector("#latency").textContent === ""`)
			evaluate[bool](b, `(release(), true)`)
			b.set("#form input[type=number]", "7")
			b.until("the next is answered", `document.querySelector("#answer .value")?.textContent === "5.5"`)
			b.clean()
		})
	}
}
