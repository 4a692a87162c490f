package test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// trial makes the form of a signature of one input in an open page, fills in the example,
// and is "" if an expression is true of form, the element box, and what is sent.
func trial(input string, isDefault bool, want string) string {
	return fmt.Sprintf(`(async () => {
		const { makeForm } = await import("/playground/form.js");
		const box = document.body.appendChild(document.createElement("form"));
		const input = %s;
		const outputs = [{name: "y", dtype: "DT_FLOAT", shape: [-1]}];
		const form = makeForm(box, {signature: {method: "", inputs: [input], outputs}, name: "s", isDefault: %t, pixels: {black: [0], white: [1]}, changed() {}});
		await form.example();
		const sent = await form.request(), json = typeof sent.body === "string" ? JSON.parse(sent.body) : null;
		const shape = (value) => Array.isArray(value) ? [value.length, ...shape(value[0])] : [];
		const fits = Boolean(%s), html = box.innerHTML;
		box.remove();
		return fits ? "" : JSON.stringify(json).slice(0, 500) + html;
	})()`, input, isDefault, want)
}

// The server says what takes images, and each input is sent in its own shape.
func TestPlaygroundAsksForWhatTheInputTakes(t *testing.T) {
	t.Parallel()
	browser := openBrowser(t)
	s := startServer(t, absolute(t, "models/multi"), raw(t))
	b := openTab(browser, t, s.base, screens[0])
	const oneImage = `Object.keys(json.inputs).join() === "x" && Object.keys(json.inputs.x).join() === "b64"`
	for _, tt := range []struct {
		name, input string
		isDefault   bool
		want        string
	}{
		{"strings of two open dimensions", `{name: "x", dtype: "DT_STRING", shape: [-1, -1, -1]}`, true, `shape(json.instances).join() === "1,3,3"`},
		{"booleans of two open dimensions", `{name: "x", dtype: "DT_BOOL", shape: [-1, -1, -1]}`, true, `shape(json.instances).join() === "1,3,3"`},
		{"integers that are no image to the server", `{name: "x", dtype: "DT_INT32", shape: [-1, 224, 224, 3]}`, true, `box.querySelector("textarea") && shape(json.instances).join() === "1,224,224,3"`},
		{"more than an example should have", `{name: "x", dtype: "DT_INT32", shape: [-1, 1000, 1000]}`, true, `false`},
		{"a batch of one", `{name: "x", dtype: "DT_FLOAT", shape: [1, 224, 224, 3], image: true}`, true, `box.querySelector(".drop") && sent.type === "image/png" && sent.body instanceof Blob`},
		{"a batch of one in another signature", `{name: "x", dtype: "DT_UINT8", shape: [1, -1, -1, 3], image: true}`, false, oneImage},
		{"a batch of two", `{name: "x", dtype: "DT_UINT8", shape: [2, 224, 224, 3], image: true}`, true, `shape(json.inputs).join() === "2" && json.inputs[1].b64`},
		{"an open batch in another signature", `{name: "x", dtype: "DT_FLOAT", shape: [-1, 224, 224, 3], image: true}`, false, `shape(json.instances).join() === "1" && json.instances[0].b64`},
		{"one image without a batch", `{name: "x", dtype: "DT_FLOAT", shape: [32, 32, 3], image: true, oneImage: true}`, true, `box.querySelector(".drop") && ` + oneImage},
		{"one image of any size without a batch", `{name: "x", dtype: "DT_FLOAT", shape: [-1, -1, 3], image: true, oneImage: true}`, true, `box.querySelector(".drop") && ` + oneImage},
		{"one image without a batch, channels first", `{name: "x", dtype: "DT_FLOAT", shape: [3, -1, -1], image: true, oneImage: true}`, true, `box.querySelector(".drop") && ` + oneImage},
		{"grey images of no square", `{name: "x", dtype: "DT_FLOAT", shape: [-1, 28, 20], image: true}`, true, `box.querySelector(".sheet canvas") && shape(json.instances).join() === "1,28,20"`},
		{"one grey image without a batch", `{name: "x", dtype: "DT_UINT8", shape: [28, 28, 1], image: true, oneImage: true}`, true, `box.querySelector(".sheet canvas") && shape(json.inputs).join() === "28,28,1"`},
		{"a drawing for a batch of two", `{name: "x", dtype: "DT_FLOAT", shape: [2, 28, 28, 1], image: true}`, true, `shape(json.inputs).join() === "2,28,28,1" && String(json.inputs[0]) === String(json.inputs[1])`},
		{"a matrix that is no image", `{name: "x", dtype: "DT_FLOAT", shape: [-1, 28, 28]}`, true, `box.querySelector("textarea") && shape(json.instances).join() === "1,28,28"`},
		{"a few numbers, of which images could be made", `{name: "x", dtype: "DT_FLOAT", shape: [-1, 5, 5], image: true}`, true, `box.querySelectorAll("input[type=number]").length === 25`},
		{"strings that are called images", `{name: "image_bytes", dtype: "DT_STRING", shape: [-1], image: true}`, true, `sent.type === "image/png"`},
		{"a string that is called an image", `{name: "image_bytes", dtype: "DT_STRING", shape: []}`, true, `json.inputs.image_bytes.b64`},
		{"strings", `{name: "text", dtype: "DT_STRING", shape: [-1], image: true}`, true, `json.instances.join() === "hello"`},
	} {
		expression := trial(tt.input, tt.isDefault, tt.want)
		if tt.want == "false" { // there is nothing to send
			expression = strings.Replace(expression, "const sent =", `const said = box.querySelector(".error").innerText; box.remove(); return said.includes("1,000,000 elements") ? "" : said; const sent =`, 1)
		}
		if got := evaluate[string](b, expression); got != "" {
			t.Errorf("%s: %.3000s", tt.name, got)
		}
	}
	b.clean()
}

// A drawing is on the scale of an uploaded image: with a mean of 0.5 and a deviation of
// 0.25, black is (0-0.5)/0.25 and white is (1-0.5)/0.25.
func TestPlaygroundDrawsOnTheImageScale(t *testing.T) {
	t.Parallel()
	browser := openBrowser(t)
	s := startServer(t, absolute(t, digitsFolder+"/digits.pb"), "IMAGE_SCALE=mean=0.5;std=0.25")
	b := openTab(browser, t, s.base, screens[0])
	b.click(".drawing input[type=checkbox]") // all of the sheet, as it is
	b.click("#as-json")
	for ink, want := range map[string]string{"#000": "-2", "#fff": "2"} {
		b.dropImage(".sheet", ink)
		b.until("the pixels are "+want, `(() => {
			document.querySelector("#as-form").click();
			document.querySelector("#as-json").click();
			const pixels = JSON.parse(document.querySelector("#form textarea.whole").value).instances[0]?.flat(2) ?? [];
			return pixels.length === 64 && pixels.every((p) => p === `+want+`);
		})()`)
	}
	b.clean()
}

// dropImage drops an image of one colour.
func (b *tab) dropImage(selector, colour string) {
	b.t.Helper()
	evaluate[bool](b, fmt.Sprintf(`(async () => {
		const canvas = document.createElement("canvas");
		const pen = canvas.getContext("2d");
		pen.fillStyle = %q;
		pen.fillRect(0, 0, canvas.width, canvas.width);
		canvas.height = canvas.width;
		pen.fillStyle = %q;
		pen.fillRect(0, 0, canvas.width, canvas.height);
		const dataTransfer = new DataTransfer();
		dataTransfer.items.add(new File([await new Promise((done) => canvas.toBlob(done))], "dropped.png", {type: "image/png"}));
		return document.querySelector(%q).dispatchEvent(new DragEvent("drop", {dataTransfer, bubbles: true, cancelable: true})) || true;
	})()`, colour, colour, selector))
}

// A file that is no image is refused at the sheet, each time it is chosen.
func TestPlaygroundRefusesABrokenDrawing(t *testing.T) {
	t.Parallel()
	browser := openBrowser(t)
	s := startServer(t, absolute(t, digitsFolder+"/digits.pb"))
	b := openTab(browser, t, s.base, screens[0])
	for range 2 {
		b.choose("#form input[type=file]", unreadable(t))
		b.until("the field says so", `document.querySelector("#field-0-error").innerText === "broken.png is no image that this browser can read."`)
		b.until("the sheet is marked", `document.querySelector(".sheet canvas").getAttribute("aria-invalid") === "true"`)
		b.until("the file can be chosen again", `document.querySelector("#form input[type=file]").value === ""`)
		b.click("#reset")
		b.until("the message is gone", `document.querySelector("#field-0-error").hidden`)
	}
	b.clean()
}

// Those who draw by keyboard see where the pen is and what the keys do; those who draw by
// mouse see neither.
func TestPlaygroundShowsThePenOfTheKeyboard(t *testing.T) {
	t.Parallel()
	browser := openBrowser(t)
	s := startServer(t, absolute(t, digitsFolder+"/digits.pb"))
	b := openTab(browser, t, s.base, screens[0])
	const place = `(() => { const pen = document.querySelector(".sheet .pen"); return getComputedStyle(pen).display === "block" && pen.style.left + " " + pen.style.top; })()`
	b.do("go to the sheet", chromedp.Focus(chromedp.CSS("#as-json")), chromedp.KeyEvent(kb.Tab))
	b.until("the pen is seen", place+` === "50% 25%"`)
	b.until("the keys are explained", `document.getElementById(document.querySelector(".sheet canvas").getAttribute("aria-describedby").split(" ")[0]).offsetHeight > 10`)
	b.do("move the pen", chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent(" "))
	b.until("the pen leaves a dot", `document.querySelector(".seen canvas").getContext("2d").getImageData(0, 0, 8, 8).data.some((v, i) => i % 4 === 0 && v > 0)`)
	b.until("the pen has moved by a sixteenth, and writes", place+` === "56.25% 31.25%" && document.querySelector(".sheet .pen.down")`)
	b.shoot("keyboard")
	b.accessible("with the pen of the keyboard")
	b.stroke(zero(), nil)
	b.until("a mouse needs no pen", `document.querySelector(".sheet .pen").offsetHeight === 0`)
	b.do("go on by keyboard", chromedp.KeyEvent(kb.ArrowUp))
	b.until("the pen is where the mouse was", `document.querySelector(".sheet .pen").offsetHeight > 0 && document.querySelector(".sheet .pen").style.left === "50%"`)
	if got := evaluate[string](b, `(async () => {
		const { makeForm } = await import("/playground/form.js");
		const box = document.createElement("form");
		const inputs = ["a", "b"].map((name) => ({name, dtype: "DT_FLOAT", shape: [-1, 28, 28, 1], image: true}));
		makeForm(box, {signature: {method: "", inputs, outputs: []}, name: "s", isDefault: true, pixels: {black: [0], white: [1]}, changed() {}});
		const ids = [...box.querySelectorAll("[id]")].map((e) => e.id);
		return new Set(ids).size === ids.length && box.querySelectorAll("canvas[tabindex]").length === 2 ? "" : ids.join();
	})()`); got != "" {
		t.Errorf("two sheets have the names %s", got)
	}
	b.clean()
}

// What was written as JSON stays until the form changes, and the example is written there.
func TestPlaygroundKeepsJSON(t *testing.T) {
	t.Parallel()
	browser := openBrowser(t)
	s := startServer(t, absolute(t, "models/dtypes"), raw(t))
	b := openTab(browser, t, s.base, screens[0])
	b.change("#signature", "int64", "change")
	b.click("#as-json")
	written := func(want string) string {
		return fmt.Sprintf(`document.querySelector("#form textarea.whole").value === %q`, want)
	}
	const mine = `{"signature_name": "int64", "inputs": [9007199254740993, 1]}`
	b.set("#form textarea.whole", mine)
	b.until("it is answered", `document.querySelector("#answer").innerText.includes("9007199254740993")`)
	b.click("#as-form")
	b.click("#as-json")
	b.until("the text is as it was written", written(mine))
	b.click("#example")
	b.until("the example is JSON", `/^\{\n  "signature_name": "int64",\n  "inputs": \[[01](, [01])*\]\n\}$/.test(document.querySelector("#form textarea.whole").value) && document.querySelector("#as-json").ariaPressed === "true"`)
	b.click("#as-form")
	b.set("#form textarea:not(.whole)", "[9007199254740993]")
	b.click("#as-json")
	b.until("the form has changed, and no digit is lost", written("{\n  \"signature_name\": \"int64\",\n  \"inputs\": [9007199254740993]\n}"))
	b.click("#reset")
	b.click("#run")
	b.until("nothing is not sent", `document.querySelector("#form-error").innerText === "Write the request as JSON, or take the example."`)
	for in, want := range map[string]string{
		`{"a":[[[1],[2]],[[3],[4]]]}`:                          "{\n  \"a\": [\n    [[1], [2]],\n    [[3], [4]]\n  ]\n}",
		`[[[[0.5]]], "a\"]{", {}, [], null]`:                   "[\n  [[[0.5]]],\n  \"a\\\"]{\",\n  {},\n  [],\n  null\n]",
		`{"a":[` + strings.Repeat("[1,2,3],", 8) + `[1,2,3]]}`: "{\n  \"a\": [\n" + strings.Repeat("    [1, 2, 3],\n", 8) + "    [1, 2, 3]\n  ]\n}",
		`[[` + strings.Repeat("[1,2,3],", 8) + `[1,2,3]]]`:     "[\n  [" + strings.Repeat("[1, 2, 3], ", 8) + "[1, 2, 3]]\n]",
		`{"b":[NaN,-Infinity,1.0]}`:                            "{\n  \"b\": [NaN, -Infinity, 1.0]\n}",
		`{"b":[`:                                               `{"b":[`,
	} {
		if got := evaluate[string](b, fmt.Sprintf(`import("/playground/json.js").then(({layout}) => layout(%q))`, in)); got != want {
			t.Errorf("%s is written as\n%s\nwant\n%s", in, got, want)
		}
	}
	b.clean()
}
