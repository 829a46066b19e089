package httpcheck

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/schema"
)

func check(ctx context.Context, t *testing.T, yaml string) (actions.Outputs, error) {
	t.Helper()
	a := checkAction()
	tree, found := schema.Parse("test", []byte(yaml))
	if len(found) > 0 {
		t.Fatal(found)
	}
	in, found := a.Decode(tree)
	if len(found) > 0 {
		t.Fatal(found)
	}
	c := &actions.Call{Wait: func(ctx context.Context, _ time.Duration) error { return context.Cause(ctx) }}
	st, err := a.Prepare(ctx, c, in)
	if err != nil {
		return nil, err
	}
	return a.Run(ctx, c, in, st)
}

// app answers with a status and a version for each request, in turn.
func app(t *testing.T, answer func(n int, w http.ResponseWriter, r *http.Request)) string {
	t.Helper()
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer(int(n.Add(1)), w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestCheck(t *testing.T) {
	version := func(w http.ResponseWriter, v string) { w.Header().Set("X-App-Version", v) }
	for name, c := range map[string]struct {
		answer func(n int, w http.ResponseWriter, r *http.Request)
		with   string
		want   map[string]any
	}{
		"healthy": {func(_ int, w http.ResponseWriter, _ *http.Request) { version(w, "1") }, "", map[string]any{
			"ok": true, "passed": 5, "total": 5, "error_share": 0, "status": 200, "error": "", "versions": map[string]any{"1": 5}}},
		"one of five fails": {func(n int, w http.ResponseWriter, _ *http.Request) {
			if n == 2 {
				w.WriteHeader(http.StatusInternalServerError)
			}
		}, "", map[string]any{"ok": false, "passed": 4, "error_share": 0.2, "error": "answered 500, expected 200"}},
		"four are enough": {func(n int, w http.ResponseWriter, _ *http.Request) {
			if n == 2 {
				w.WriteHeader(http.StatusInternalServerError)
			}
		}, "pass: 4", map[string]any{"ok": true, "passed": 4}},
		"another version answers too": {func(n int, w http.ResponseWriter, _ *http.Request) { version(w, fmt.Sprint(1+n%2)) }, "version: \"1\"\nrequests: 4",
			map[string]any{"ok": false, "versions": map[string]any{"1": 2, "2": 2}, "error": "answered by version 2, expected 1"}},
		"no version": {func(int, http.ResponseWriter, *http.Request) {}, `version: "1"`,
			map[string]any{"ok": false, "error": "answered without X-App-Version, expected version 1"}},
		"redirect is not followed": {func(_ int, w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) }, "",
			map[string]any{"ok": false, "status": 302}},
		"body": {func(_ int, w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }, "contains: world",
			map[string]any{"ok": false, "error": `body does not contain "world"`}},
		"headers": {func(_ int, w http.ResponseWriter, r *http.Request) {
			if r.Host != "app.example.com" || r.Header.Get("X-A") != "b" || r.Header.Get("Cache-Control") != "no-cache" || r.Method != http.MethodHead {
				w.WriteHeader(http.StatusBadRequest)
			}
		}, "headers: {Host: app.example.com, X-A: b}\nmethod: HEAD", map[string]any{"ok": true}},
		"too slow": {func(_ int, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "timeout: 30ms\nrequests: 1",
			map[string]any{"ok": false, "status": nil, "p95_ms": nil}},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := check(t.Context(), t, "url: "+app(t, c.answer)+"\n"+c.with)
			if err != nil {
				t.Fatal(err)
			}
			for field, want := range c.want {
				if diff := cmp.Diff(want, out[field]); diff != "" {
					t.Errorf("%s (-want +got):\n%s", field, diff)
				}
			}
		})
	}
}

func TestNobodyAnswers(t *testing.T) {
	out, err := check(t.Context(), t, "url: http://127.0.0.1:1/\nrequests: 2")
	if err != nil || out["ok"] != false || out["passed"] != 0 || out["error_share"] != 1 || out["status"] != nil || !strings.Contains(out["error"].(string), "no answer") {
		t.Errorf("outputs %v, error %v", out, err)
	}
}

func TestEachRequestHasItsOwnConnection(t *testing.T) {
	seen := map[string]bool{}
	url := app(t, func(_ int, _ http.ResponseWriter, r *http.Request) { seen[r.RemoteAddr] = true })
	if _, err := check(t.Context(), t, "url: "+url); err != nil || len(seen) != 5 {
		t.Errorf("5 requests came over %d connections, error %v", len(seen), err)
	}
}

func TestWrongInputs(t *testing.T) {
	for with, says := range map[string]string{
		"url: app/health":         "is not an http address",
		"url: ftp://x/":           "is not an http address",
		"url: \"http://[::1\"":    "cannot be read",
		"url: http://x/\npass: 6": "6 requests cannot pass when 5 are made",
	} {
		_, err := check(t.Context(), t, with)
		if actions.KindOf(err) != actions.KindInvalid || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", with, err)
		}
	}
}

func TestCancelled(t *testing.T) {
	url := app(t, func(_ int, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errors.New("budget is spent"))
	defer cancel()
	began := time.Now()
	_, err := check(ctx, t, "url: "+url)
	if err == nil || !strings.Contains(err.Error(), "budget is spent") || time.Since(began) > time.Second {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
}
