package test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Example rows of images are images: numbers would be more than a request may be.
func TestPlaygroundScoresImages(t *testing.T) {
	t.Parallel()
	browser := openBrowser(t)
	s := startServer(t, absolute(t, "models/image"), raw(t), "MAX_BODY_BYTES=100000")
	b := openTab(browser, t, s.base, screens[0])
	b.until("nobody is blamed for what has not been asked", `document.querySelector("#field-0-error").hidden`)
	b.click("#run")
	b.until("nothing is not sent", `document.querySelector("#field-0-error").innerText === "Choose an image first."`)
	b.click("#tab-batch")
	b.click("#panel-batch .drop button")
	b.click("#panel-batch .primary")
	b.until("all rows are scored", `document.querySelector("#panel-batch [role=status]").textContent === "10 rows scored, 1 of them with errors."`)
	b.until("the code of one request is hidden", `document.querySelector("#snippet").offsetHeight === 0 && document.querySelector("#timeline").offsetHeight > 0`)
	for _, tt := range []struct{ name, text, want string }{
		{"nothing.csv", "", "nothing.csv has no rows."},
		{"my flowers.csv", "petal\n1\n", "input my flowers.csv: "},
	} {
		file := filepath.Join(t.TempDir(), tt.name)
		if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		b.choose("#panel-batch input[type=file]", file)
		b.click("#panel-batch .primary")
		b.until(tt.name+" is explained", fmt.Sprintf(`document.querySelector("#panel-batch .error").innerText.startsWith(%q)`, tt.want))
	}
	b.clean("400 (Bad Request)")
}

// On a small phone, what is drawn and what it is read as are seen at once.
func TestPlaygroundAnswersInSightOnAPhone(t *testing.T) {
	t.Parallel()
	browser := openBrowser(t)
	s := startServer(t, absolute(t, digitsFolder+"/digits.tar.gz"), "MODEL_LABELS=labels.txt")
	for _, scheme := range []string{"light", "dark"} {
		b := openTab(browser, t, s.base, screen{"small-phone-" + scheme, 390, 660, true, scheme})
		b.stroke(zero(), func() {
			b.until("the digit is there while the pen is down", `document.querySelector("#glance").innerText.startsWith("0, ")`)
			b.until("both are in sight", `scrollY === 0 && document.querySelector(".sheet").getBoundingClientRect().top > 0 && document.querySelector(".glance").getBoundingClientRect().bottom < innerHeight`)
		})
		b.shoot("digit")
		b.accessible("with an answer in sight")
		b.click("#reset")
		b.until("the answer is taken away", `document.querySelector("#glance").textContent === ""`)
		b.clean()
	}
}

// Of a model with many signatures the one that is asked is unfolded; and the bars of the
// start, the last and shortest ones too, stay on their tracks.
func TestPlaygroundShowsTheModel(t *testing.T) {
	t.Parallel()
	browser := openBrowser(t)
	s := startServer(t, absolute(t, "models/multi"), raw(t))
	b := openTab(browser, t, s.base, screens[2])
	for _, signature := range []string{"scalar", "serving_default"} {
		b.change("#signature", signature, "change")
		b.until("its tensors are shown", fmt.Sprintf(`[...document.querySelectorAll("#model details[open]")].map((d) => d.dataset.signature).join() === %q`, signature))
	}
	if got := evaluate[string](b, `(async () => {
		const { timeline } = await import("/playground/timeline.js");
		const stages = [{name: "first", startMs: 0, endMs: 1000}, {name: "last", startMs: 999.9, endMs: 1000}, {name: "none", startMs: 1000, endMs: 1000}];
		const box = document.querySelector("#timeline");
		box.replaceChildren(...timeline({totalMs: 1000, stages, libraryFrom: "tmp", modelFrom: "raw"}));
		return [...box.querySelectorAll(".span")].map((span) => {
			const bar = span.getBoundingClientRect(), track = span.parentElement.getBoundingClientRect();
			return bar.left >= track.left && bar.right <= track.right + 0.01 && bar.width >= 3 ? "" : bar.right + " of " + track.right;
		}).join("");
	})()`); got != "" {
		t.Errorf("bars are beside their tracks: %s", got)
	}
	b.shoot("model")
	b.accessible("with a signature")
	b.clean()
}
