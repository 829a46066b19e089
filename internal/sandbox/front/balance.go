package front

import (
	"sync"
)

// balancer remembers whose turn it is. Shares are kept exactly, not by luck:
// of four requests with weights 3 and 1, one goes to the second backend.
type balancer struct {
	mu     sync.Mutex
	credit map[string][]int  // by rule: smooth weighted round robin
	turn   map[string]uint64 // by service port: which endpoint is next
}

func newBalancer() *balancer {
	return &balancer{credit: map[string][]int{}, turn: map[string]uint64{}}
}

// pickBackend returns the index of the backend whose turn it is; false when all
// weights are zero.
func (b *balancer) pickBackend(u rule) (int, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	credit := b.credit[u.id]
	if len(credit) != len(u.backends) {
		credit = make([]int, len(u.backends))
		b.credit[u.id] = credit
	}
	total, best := 0, -1
	for i, be := range u.backends {
		if be.weight <= 0 {
			continue
		}
		total += be.weight
		credit[i] += be.weight
		if best < 0 || credit[i] > credit[best] {
			best = i
		}
	}
	if best < 0 {
		return 0, false
	}
	credit[best] -= total
	return best, true
}

// order returns the endpoints to try, beginning with the one whose turn it is.
func (b *balancer) order(key string, all []endpoint) []endpoint {
	usable := usableEndpoints(all)
	if len(usable) == 0 {
		return nil
	}
	b.mu.Lock()
	start := int(b.turn[key] % uint64(len(usable)))
	b.turn[key]++
	b.mu.Unlock()
	return append(append([]endpoint(nil), usable[start:]...), usable[:start]...)
}

// forget drops the counters of rules that are gone.
func (b *balancer) forget(keep []rule) {
	b.mu.Lock()
	defer b.mu.Unlock()
	known := map[string]bool{}
	for _, u := range keep {
		known[u.id] = true
	}
	for id := range b.credit {
		if !known[id] {
			delete(b.credit, id)
		}
	}
}

// usableEndpoints are the ready ones, or, when there is none, those that still
// serve while they end: better the old version's last moments than an error.
func usableEndpoints(all []endpoint) []endpoint {
	var ready, leaving []endpoint
	for _, e := range all {
		switch {
		case e.ready && !e.terminating:
			ready = append(ready, e)
		case e.serving && e.terminating:
			leaving = append(leaving, e)
		}
	}
	if len(ready) > 0 {
		return ready
	}
	return leaving
}
