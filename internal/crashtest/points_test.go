package crashtest

import (
	"context"
	"encoding/json"
	"os"
	"sync/atomic"
	"syscall"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/journal"
	"github.com/runbackhq/runback/internal/lock"
)

// points are the named places at which an executor may be killed. They lie
// around what it calls, so that nothing in the product knows of them.
type points struct {
	n        atomic.Int64
	kill     int64
	killName string
	pause    int64
	list     bool
	say      func(line)
	waiting  func()      // waits for the test
	at       func(int64) // called at each point
}

// hit passes a point, or dies there as by kill -9.
func (p *points) hit(name string) {
	n := p.n.Add(1)
	if p.list || n == p.kill || n == p.pause {
		p.say(line{Point: name})
	}
	if p.at != nil {
		p.at(n)
	}
	switch {
	case n == p.kill, name == p.killName:
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // the signal is on its way
	case n == p.pause:
		p.waiting()
	}
}

func around[T any](p *points, name string, do func() (T, error)) (T, error) {
	p.hit("before " + name)
	v, err := do()
	p.hit("after " + name)
	return v, err
}

// watched puts points around everything that an action is asked.
func (f family) watched(a actions.Action) actions.Action {
	in := a
	a.Prepare = func(ctx context.Context, c *actions.Call, v any) (json.RawMessage, error) {
		f.hit("before prepare")
		defer f.hit("after prepare")
		return in.Prepare(ctx, c, v)
	}
	a.Run = func(ctx context.Context, c *actions.Call, v any, st json.RawMessage) (actions.Outputs, error) {
		if in.Spec.Effect != actions.Observe {
			f.begins()
		}
		f.hit("before run")
		defer f.hit("after run")
		return in.Run(ctx, c, v, st)
	}
	if in.Probe != nil {
		a.Probe = func(ctx context.Context, c *actions.Call, v any, st json.RawMessage) (actions.Verdict, actions.Outputs, error) {
			f.hit("before probe")
			defer f.hit("after probe")
			return in.Probe(ctx, c, v, st)
		}
	}
	return a
}

// watchedStore puts points around the store, and tells of every event that was
// acknowledged, at once.
type watchedStore struct {
	journal.Store
	p *points
}

func (s watchedStore) Append(ctx context.Context, e journal.Event, c journal.Claim) error {
	s.p.hit("before append")
	err := s.Store.Append(ctx, e, c)
	if err == nil {
		s.p.say(line{Ack: recordOf(e), Soon: e.Soon})
	}
	s.p.hit("append written")
	return err
}

func (s watchedStore) Claim(ctx context.Context, was journal.Holding, run string, by journal.Process) (journal.Claim, error) {
	return around(s.p, "claim", func() (journal.Claim, error) { return s.Store.Claim(ctx, was, run, by) })
}

func (s watchedStore) Release(ctx context.Context, c journal.Claim) error {
	_, err := around(s.p, "release", func() (any, error) { return nil, s.Store.Release(ctx, c) })
	return err
}

// watchedLock puts points around the lock of the target.
type watchedLock struct {
	lock.Register
	p *points
}

func (g watchedLock) Take(ctx context.Context, was lock.Record, h lock.Holder) (lock.Record, error) {
	return around(g.p, "lock", func() (lock.Record, error) { return g.Register.Take(ctx, was, h) })
}

func (g watchedLock) Renew(ctx context.Context, mine lock.Record) (lock.Record, error) {
	return around(g.p, "renew", func() (lock.Record, error) { return g.Register.Renew(ctx, mine) })
}

func (g watchedLock) Free(ctx context.Context, mine lock.Record) error {
	_, err := around(g.p, "unlock", func() (any, error) { return nil, g.Register.Free(ctx, mine) })
	return err
}
