package guard

import (
	"testing"
	"time"
)

// What stops the whole process, be it for hours, is one turn: the expression is
// stopped with it. One that never ends has no more than its time.
func TestAwait(t *testing.T) {
	done, turns := make(chan result, 1), 0
	frozen := func(time.Duration) <-chan time.Time {
		if turns++; turns == 1 {
			over := make(chan time.Time, 1)
			over <- time.Now().Add(8 * time.Hour)
			return over
		}
		done <- result{value: true}
		return nil
	}
	if r, over := await(done, frozen); !over || r.value != true {
		t.Errorf("%v %v", r, over)
	}
	turns = 0
	at := func(d time.Duration) <-chan time.Time {
		turns++
		over := make(chan time.Time, 1)
		over <- time.Time{}.Add(d)
		return over
	}
	if _, over := await(make(chan result), at); over || turns != int(evalTime/evalTurn) {
		t.Errorf("ended %v after %d turns", over, turns)
	}
}
