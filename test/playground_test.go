package test

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// zero is the digit as somebody draws it.
func zero() (points [][2]float64) {
	for i := range 25 {
		angle := -math.Pi/2 + 2*math.Pi*float64(i)/24
		points = append(points, [2]float64{0.5 + 0.22*math.Cos(angle), 0.5 + 0.36*math.Sin(angle)})
	}
	return points
}

// shifts is how much of the page moved by how much without anybody's doing, the
// "cumulative layout shift"; up to 0.1 counts as good.
const shifts = `new Promise((done) => {
	let sum = 0;
	const add = (entries) => entries.forEach((entry) => (sum += entry.value));
	const observer = new PerformanceObserver((list) => add(list.getEntries()));
	observer.observe({type: "layout-shift", buffered: true});
	// Entries from before are delivered by the next frame at the latest.
	requestAnimationFrame(() => requestAnimationFrame(() => {
		add(observer.takeRecords());
		done(sum);
	}));
})`

// What somebody does with the demo model's page, on every screen: a digit is drawn and
// answered, a request is broken and mended, and a file is scored.
func TestPlayground(t *testing.T) {
	t.Parallel()
	browser := openBrowser(t)
	s := startServer(t, absolute(t, digitsFolder+"/digits.tar.gz"), "MODEL_LABELS=labels.txt")
	for _, screen := range screens {
		t.Run(screen.name, func(t *testing.T) {
			b := openTab(browser, t, s.base, screen)
			b.accessible("before anything")
			if shift := evaluate[float64](b, shifts); shift > 0.05 {
				t.Errorf("the page jumps by %.3f while it is loaded", shift)
			}

			b.stroke(zero(), func() {
				b.until("the answer is there while the pen is down", `document.querySelector(".best strong")?.textContent === "0"`)
			})
			if got := b.text("#latency"); !regexp.MustCompile(`^[\d.]+ ms, median [\d.]+ ms of \d+$`).MatchString(got) {
				t.Errorf("the time of a run is shown as %q", got)
			} else {
				t.Logf("drawing: %s", got)
			}
			b.until("the answer is said", `document.querySelector("#spoken").textContent.startsWith("0, ")`)
			b.shoot("digit")
			b.accessible("with an answer")
			b.clean()

			b.click("#reset")
			b.until("the answer is gone", `document.querySelector("#answer").innerText.includes("appears here")`)
			b.click("#example")
			b.until("the example is answered", `document.querySelector(".best strong")?.textContent === "3"`)
			b.clean()

			b.click("#as-json")
			b.set("#form textarea.whole", `{"instances": [[[[1]]]]}`)
			b.until("the server's message is at the field", `document.querySelector("#form-error").innerText === 'input "image" has shape [1,1,1,1], the model takes [?,8,8,1]'`)
			b.until("the field is marked", `document.querySelector("#form textarea.whole").getAttribute("aria-invalid") === "true"`)
			b.shoot("error")
			b.accessible("with an error")
			b.set("#form textarea.whole", sample(t).Request)
			b.until("what was mended is answered", `document.querySelectorAll("#answer .best").length === 3 && document.querySelector("#form-error").hidden`)
			b.clean("400 (Bad Request)")

			b.click("#tab-batch")
			b.click("#panel-batch .drop button")
			b.click("#panel-batch .primary")
			b.until("all rows are scored", `document.querySelector("#panel-batch [role=status]").textContent === "500 rows scored, 1 of them with errors."`)
			if got := b.text(`#panel-batch [aria-label="Rows with errors"]`); !strings.HasPrefix(got, "7\t") {
				t.Errorf("the rows with errors are %q", got)
			}
			b.shoot("batch")
			b.accessible("after a batch")
			b.clean()
		})
	}
}

// A file of somebody's is scored, and what is downloaded is the answer to each row.
func TestPlaygroundScoresAFile(t *testing.T) {
	t.Parallel()
	browser := openBrowser(t)
	s := startServer(t, absolute(t, "models/half_plus_two"))
	folder := t.TempDir()
	file := filepath.Join(folder, "rows.csv")
	if err := os.WriteFile(file, []byte("x_0\n1\ntwo\n5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := openTab(browser, t, s.base, screens[0])
	download := b.allowDownloads(folder)
	b.click("#tab-batch")
	b.choose("#panel-batch input[type=file]", file)
	for _, tt := range []struct{ format, want string }{
		{"JSON lines", "{\"prediction\":[2.5]}\n{\"error\":"},
		{"CSV", "y_0,error\n2.5,\n,"},
	} {
		b.do("choose the format", chromedp.Click(`//button[text()="`+tt.format+`"]`))
		b.click("#panel-batch .primary")
		b.until("the rows are scored", `document.querySelector("#panel-batch [role=status]").textContent === "3 rows scored, 1 of them with errors."`)
		b.do("download", chromedp.Click(`//a[text()="Download"]`))
		if got := string(read(t, download())); !strings.HasPrefix(got, tt.want) || strings.Count(got, "\n") != strings.Count(tt.want, "\n")+2 {
			t.Errorf("%s: downloaded %q, want it to begin with %q", tt.format, got, tt.want)
		}
	}
	b.clean()
}

// The form follows the signature, whatever it is.
func TestPlaygroundForms(t *testing.T) {
	t.Parallel()
	browser := openBrowser(t)
	for _, tt := range []struct {
		model, signature string
		fields           map[string]string
		answer           string
	}{
		{"half_plus_two", "", map[string]string{`input[type=number]`: "3"}, "3.5"},
		{"half_plus_two", "regress_x_to_y", map[string]string{"textarea": `[{"x": 4.0}]`}, "4"},
		{"strings", "", map[string]string{"textarea": "two"}, "2"},
		{"strings", "words", map[string]string{`input[type=number]`: "3"}, "größer"},
		{"multi", "", map[string]string{`[aria-label="a [0]"]`: "1.5", `[aria-label="b"]`: "2"}, "product"},
		{"multi", "scalar", map[string]string{`[aria-label="a [2]"]`: "7"}, "7"},
		{"unknown_rank", "", map[string]string{"textarea": "[[1, 2], [3, 4]]"}, "rank"},
		{"no_signature_default", "", map[string]string{`input[type=number]`: "5"}, "2.5"},
		{"dtypes", "int64", map[string]string{"textarea": "[9007199254740993]"}, "9007199254740993"},
	} {
		t.Run(tt.model+" "+tt.signature, func(t *testing.T) {
			s := startServer(t, absolute(t, "models/"+tt.model), raw(t))
			b := openTab(browser, t, s.base, screens[0])
			if tt.signature != "" {
				b.change("#signature", tt.signature, "change")
			}
			for selector, value := range tt.fields {
				b.set("#form "+selector, value)
			}
			want, err := json.Marshal(tt.answer)
			if err != nil {
				t.Fatal(err)
			}
			b.until("the answer is "+tt.answer, `document.querySelector("#answer").innerText.includes(`+string(want)+`)`)
			b.accessible("with an answer")
			b.clean()
		})
	}
}

// A value that the model does not take is explained beside the field that it is in.
func TestPlaygroundBlamesTheField(t *testing.T) {
	t.Parallel()
	browser := openBrowser(t)
	s := startServer(t, absolute(t, "models/multi"), raw(t))
	b := openTab(browser, t, s.base, screens[0])
	b.set(`#form [aria-label="b"]`, "99999999999")
	b.until("the message is beside b", `document.querySelector("#field-1-error").innerText.includes("int32") && document.querySelector("#field-0-error").hidden`)
	b.until("b is marked", `document.querySelector('#form [aria-label="b"]').getAttribute("aria-invalid") === "true"`)
	b.clean("400 (Bad Request)")
	b.set(`#form [aria-label="b"]`, "")
	b.until("an empty field is explained without the server", `document.querySelector("#field-1-error").innerText === "b is no number."`)
	b.set(`#form [aria-label="b"]`, "4")
	b.until("the message is gone", `document.querySelector("#field-1-error").hidden && document.querySelector("#answer table")`)
	b.clean()
}

// ring is a file with a white ring on black, as PNG.
func ring(t *testing.T, side int) string {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			r := math.Hypot(float64(x-side/2)/0.65, float64(y-side/2)) / float64(side)
			ink := uint8(0)
			if r > 0.31 && r < 0.44 {
				ink = 255
			}
			img.Set(x, y, color.RGBA{ink, ink, ink, 255})
		}
	}
	var encoded bytes.Buffer
	if err := png.Encode(&encoded, img); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ring.png")
	if err := os.WriteFile(file, encoded.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// An image file takes the place of a drawing.
func TestPlaygroundTakesAnImageForADrawing(t *testing.T) {
	t.Parallel()
	browser := openBrowser(t)
	s := startServer(t, absolute(t, digitsFolder+"/digits.pb"))
	b := openTab(browser, t, s.base, screens[0])
	b.choose("#form input[type=file]", ring(t, 64))
	b.until("it is read as a zero", `document.querySelector(".best strong")?.textContent === "0"`)
	b.clean()
}

// An image goes to the server as it is.
func TestPlaygroundUploadsAnImage(t *testing.T) {
	t.Parallel()
	browser := openBrowser(t)
	s := startServer(t, absolute(t, "models/image"), raw(t))
	for _, screen := range screens {
		t.Run(screen.name, func(t *testing.T) {
			b := openTab(browser, t, s.base, screen)
			b.choose("#form input[type=file]", ring(t, 256))
			b.until("it is answered", `document.querySelectorAll(".bars li").length === 10`)
			if got := b.text("#snippet"); !strings.HasPrefix(got, "curl --data-binary @ring.png") || !strings.Contains(got, "Content-Type: image/png") || !strings.HasSuffix(got, ":predict") {
				t.Errorf("the code is %s", got)
			}
			b.shoot("image")
			b.accessible("with an image")
			b.clean()

			b.choose("#form input[type=file]", unreadable(t))
			b.until("what is no image is refused at the field", `document.querySelector("#field-0-error").innerText.includes("image")`)
			b.clean("400 (Bad Request)")
			b.click("#reset")
			b.click("#form .drop button") // the camera, in which the browser shows a clock
			b.until("the camera is on", `document.querySelector("video").videoWidth > 0`)
			b.click("#form .drop button")
			b.until("its picture is answered", `document.querySelectorAll(".bars li").length === 10 && document.querySelector("#form img").alt === "camera.jpg"`)
			b.clean()
		})
	}
}

// unreadable is a file that only says that it is a PNG.
func unreadable(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "broken.png")
	if err := os.WriteFile(file, []byte("\x89PNG\r\n\x1a\nand no more"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Without a mouse: the pen moves by arrows, and tabs by arrows.
func TestPlaygroundByKeyboard(t *testing.T) {
	t.Parallel()
	browser := openBrowser(t)
	s := startServer(t, absolute(t, digitsFolder+"/digits.pb"))
	b := openTab(browser, t, s.base, screens[0])
	b.do("draw a line down", chromedp.Focus(chromedp.CSS(".sheet canvas")), chromedp.KeyEvent(" "))
	for range 9 {
		b.do("move the pen", chromedp.KeyEvent(kb.ArrowDown))
	}
	b.until("it is read as a one", `document.querySelector(".best strong")?.textContent === "1"`)
	b.do("go to the other tab", chromedp.Focus(chromedp.CSS("#tab-try")), chromedp.KeyEvent(kb.ArrowRight))
	b.until("the other tab is shown", `document.activeElement.id === "tab-batch" && !document.querySelector("#panel-batch").hidden && document.querySelector("#panel-try").hidden`)
	b.clean()
}
