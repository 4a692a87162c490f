package test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Answers look as their shape and type want.
func TestPlaygroundShowsAnswersByTheirShape(t *testing.T) {
	t.Parallel()
	browser := openBrowser(t)
	s := startServer(t, absolute(t, "models/multi"), raw(t))
	b := openTab(browser, t, s.base, screens[0])
	const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
	for _, tt := range []struct {
		name, outputs, labels, reply string
		want                         string // is true of the element called box
	}{
		{"labelled scores in their order", `["p"]`, `["cat", "<b>dog</b>"]`, `{"predictions": [[-1, 2.5]]}`, `box.querySelector(".best strong").textContent === "<b>dog</b>" && box.querySelectorAll("li")[0].innerText.includes("cat") && !box.querySelector("b")`},
		{"probabilities as shares", `["y"]`, `undefined`, `{"predictions": [[0.25, 0.75]]}`, `box.innerText.includes("75.0 %") && box.querySelectorAll(".fill")[1].style.width === "75%"`},
		{"the ten best of many", `["scores"]`, `undefined`, `{"predictions": [Array.from({length: 1000}, (_, i) => i === 400 ? 9 : i / 1000)]}`, `box.querySelectorAll("li").length === 10 && box.querySelector("li").innerText.startsWith("400")`},
		{"results of classify", `["classes"]`, `undefined`, `{"results": [[["cat", 0.9], ["dog", 0.1]]]}`, `box.querySelector(".best strong").textContent === "cat"`},
		{"a number", `["y"]`, `undefined`, `{"predictions": [2.5]}`, `box.querySelector(".value").textContent === "2.5"`},
		{"a number that is none", `["y"]`, `undefined`, `(await import("/playground/api.js")).parse('{"predictions": [NaN]}')`, `box.querySelector(".value").textContent === "NaN"`},
		{"a text", `["y"]`, `undefined`, `{"outputs": "<img src=x>"}`, `box.querySelector(".text").textContent === "<img src=x>" && !box.querySelector("img")`},
		{"a matrix", `["y"]`, `undefined`, `{"outputs": [[1, 2, 3], [4, 5, 6]]}`, `box.querySelectorAll("tbody tr").length === 2 && box.querySelectorAll("td.num").length === 6`},
		{"a large matrix", `["y"]`, `undefined`, `{"outputs": Array.from({length: 20}, (_, i) => Array.from({length: 30}, (_, j) => i * j))}`, `box.querySelector("canvas").width === 30 && box.innerText.includes("from 0 (dark) to 551 (light)")`},
		{"an image", `["y"]`, `undefined`, `{"predictions": [Array.from({length: 8}, () => Array.from({length: 9}, () => [1, 0, 0]))]}`, `box.querySelector("canvas").getContext("2d").getImageData(0, 0, 1, 1).data.join() === "255,0,0,255"`},
		{"an image as bytes", `["y_bytes"]`, `undefined`, `{"predictions": [{"b64": "` + pixel + `"}]}`, `box.querySelector("img").src.startsWith("data:image/png;base64,")`},
		{"several rows", `["y"]`, `undefined`, `{"predictions": [1, 2]}`, `box.innerText.includes("Row 2")`},
		{"several outputs", `["a", "b"]`, `undefined`, `{"predictions": [{"a": 1, "b": "x"}]}`, `box.querySelectorAll("h3").length === 2`},
		{"what has no picture", `["y"]`, `undefined`, `{"outputs": [[["a"]]]}`, `box.querySelector(".mono")`},
		{"labels of another number not at all", `["y"]`, `["cat", "dog"]`, `{"predictions": [[0.5, 0.25, 0.25]]}`, `box.querySelector(".best strong").textContent === "0" && !box.innerText.includes("cat")`},
		{"numbers of classes as they are", `["detection_classes"]`, `undefined`, `{"outputs": [[3, 1, 89]]}`, `!box.querySelector(".bars") && box.querySelectorAll("td.num")[2].innerText === "89"`},
		{"many numbers of classes one below the other", `["detection_classes"]`, `undefined`, `{"outputs": [Array.from({length: 100}, (_, i) => i % 90)]}`, `box.querySelectorAll("tbody tr").length === 100 && box.querySelectorAll("td.num")[89].innerText === "89"`},
		{"shares of classes as bars", `["classes"]`, `undefined`, `{"predictions": [[0.5, 0.25]]}`, `box.querySelectorAll(".bars li").length === 2`},
		{"a few boxes", `["detection_boxes"]`, `undefined`, `{"predictions": [Array.from({length: 100}, (_, i) => [i, 0, 1, 2])]}`, `low(box) && box.querySelectorAll("tbody tr").length === 100 && !box.innerText.includes("more rows")`},
		{"boxes of a fixed batch", `["detection_boxes"]`, `undefined`, `{"outputs": [Array.from({length: 100}, (_, i) => [i, 0, 1, 2])]}`, `low(box) && box.querySelectorAll("td.num")[4 * 99].innerText === "99"`},
		{"points by the thousand", `["y"]`, `undefined`, `{"outputs": Array.from({length: 70000}, (_, i) => [i, -i])}`, `low(box) && box.querySelectorAll("tbody tr").length === 100 && box.innerText.includes("69,900 more rows")`},
		{"a tall matrix", `["y"]`, `undefined`, `{"outputs": Array.from({length: 70000}, (_, i) => Array(9).fill(i))}`, `low(box) && box.innerText.includes("70000 × 9, from 0 (dark) to 69999 (light)") && box.querySelector("canvas").getContext("2d").getImageData(0, 0, 1, 1).data.join() === "13,8,135,255"`},
		{"a wide matrix", `["y"]`, `undefined`, `{"outputs": [Array(9000).fill(1.5), Array(9000).fill(0)]}`, `low(box) && box.querySelector("canvas").offsetHeight > 30`},
		{"much JSON", `["y"]`, `undefined`, `{"outputs": Array.from({length: 500}, () => Array.from({length: 50}, () => [1, 2]))}`, `low(box) && box.innerText.includes("The beginning of 500 × 50 × 2 values") && box.querySelector("pre").textContent.startsWith("[\n [\n  [1, 2],\n")`},
		{"a long text", `["y"]`, `undefined`, `{"predictions": ["word ".repeat(9000)]}`, `low(box) && box.querySelector("[tabindex]").textContent.length === 45000`},
		{"an image of planes", `["y"]`, `undefined`, `{"predictions": [[1, 0.2, 0].map((c) => Array.from({length: 8}, () => Array(9).fill(c)))]}`, `box.querySelector("canvas").width === 9 && box.querySelector("canvas").getContext("2d").getImageData(8, 7, 1, 1).data.join() === "255,51,0,255"`},
		{"an image from -1 to 1", `["y"]`, `undefined`, `{"predictions": [Array.from({length: 8}, () => Array.from({length: 9}, () => [-1, -0.2, 1]))]}`, `box.innerText.includes("from -1 (black) to 1 (white)") && box.querySelector("canvas").getContext("2d").getImageData(0, 0, 1, 1).data.join() === "0,102,255,255"`},
	} {
		expression := `(async () => {
			const { answerView } = await import("/playground/answer.js");
			const box = document.body.appendChild(document.createElement("div"));
			const low = (box) => box.offsetHeight > 0 && box.offsetHeight < 600;
			const outputs = ` + tt.outputs + `.map((name) => ({name, dtype: "DT_FLOAT", shape: null}));
			answerView(box, {signature: {method: "", inputs: [], outputs}, labels: ` + tt.labels + `}).show(` + tt.reply + `);
			const fits = Boolean(` + tt.want + `), html = box.innerHTML;
			box.remove();
			return fits ? "" : html || "nothing";
		})()`
		if got := evaluate[string](b, expression); got != "" {
			t.Errorf("%s is shown as %.2000s", tt.name, got)
		}
	}
	b.clean()
}

// Labels that are not as many as the scores are no reason to refuse a request that names
// no class.
func TestPlaygroundWithLabelsOfAnotherNumber(t *testing.T) {
	t.Parallel()
	browser := openBrowser(t)
	model := filepath.Join(t.TempDir(), "image")
	if err := os.CopyFS(model, os.DirFS(absolute(t, "models/image"))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(model, "labels.txt"), []byte("cat\ndog\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, model, raw(t), "MODEL_LABELS=labels.txt")
	b := openTab(browser, t, s.base, screens[0])
	b.click("#example")
	b.until("the image is answered", `document.querySelectorAll(".bars li").length === 10`)
	if got := b.text("#answer"); strings.Contains(got, "cat") {
		t.Errorf("the ten classes have names of two: %s", got)
	}
	b.clean()
}
