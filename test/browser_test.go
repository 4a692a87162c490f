package test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// axeFile is the checker of accessibility that test/browser.sh fetches.
const axeFile = "../build/tools/axe-core-4.14.1/axe.min.js"

// findBrowser is the browser, or why there is none. As root and with CI=true test/browser.sh
// installs it, so that its absence is a failure.
func findBrowser(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err == nil {
		_, err = os.Stat(axeFile)
	}
	if err == nil {
		return path
	}
	if os.Getuid() == 0 || os.Getenv("CI") == "true" {
		t.Fatalf("%v; run sh test/browser.sh build/tools", err)
	}
	t.Skipf("not run: %v", err)
	return ""
}

// screen is what somebody looks at the page with.
type screen struct {
	name          string
	width, height int64
	phone         bool
	scheme        string
}

var screens = []screen{
	{"desktop-light", 1280, 900, false, "light"},
	{"desktop-dark", 1280, 900, false, "dark"},
	{"phone-light", 390, 844, true, "light"},
	{"phone-dark", 390, 844, true, "dark"},
}

// tab is a page in a browser, and what goes wrong there.
type tab struct {
	t      *testing.T
	ctx    context.Context
	base   string
	screen screen

	mu     sync.Mutex
	faults []string // console errors, exceptions, requests to others
}

// openBrowser starts a browser that ends with the test.
func openBrowser(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(findBrowser(t)), chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(patience), chromedp.Flag("disable-gpu", true),
		// A picture of bars and a clock in the place of a camera.
		chromedp.Flag("use-fake-device-for-media-stream", true), chromedp.Flag("use-fake-ui-for-media-stream", true),
	)
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	allocator, stop := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	ctx, end := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		end()
		stop()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start chromium: %v", err)
	}
	return ctx
}

// openTab opens the page of a server.
func openTab(ctx context.Context, t *testing.T, base string, s screen) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*patience)
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx, base: base, screen: s}
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatal(err)
	}
	metrics := chromedp.EmulateViewport(s.width, s.height)
	if s.phone {
		metrics = chromedp.EmulateViewport(s.width, s.height, chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulateScale(2))
	}
	protocol(b, network.Enable, network.EnableParams{})
	protocol(b, log.Enable, cdp.Empty{})
	protocol(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: s.scheme}}})
	b.do("open the page", metrics, chromedp.Navigate(base+"/"))
	b.until("the model is ready", `document.querySelector("#state").textContent === "ready" && document.querySelector(".stages li")`)
	return b
}

// listen notes what goes wrong.
func (b *tab) listen(event any) {
	var fault string
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		fault = fmt.Sprintf("%+v", e.ExceptionDetails)
	case *runtime.EventConsoleAPICalled:
		fault = fmt.Sprintf("console.%s: %+v", e.Type, e.Args)
	case *log.EventEntryAdded:
		fault = fmt.Sprintf("%s: %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL)
	case *network.EventRequestWillBeSent:
		url := e.Request.URL
		if strings.HasPrefix(url, b.base+"/") || strings.HasPrefix(url, "blob:") || strings.HasPrefix(url, "data:") {
			return
		}
		fault = "a request to " + url
	default:
		return
	}
	b.mu.Lock()
	b.faults = append(b.faults, fault)
	b.mu.Unlock()
}

// clean checks that nothing has gone wrong but what is expected: a refusal by the server is
// on the console whatever a page does.
func (b *tab) clean(expected ...string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
next:
	for _, fault := range b.faults {
		for _, fragment := range expected {
			if strings.Contains(fault, fragment) {
				continue next
			}
		}
		b.t.Errorf("in the browser: %s", fault)
	}
	b.faults = nil
}

func (b *tab) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
}

// protocol sends a command of the protocol.
func protocol[P, R any](b *tab, command cdp.Command[P, R], params P) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, command, params); err != nil {
		b.t.Fatalf("%s: %v", command.Method, err)
	}
}

// evaluate is the value of an expression in the page, or what its promise brings.
func evaluate[T any](b *tab, expression string) T {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("evaluate %.200s: %v", expression, err)
	}
	return value
}

// until waits until an expression is true.
func (b *tab) until(what, expression string) {
	b.t.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.Poll[bool]("Boolean("+expression+")", chromedp.WithPollingTimeout(patience))); err != nil {
		b.shoot("failed")
		b.t.Fatalf("waiting until %s: %v\nthe page says:\n%s", what, err, b.text("main"))
	}
}

// text is what an element says.
func (b *tab) text(selector string) string {
	b.t.Helper()
	return strings.TrimSpace(evaluate[string](b, fmt.Sprintf("document.querySelector(%q).innerText", selector)))
}

func (b *tab) click(selector string) {
	b.t.Helper()
	b.do("click "+selector, chromedp.ScrollIntoView(chromedp.CSS(selector)), chromedp.Click(chromedp.CSS(selector)))
}

// set puts text into a field, as typing does.
func (b *tab) set(selector, text string) {
	b.t.Helper()
	b.change(selector, text, "input")
}

// change gives a control a value and tells it so by an event.
func (b *tab) change(selector, value, event string) {
	b.t.Helper()
	evaluate[bool](b, fmt.Sprintf(`(() => {
		const control = document.querySelector(%q);
		control.value = %q;
		return control.dispatchEvent(new Event(%q, {bubbles: true}));
	})()`, selector, value, event))
}

// choose chooses a file.
func (b *tab) choose(selector, file string) {
	b.t.Helper()
	b.do("choose "+file, chromedp.SetUploadFiles(chromedp.CSS(selector), []string{file}))
}

// shoot keeps a picture of the whole page.
func (b *tab) shoot(name string) {
	b.t.Helper()
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Fatalf("take a picture: %v", err)
	}
	folder := absolute(b.t, "../build/screenshots")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+"-"+b.screen.name+".png"), picture, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

var readAxe = sync.OnceValues(func() (string, error) {
	text, err := os.ReadFile(axeFile)
	return string(text), err
})

// accessible lets axe look at what is shown now.
func (b *tab) accessible(state string) {
	b.t.Helper()
	axe, err := readAxe()
	if err != nil {
		b.t.Fatal(err)
	}
	const run = `axe.run().then((r) => r.violations.map((v) => v.impact + ": " + v.help + ": " + v.nodes.map((n) => n.target.join(" ")).join(", ")))`
	evaluate[bool](b, axe+"; true")
	for _, violation := range evaluate[[]string](b, run) {
		b.t.Errorf("%s: %s", state, violation)
	}
	// A phone's page must not be wider than the phone.
	if width := evaluate[int64](b, "document.documentElement.scrollWidth"); width > b.screen.width {
		b.t.Errorf("%s: the page is %d pixels wide on a screen of %d", state, width, b.screen.width)
	}
}

// stroke draws through points of the sheet, which go from 0 to 1, by mouse or by finger,
// and calls before, if not nil, while the pen is still down.
func (b *tab) stroke(points [][2]float64, before func()) {
	b.t.Helper()
	b.do("scroll to the sheet", chromedp.ScrollIntoView(chromedp.CSS(".sheet canvas")))
	box := evaluate[struct{ X, Y, Width, Height float64 }](b, `(({x, y, width, height}) => ({X: x, Y: y, Width: width, Height: height}))(document.querySelector(".sheet canvas").getBoundingClientRect())`)
	pen := func(mouse input.DispatchMouseEventType, touch input.DispatchTouchEventType, p [2]float64) {
		x, y := box.X+p[0]*box.Width, box.Y+p[1]*box.Height
		if !b.screen.phone {
			protocol(b, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: mouse, X: x, Y: y, Button: input.MouseButtonLeft, Buttons: 1, ClickCount: 1})
			return
		}
		fingers := []*input.TouchPoint{{X: x, Y: y}}
		if touch == input.DispatchTouchEventTypeTouchEnd {
			fingers = []*input.TouchPoint{}
		}
		protocol(b, input.DispatchTouchEvent, input.DispatchTouchEventParams{Type: touch, TouchPoints: fingers})
	}
	pen(input.DispatchMouseEventTypeMousePressed, input.DispatchTouchEventTypeTouchStart, points[0])
	for _, p := range points[1:] {
		pen(input.DispatchMouseEventTypeMouseMoved, input.DispatchTouchEventTypeTouchMove, p)
	}
	if before != nil {
		before()
	}
	pen(input.DispatchMouseEventTypeMouseReleased, input.DispatchTouchEventTypeTouchEnd, points[len(points)-1])
}

// allowDownloads lets downloads go into a folder, and returns a func that waits for one.
func (b *tab) allowDownloads(folder string) func() string {
	b.t.Helper()
	done := make(chan string, 1)
	err := chromedp.ListenBrowser(b.ctx, func(event any) {
		if e, ok := event.(*browser.EventDownloadProgress); ok && e.State == browser.DownloadProgressStateCompleted {
			done <- filepath.Join(folder, e.GUID)
		}
	})
	if err != nil {
		b.t.Fatal(err)
	}
	events := true
	if _, err := chromedp.CallBrowser(b.ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
		Behavior: browser.SetDownloadBehaviorBehaviorAllowAndName, DownloadPath: folder, EventsEnabled: &events,
	}); err != nil {
		b.t.Fatal(err)
	}
	return func() string {
		b.t.Helper()
		select {
		case file := <-done:
			return file
		case <-b.ctx.Done():
			b.t.Fatal("nothing was downloaded")
			return ""
		}
	}
}
