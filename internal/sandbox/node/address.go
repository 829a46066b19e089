package node

import (
	"errors"
	"sync"

	"github.com/runbackhq/runback/internal/sandbox/slot"
)

var errNoAddress = errors.New("no free pod address")

// addressPool hands out pod addresses. It goes round before it reuses one, so
// that a stale endpoint never points at a new pod at once.
type addressPool struct {
	slot slot.Slot
	mu   sync.Mutex
	next int
	used map[string]bool
}

func newAddressPool(s slot.Slot) *addressPool {
	return &addressPool{slot: s, used: map[string]bool{}}
}

func (p *addressPool) take() (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range slot.PodAddresses {
		ip := p.slot.PodAddress(p.next)
		p.next = (p.next + 1) % slot.PodAddresses
		if !p.used[ip] {
			p.used[ip] = true
			return ip, nil
		}
	}
	return "", errNoAddress
}

func (p *addressPool) give(ip string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.used, ip)
}
