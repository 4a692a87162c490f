package test

import "testing"

// A request that takes long is seen to run, and can be given up.
func TestPlaygroundShowsThatARequestRuns(t *testing.T) {
	t.Parallel()
	browser := openBrowser(t)
	s := startServer(t, absolute(t, "models/slow"), raw(t))
	for _, screen := range []screen{screens[0], screens[3]} {
		t.Run(screen.name, func(t *testing.T) {
			b := openTab(browser, t, s.base, screen)
			const places = `["#example", "#live", "#answer", "#raw", "#copy"].map((s) => Object.values(document.querySelector(s).getBoundingClientRect().toJSON())).join()`
			before := evaluate[string](b, places)
			b.set("#form input[type=number]", "400000") // two seconds
			b.until("it is said how long it runs", `/^running \d+\.\d s$/.test(document.querySelector("#latency").textContent)`)
			b.until("the time goes on", `parseFloat(document.querySelector("#latency").textContent.slice(8)) >= 0.3`)
			b.until("the answer is marked", `document.querySelector('#answer[aria-busy="true"]') && document.querySelector("#run").textContent === "Running…"`)
			if after := evaluate[string](b, places); after != before {
				t.Errorf("the page moves from %s to %s", before, after)
			}
			b.shoot("running")
			b.until("it is answered", `document.querySelector("#answer .value")?.textContent === "400000"`)
			b.until("nothing runs", `document.querySelector('#answer[aria-busy="false"]') && document.querySelector("#run").textContent === "Run" && /^\d/.test(document.querySelector("#latency").textContent)`)

			b.set("#form input[type=number]", "400001")
			b.until("it runs", `document.querySelector('#answer[aria-busy="true"]')`)
			b.click("#reset")
			b.until("nothing runs", `document.querySelector('#answer[aria-busy="false"]') && document.querySelector("#run").textContent === "Run" && document.querySelector("#latency").textContent === ""`)
			b.set("#form input[type=number]", "7")
			b.until("the next is answered", `document.querySelector("#answer .value")?.textContent === "7"`)
			b.clean()
		})
	}
}
