package pod

import (
	"strings"
	"sync"
)

// kept keeps the end of an output: it says how it came out. client-go goes on to
// write for a moment after it returned because of its context.
type kept struct {
	most int

	mu    sync.Mutex
	buf   []byte
	cut   bool
	taken bool
}

// Write implements io.Writer. What comes after it was taken is nobody's.
func (k *kept) Write(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.taken {
		return len(p), nil
	}
	k.buf = append(k.buf, p...)
	if over := len(k.buf) - 2*k.most; over > 0 {
		k.buf, k.cut = append(k.buf[:0], k.buf[len(k.buf)-k.most:]...), true
	}
	return len(p), nil
}

// take gives what was kept, and whether there was more.
func (k *kept) take() (text string, cut bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	b := k.buf
	if over := len(b) - k.most; over > 0 {
		b, k.cut = b[over:], true
	}
	k.buf, k.taken = nil, true
	return strings.ToValidUTF8(string(b), "\ufffd"), k.cut
}
