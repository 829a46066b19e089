package load

import (
	"math"
	"time"
)

// Latencies are counted in classes that grow by a fixed factor: a percentile is
// then exact to about four percent, however many requests there were.
const (
	smallest = 50 * time.Microsecond
	growth   = 1.04
	classes  = 400
)

// tally counts requests and the spread of their latencies.
type tally struct {
	requests, errors int
	spread           [classes]uint32
}

func (t *tally) add(r Result) {
	t.requests++
	if r.Failed {
		t.errors++
	}
	t.spread[class(r.Latency)]++
}

func class(d time.Duration) int {
	if d <= smallest {
		return 0
	}
	n := int(math.Ceil(math.Log(float64(d)/float64(smallest)) / math.Log(growth)))
	return min(n, classes-1)
}

func (t *tally) figures() Figures {
	f := Figures{Requests: t.requests, Errors: t.errors, P50: t.percentile(.50), P95: t.percentile(.95), P99: t.percentile(.99)}
	if t.requests > 0 {
		f.ErrorShare = float64(t.errors) / float64(t.requests)
	}
	return f
}

// percentile is in milliseconds.
func (t *tally) percentile(p float64) float64 {
	if t.requests == 0 {
		return 0
	}
	want := uint32(math.Ceil(p * float64(t.requests)))
	seen := uint32(0)
	for i, n := range t.spread {
		if seen += n; seen >= want {
			ms := float64(smallest) / float64(time.Millisecond) * math.Pow(growth, float64(i))
			return math.Round(ms*1000) / 1000
		}
	}
	return 0
}
