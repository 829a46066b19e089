// Package load sends a steady stream of requests, as customers would, and keeps
// account of what came back.
package load

import (
	"sync"
	"time"
)

const (
	// Bucket is the resolution of the series.
	Bucket = 500 * time.Millisecond
	// keep is how far back the account remembers single requests.
	keep = 30 * time.Minute
	// None is the version of an answer that no application gave.
	None = "none"
)

// Result is one request and what came of it.
type Result struct {
	At      time.Time // when it was answered
	Latency time.Duration
	Version string
	Failed  bool
}

// Account adds results up: for all time, for each version, and for recent windows.
type Account struct {
	mu      sync.Mutex
	since   time.Time
	total   tally
	version map[string]*tally
	recent  []Result // in the order of At, not older than keep
	series  []Point
}

// Figures are what a stretch of traffic looked like.
type Figures struct {
	Requests   int     `json:"requests"`
	Errors     int     `json:"errors"`
	ErrorShare float64 `json:"error_share"`
	P50        float64 `json:"p50_ms"`
	P95        float64 `json:"p95_ms"`
	P99        float64 `json:"p99_ms"`
}

// Window is a recent stretch of traffic.
type Window struct {
	Seconds float64 `json:"seconds"`
	Figures
	Versions map[string]Figures `json:"versions"`
}

// Report is everything since the start, and one window.
type Report struct {
	Since    time.Time          `json:"since"`
	Total    Figures            `json:"total"`
	Versions map[string]Figures `json:"versions"`
	Window   Window             `json:"window"`
}

// Count is a number of requests and how many of them failed.
type Count struct {
	Requests int `json:"requests"`
	Errors   int `json:"errors"`
}

// Point is one bucket of the series.
type Point struct {
	T time.Time `json:"t"`
	Count
	Versions map[string]Count `json:"versions"`
}

// Begin moves the beginning of an account that has no results yet.
func (a *Account) Begin(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.since = now
}

// NewAccount starts an account at a moment.
func NewAccount(now time.Time) *Account {
	return &Account{since: now, version: map[string]*tally{}}
}

// Add records a result.
func (a *Account) Add(r Result) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.total.add(r)
	v := a.version[r.Version]
	if v == nil {
		v = &tally{}
		a.version[r.Version] = v
	}
	v.add(r)
	a.recent = append(a.recent, r)
	a.addToSeries(r)
	a.trim(r.At)
}

func (a *Account) addToSeries(r Result) {
	n := int(r.At.Sub(a.since) / Bucket)
	at := a.since.Add(time.Duration(n) * Bucket)
	// every bucket exists, also one in which nothing was answered
	for len(a.series) == 0 || a.series[len(a.series)-1].T.Before(at) {
		next := at
		if last := len(a.series) - 1; last >= 0 {
			next = a.series[last].T.Add(Bucket)
		}
		a.series = append(a.series, Point{T: next, Versions: map[string]Count{}})
	}
	p := &a.series[len(a.series)-1]
	p.Count = p.plus(r)
	p.Versions[r.Version] = p.Versions[r.Version].plus(r)
}

func (c Count) plus(r Result) Count {
	c.Requests++
	if r.Failed {
		c.Errors++
	}
	return c
}

// trim forgets what is too old, now and then rather than every time.
func (a *Account) trim(now time.Time) {
	const slack = 1024
	limit := now.Add(-keep)
	if len(a.recent) > slack && a.recent[slack].At.Before(limit) {
		a.recent = append([]Result(nil), a.recent[slack:]...)
	}
	if most := int(keep / Bucket); len(a.series) > most+slack {
		a.series = append([]Point(nil), a.series[len(a.series)-most:]...)
	}
}

// Report sums up; the window ends now.
func (a *Account) Report(now time.Time, window time.Duration) Report {
	a.mu.Lock()
	defer a.mu.Unlock()
	r := Report{Since: a.since, Total: a.total.figures(), Versions: map[string]Figures{}, Window: a.window(now, window)}
	for name, t := range a.version {
		r.Versions[name] = t.figures()
	}
	return r
}

func (a *Account) window(now time.Time, length time.Duration) Window {
	var all tally
	versions := map[string]*tally{}
	from := now.Add(-length)
	for i := len(a.recent) - 1; i >= 0 && a.recent[i].At.After(from); i-- {
		r := a.recent[i]
		all.add(r)
		if versions[r.Version] == nil {
			versions[r.Version] = &tally{}
		}
		versions[r.Version].add(r)
	}
	w := Window{Seconds: length.Seconds(), Figures: all.figures(), Versions: map[string]Figures{}}
	for name, t := range versions {
		w.Versions[name] = t.figures()
	}
	return w
}

// Series returns the buckets of the last half hour.
func (a *Account) Series() []Point {
	a.mu.Lock()
	defer a.mu.Unlock()
	from := max(0, len(a.series)-int(keep/Bucket))
	out := make([]Point, 0, len(a.series)-from)
	for _, p := range a.series[from:] {
		versions := make(map[string]Count, len(p.Versions))
		for k, v := range p.Versions {
			versions[k] = v
		}
		p.Versions = versions
		out = append(out, p)
	}
	return out
}
