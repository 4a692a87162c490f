package test

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// What is to be copied does what the page did.
func TestPlaygroundCodeAsksTheSame(t *testing.T) {
	t.Parallel()
	browser := openBrowser(t)
	s := startServer(t, absolute(t, "models/strings"), raw(t))
	b := openTab(browser, t, s.base, screens[0])
	b.set("#form textarea", `it's "größer" $HOME \ %`)
	b.until("it is answered", `document.querySelector("#answer .value")?.innerText === "-1"`)
	b.change("#signature", "mangle", "change")
	b.set("#form textarea", `["it's \"größer\" $HOME \\ %"]`)
	b.until("it is answered", `document.querySelector("#raw-text").textContent.includes("aXQncyAiZ3LDtsOfZXIiICRIT01FIFwgJQ==")`) // the text in base64
	b.until("there is no file to save", `document.querySelector("#save").hidden`)
	b.runsCode(t.TempDir(), "")
	b.clean()
}

// A request that is too long to be copied is a file, which the page lets one save and
// which all code reads.
func TestPlaygroundCodeReadsAFile(t *testing.T) {
	t.Parallel()
	browser := openBrowser(t)
	long := strings.Repeat("größer ", 700) // 4900 characters
	wanted := base64.StdEncoding.EncodeToString([]byte(long))
	for _, tt := range []struct {
		model, file, label string
		ask                func(b *tab)
	}{
		{"strings", "request.json", "Save request.json", func(b *tab) {
			b.change("#signature", "mangle", "change")
			b.set("#form textarea", `["`+long+`"]`)
			b.until("it is answered", `document.querySelector("#raw-text").textContent.includes("`+wanted+`")`)
		}},
		{"image", "example.png", "Save image", func(b *tab) {
			b.click("#example")
			b.until("it is answered", `document.querySelectorAll(".bars li").length === 10`)
		}},
	} {
		t.Run(tt.file, func(t *testing.T) {
			s := startServer(t, absolute(t, "models/"+tt.model), raw(t))
			b := openTab(browser, t, s.base, screens[0])
			folder := t.TempDir()
			download := b.allowDownloads(folder)
			tt.ask(b)
			if got := b.text("#save"); got != tt.label {
				t.Errorf("the link says %q, want %q", got, tt.label)
			}
			b.click("#save")
			if err := os.Rename(download(), filepath.Join(folder, evaluate[string](b, `document.querySelector("#save").download`))); err != nil {
				t.Fatal(err)
			}
			b.shoot("code-" + tt.model)
			b.runsCode(folder, tt.file)
			b.accessible("with a file to save")
			b.clean()
		})
	}
}

// runsCode runs the code in every language, in a folder with the file that it reads, if it
// reads one, and compares the answers with that of the page.
func (b *tab) runsCode(folder, file string) {
	b.t.Helper()
	want := evaluate[string](b, `document.querySelector("#raw-text").textContent`)
	var wanted any
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		b.t.Fatal(err)
	}
	run := func(name string, arg ...string) ([]byte, error) {
		cmd := exec.CommandContext(b.t.Context(), name, arg...)
		cmd.Dir = folder
		return cmd.Output()
	}
	for _, tt := range []struct {
		language string
		run      func(code string) ([]byte, error)
	}{
		{"curl", func(code string) ([]byte, error) {
			return run("sh", "-c", strings.Replace(code, "curl ", "curl --silent --show-error ", 1))
		}},
		{"Python", func(code string) ([]byte, error) {
			code = strings.Replace(code, "print(reply.json())", "import json; print(json.dumps(reply.json()))", 1)
			return run(absolute(b.t, "../build/venv/bin/python"), "-c", code)
		}},
		{"JavaScript", func(code string) ([]byte, error) {
			if file != "" {
				code = strings.Replace(code, `import { readFile } from "node:fs/promises";`, readFile(b.t, folder, file), 1)
			}
			return []byte(evaluate[string](b, `(async () => { let said; const console = {log: (value) => { said = value; }}; `+code+`; return JSON.stringify(said); })()`)), nil
		}},
	} {
		b.do("choose "+tt.language, chromedp.Click(`//div[@id="languages"]/button[text()="`+tt.language+`"]`))
		code := evaluate[string](b, `document.querySelector("#snippet").textContent`)
		out, err := tt.run(code)
		if err != nil {
			b.t.Errorf("%s: %v\n%s", tt.language, err, code)
			continue
		}
		var got any
		if err := json.Unmarshal(out, &got); err != nil || !reflect.DeepEqual(got, wanted) {
			b.t.Errorf("%s: got %s (%v), want %s, from\n%s", tt.language, out, err, want, code)
		}
	}
}

// readFile is Node's function of this name for a browser, where there is one file.
func readFile(t *testing.T, folder, file string) string {
	t.Helper()
	content := base64.StdEncoding.EncodeToString(read(t, filepath.Join(folder, file)))
	return `const readFile = async (name) => {
		if (name !== "` + file + `") throw new Error("no file " + name);
		return Uint8Array.from(atob("` + content + `"), (c) => c.charCodeAt(0));
	};`
}
