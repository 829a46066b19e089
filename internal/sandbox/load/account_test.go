package load

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

func epoch() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

func TestReport(t *testing.T) {
	a := NewAccount(epoch())
	for i := range 100 {
		a.Add(Result{
			At: epoch().Add(time.Duration(i) * 100 * time.Millisecond), Latency: time.Duration(i+1) * time.Millisecond,
			Version: map[bool]string{true: "old", false: "new"}[i < 50], Failed: i >= 50 && i%5 == 0,
		})
	}
	r := a.Report(epoch().Add(9900*time.Millisecond), 2*time.Second)
	if r.Total.Requests != 100 || r.Total.Errors != 10 || r.Total.ErrorShare != .1 {
		t.Errorf("total %+v", r.Total)
	}
	if v := r.Versions["new"]; v.Requests != 50 || v.Errors != 10 || v.ErrorShare != .2 {
		t.Errorf("new %+v", v)
	}
	if v := r.Versions["old"]; v.Errors != 0 {
		t.Errorf("old %+v", v)
	}
	if w := r.Window; w.Requests != 20 || w.Errors != 4 || len(w.Versions) != 1 || w.Seconds != 2 {
		t.Errorf("window %+v", w)
	}
	for name, c := range map[string][2]float64{"p50": {r.Total.P50, 50}, "p95": {r.Total.P95, 95}, "p99": {r.Total.P99, 99}} {
		if math.Abs(c[0]-c[1]) > .05*c[1] {
			t.Errorf("%s is %.1f ms, want %.0f", name, c[0], c[1])
		}
	}
}

func TestSeriesHasEveryBucket(t *testing.T) {
	a := NewAccount(epoch())
	for _, ms := range []int{10, 490, 500, 2600} {
		a.Add(Result{At: epoch().Add(time.Duration(ms) * time.Millisecond), Version: "v", Failed: ms == 500})
	}
	got := a.Series()
	want := []Count{{2, 0}, {1, 1}, {}, {}, {}, {1, 0}}
	if len(got) != len(want) {
		t.Fatalf("%d buckets, want %d", len(got), len(want))
	}
	for i, w := range want {
		if got[i].Count != w || !got[i].T.Equal(epoch().Add(time.Duration(i)*Bucket)) {
			t.Errorf("bucket %d: %+v, want %+v", i, got[i], w)
		}
	}
	if got[1].Versions["v"] != (Count{1, 1}) {
		t.Errorf("version %+v", got[1].Versions)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	a := NewAccount(epoch())
	for i := range 20_000 {
		a.Add(Result{At: epoch().Add(time.Duration(i) * time.Second), Version: "v"})
	}
	if most := int(keep / Bucket); len(a.Series()) > most || len(a.series) > most+2048 {
		t.Errorf("series of %d", len(a.series))
	}
	if len(a.recent) > int(keep/time.Second)+2048 {
		t.Errorf("%d recent results", len(a.recent))
	}
	if a.Report(epoch(), time.Second).Total.Requests != 20_000 {
		t.Error("the total forgot something")
	}
}

func TestHandler(t *testing.T) {
	a := NewAccount(time.Now())
	a.Add(Result{At: time.Now(), Version: None, Failed: true})
	h := Handler(a)
	for _, c := range []struct {
		url  string
		code int
		into any
	}{
		{"/", 200, &Report{}}, {"/?window=10s", 200, &Report{}}, {"/series", 200, &[]Point{}}, {"/?series=1", 200, &[]Point{}},
		{"/?window=0s", 400, nil}, {"/?window=soon", 400, nil}, {"/elsewhere", 404, nil},
	} {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, c.url, nil))
		if rec.Code != c.code {
			t.Errorf("%s: %d", c.url, rec.Code)
		}
		if c.into != nil && json.Unmarshal(rec.Body.Bytes(), c.into) != nil {
			t.Errorf("%s: %s", c.url, rec.Body)
		}
	}
	var shape map[string]any
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/", nil))
	if err := json.Unmarshal(rec.Body.Bytes(), &shape); err != nil {
		t.Fatal(err)
	}
	window := shape["window"].(map[string]any)
	for _, name := range []string{"seconds", "requests", "errors", "error_share", "p50_ms", "p95_ms", "p99_ms", "versions"} {
		if _, ok := window[name]; !ok {
			t.Errorf("window has no %s: %v", name, window)
		}
	}
}

func TestGenerate(t *testing.T) {
	var calls atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := calls.Add(1)
		switch {
		case n <= 2:
			http.NotFound(w, nil) // nothing is deployed yet
		case n%4 == 0:
			w.Header().Set("X-App-Version", "v")
			w.WriteHeader(http.StatusInternalServerError)
		case n%4 == 1:
			w.WriteHeader(http.StatusServiceUnavailable) // the proxy itself
		default:
			w.Header().Set("X-App-Version", "v")
		}
	}))
	defer srv.Close()
	a := NewAccount(time.Now())
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	Generate(ctx, srv.URL, 100, a)
	r := a.Report(time.Now(), time.Minute)
	if r.Total.Requests < 80 || r.Total.Requests > 140 {
		t.Errorf("%d requests in about 1.2 s at 100 a second", r.Total.Requests)
	}
	if none := r.Versions[None]; none.Requests == 0 || none.Errors != none.Requests {
		t.Errorf("none %+v", none)
	}
	if v := r.Versions["v"]; v.ErrorShare < .2 || v.ErrorShare > .45 {
		t.Errorf("v %+v", v)
	}
}
