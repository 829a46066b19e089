package executor

import (
	"sync"
	"time"
)

// forward gives a clock that never tells a time before t, nor before one that
// it told already. A clock that is set back, while an executor lives or between
// two of them, then neither gives a run time that it has spent nor takes time
// from a step that begins afterwards. It goes on from where it was.
func (c Clock) forward(t time.Time) Clock {
	var mu sync.Mutex
	now, latest, ahead := c.Now, t, time.Duration(0)
	c.Now = func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		told := now().Round(0).Add(ahead) // of the wall clock: deadlines are journaled
		if back := latest.Sub(told); back > 0 {
			ahead, told = ahead+back, latest
		}
		latest = told
		return told
	}
	return c
}
