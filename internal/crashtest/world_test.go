package crashtest

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
	"github.com/runbackhq/runback/internal/lock"
	"github.com/runbackhq/runback/internal/process"
)

// world is executor.World and all that the tiny executor is given.
type world struct {
	job
	p      *points
	client *client
	store  journal.Store
	jumped atomic.Int64 // of the clock
}

func newWorld(j job) *world {
	w := &world{job: j, client: &client{j.Ledger, &http.Client{}}}
	w.jumped.Store(int64(j.Offset))
	w.p = &points{kill: j.Kill, killName: j.KillName, pause: j.Pause, list: j.List, say: say, waiting: func() {
		_ = w.client.post(context.Background(), "/pause", nil, new(any)) // its answer says go on
	}, at: func(n int64) {
		if n == j.JumpAt {
			w.jumped.Add(int64(j.Jump))
		}
	}}
	return w
}

func (w *world) identity() journal.Identity { return journal.Identity{"cluster": "ledger"} }

func (w *world) Identify(context.Context, actions.Target) (journal.Identity, error) {
	return w.identity(), nil
}

func (w *world) Locks(context.Context, actions.Target) ([]lock.Register, error) {
	return []lock.Register{watchedLock{register{w.client}, w.p}}, nil
}

func (w *world) alive(p journal.Process) (alive, known bool) {
	if w.Blind {
		return false, true
	}
	return process.Alive(p)
}

func (w *world) Event(journal.Event) { w.p.hit("after append") }

func (w *world) Say(path, text string) {
	if w.List {
		say(line{Said: path + ": " + text})
	}
}

// shortest is how long a pause that was made for real systems takes here.
const shortest = 3 * time.Millisecond

// clock is the clock of the machine, moved by the job, as a machine without a
// monotonic clock would see it. Pauses that are made for real systems are cut;
// those between two renewals of a lock are not, so that the points of a run are
// the same each time.
func (w *world) clock() executor.Clock {
	c := executor.SystemClock()
	return executor.Clock{
		Now: func() time.Time { return time.Now().Round(0).Add(time.Duration(w.jumped.Load())) },
		Wait: func(ctx context.Context, d time.Duration) error {
			if d >= 500*time.Millisecond && d <= 5*time.Second {
				d = shortest
			}
			return c.Wait(ctx, d)
		},
	}
}
