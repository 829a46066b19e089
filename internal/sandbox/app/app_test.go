package app

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func quietLog() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func get(t *testing.T, h http.Handler, path string) (int, string) {
	t.Helper()
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
	if path == "/" && (rec.Header().Get("X-App-Version") == "" || rec.Header().Get("X-App-Pod") != "p") {
		t.Errorf("headers %v", rec.Header())
	}
	return rec.Code, rec.Body.String()
}

func instance(t *testing.T, version string) (*Server, http.Handler) {
	t.Helper()
	b, err := Parse(version)
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(b, "p", quietLog())
	s.SetReady(true)
	return s, s.Handler()
}

func failures(t *testing.T, h http.Handler, n int) int {
	t.Helper()
	failed := 0
	for range n {
		if code, _ := get(t, h, "/"); code == 500 {
			failed++
		}
	}
	return failed
}

func TestBehaviourFollowsVersion(t *testing.T) {
	for version, want := range map[string]int{"1.4.2": 0, "2.0.0": 0, "1.5.0-errors": 40, "1.5.0-shards": 40, "1.5.0-crash": 100} {
		_, h := instance(t, version)
		if got := failures(t, h, 100); got != want {
			t.Errorf("%s: %d of 100 failed, want %d", version, got, want)
		}
		if code, _ := get(t, h, "/health"); code != 200 {
			t.Errorf("%s: health %d", version, code)
		}
		if code, _ := get(t, h, "/ready"); code != 200 {
			t.Errorf("%s: ready %d", version, code)
		}
	}
	_, h := instance(t, "1.5.0-unready")
	if code, _ := get(t, h, "/ready"); code != 503 {
		t.Errorf("unready: %d", code)
	}
	_, h = instance(t, "1.5.0-slow")
	begin := time.Now()
	if get(t, h, "/"); time.Since(begin) < 400*time.Millisecond {
		t.Error("slow is not slow")
	}
}

func TestLeak(t *testing.T) {
	s, h := instance(t, "1.5.0-leak")
	s.behaviour.LeakLimit = 10
	if failed := failures(t, h, 10); failed != 0 {
		t.Errorf("%d failed while there were connections", failed)
	}
	if failed := failures(t, h, 10); failed != 10 {
		t.Errorf("%d of 10 failed without connections", failed)
	}
	if _, body := get(t, h, "/metrics"); !strings.Contains(body, "db_connections_in_use 10") ||
		!strings.Contains(body, `http_requests_total{code="500",version="1.5.0-leak"} 10`) {
		t.Errorf("metrics:\n%s", body)
	}
}

func TestUnknownVersions(t *testing.T) {
	for _, v := range []string{"", "latest", "1.4", "1.4.2-erors", "1.4.2-errors-slow", "v1.4.2"} {
		if _, err := Parse(v); !errors.As(err, new(UnknownVersionError)) {
			t.Errorf("%q: %v", v, err)
		}
	}
}

func TestEnvironmentOverrides(t *testing.T) {
	t.Setenv("FAIL_SHARE", "0.25")
	t.Setenv("DELAY_MS", "3")
	b, err := Behaviour{}.FromEnvironment()
	if err != nil || b.FailShare != .25 || b.Delay != 3*time.Millisecond {
		t.Errorf("%+v %v", b, err)
	}
	t.Setenv("FAIL_SHARE", "much")
	if _, err := (Behaviour{}).FromEnvironment(); err == nil {
		t.Error("nonsense was taken")
	}
}

func TestOnlySoManyShards(t *testing.T) {
	dir := t.TempDir()
	first, err := ClaimShard(t.Context(), dir, 1)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if f, err := ClaimShard(ctx, dir, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a second instance got %v, %v", f, err)
	}
	_ = first.Close()
	second, err := ClaimShard(t.Context(), dir, 1)
	if err != nil {
		t.Fatal(err)
	}
	_ = second.Close()
}

func TestDrainsBeforeItStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	b, _ := Parse("1.4.2")
	ended := make(chan error, 1)
	const addr = "127.65.0.1:18099"
	go func() { ended <- Run(ctx, Config{Listen: addr, Pod: "p", Behaviour: b}, quietLog()) }()
	ok := func() bool {
		resp, err := http.Get("http://" + addr + "/")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}
	for range 100 {
		if ok() {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	begin := time.Now()
	cancel()
	time.Sleep(drain / 2)
	if !ok() {
		t.Error("does not serve while it drains")
	}
	if err := <-ended; err != nil || time.Since(begin) < drain {
		t.Errorf("ended after %s: %v", time.Since(begin), err)
	}
	if ok() {
		t.Error("still serves")
	}
}
