package test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// The routes of the OpenAPI document are listed once somebody opens the list.
func TestPlaygroundListsTheRoutes(t *testing.T) {
	t.Parallel()
	browser := openBrowser(t)
	s := startServer(t, absolute(t, digitsFolder+"/digits.tar.gz"), raw(t))
	var document struct {
		Paths map[string]map[string]struct{ Summary string }
	}
	r := s.request(get, s.base+"/openapi.json", "")
	if err := json.Unmarshal([]byte(r.Body), &document); err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("the document is a %d: %v", r.StatusCode, err)
	}
	const fetched = `performance.getEntriesByType("resource").some(({ name }) => name.endsWith("/openapi.json"))`
	for _, screen := range []screen{screens[0], screens[3]} {
		t.Run(screen.name, func(t *testing.T) {
			b := openTab(browser, t, s.base, screen)
			if evaluate[bool](b, fetched) {
				t.Error("the document is fetched before anybody asks for it")
			}
			b.click("#api summary")
			b.until("the routes are listed", `document.querySelector("#routes li")`)
			items := evaluate[[]string](b, `[...document.querySelectorAll("#routes li")].map((li) => [...li.children].map((c) => c.textContent).join("|"))`)
			all := "\n" + strings.Join(items, "\n") + "\n"
			for path, item := range document.Paths {
				for method, operation := range item {
					if want := fmt.Sprintf("\n%s|%s|%s|", strings.ToUpper(method), path, operation.Summary); strings.Count(all, want) != 1 {
						t.Errorf("%q is not listed once in %s", want, all)
					}
				}
			}
			for _, want := range []string{
				"POST|/v1/models/digits:predict|Ask the model|takes JSON, JSON lines, bytes, NumPy, JPEG, PNG, CSV; answers JSON, JSON lines, NumPy, CSV",
				"POST|/v2/models/digits/infer|Ask the model, in JSON or binary|takes JSON, bytes; answers JSON, bytes",
				"GET|/v1/models/digits|The status of the version that is served|answers JSON",
			} {
				if !strings.Contains(all, "\n"+want+"\n") {
					t.Errorf("%q is not among %s", want, all)
				}
			}
			b.shoot("routes")
			b.accessible("with the routes")
			if got, want := evaluate[string](b, `document.querySelector("#routes a").href`), s.base+"/v1/models/digits"; got != want {
				t.Errorf("the first link goes to %s, want %s", got, want)
			}
			b.clean()
		})
	}
}
