package e2e

import (
	"sync"
	"testing"
)

// tally counts what the crash points came to.
type tally struct {
	sync.Mutex
	died, twice, over, doubt, writes, missed int
}

func (y *tally) add(o crashed) {
	y.Lock()
	defer y.Unlock()
	if !o.died {
		y.missed++ // the number of requests differs from run to run
		return
	}
	y.died++
	y.writes += len(o.writes)
	if o.twice {
		y.twice++
	}
	if o.over {
		y.over++
	}
	if o.code == 4 {
		y.doubt++
	}
}

func (y *tally) report(t *testing.T) {
	t.Helper()
	t.Logf("%d runs died (%d of them twice, %d when they were over), %d points were not met; %d ended in doubt; %d writes in all",
		y.died, y.twice, y.over, y.missed, y.doubt, y.writes)
}
