package lock_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/runbackhq/runback/internal/journal"
	"github.com/runbackhq/runback/internal/lock"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// register is a compare-and-set register in memory.
type register struct {
	mu    sync.Mutex
	rec   lock.Record
	turn  int
	reply error // what the next Take answers although it took place
}

func (r *register) Where() string { return "the lock" }

func (r *register) Read(context.Context) (lock.Record, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rec, nil
}

func (r *register) set(holder *lock.Holder, epoch int64) lock.Record {
	r.turn++
	r.rec.Version, r.rec.Holder, r.rec.Epoch = fmt.Sprint(r.turn), holder, epoch
	return r.rec
}

func (r *register) Take(_ context.Context, was lock.Record, h lock.Holder) (lock.Record, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if was.Version != r.rec.Version {
		return lock.Record{}, lock.ErrMoved
	}
	rec := r.set(&h, was.Epoch+1)
	err := r.reply
	r.reply = nil
	return rec, err
}

func (r *register) Renew(_ context.Context, mine lock.Record) (lock.Record, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rec.Epoch != mine.Epoch {
		return mine, lock.ErrMoved
	}
	return r.set(r.rec.Holder, r.rec.Epoch), nil
}

func (r *register) Free(_ context.Context, mine lock.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rec.Epoch == mine.Epoch {
		r.set(nil, r.rec.Epoch)
	}
	return nil
}

func (r *register) epoch() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rec.Epoch
}

// keeper knows the processes of host "here", of which 1 is dead.
func keeper(said *[]string) lock.Keeper {
	return lock.Keeper{
		Alive: func(p journal.Process) (bool, bool) { return p.Host == "here" && p.PID != 1, p.Host == "here" },
		Wait: func(ctx context.Context, d time.Duration) error {
			select {
			case <-time.After(d):
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		},
		Now: time.Now,
		Say: func(line string) { *said = append(*said, line) },
	}
}

func holder(run, host string, pid int) lock.Holder {
	return lock.Holder{Run: run, Playbook: "canary", User: "ada", Process: journal.Process{Host: host, PID: pid}}
}

func TestWhoMayBeFollowed(t *testing.T) {
	theirs := holder("r-theirs", "here", 1)
	for name, tc := range map[string]struct {
		rec     lock.Record
		renewed bool // from elsewhere, all the time
		took    time.Duration
		err     string
	}{
		"nobody ever":                        {lock.Record{}, false, 0, ""},
		"released":                           {lock.Record{Epoch: 4, Version: "x"}, false, 0, ""},
		"a dead process of this machine":     {lock.Record{Epoch: 4, Version: "x", Holder: &theirs, Expires: time.Hour}, false, 0, ""},
		"a living process of this machine":   {lock.Record{Epoch: 4, Version: "x", Holder: new(holder("r-theirs", "here", 2)), Expires: time.Second}, false, 0, "r-theirs"},
		"a silent process elsewhere":         {lock.Record{Epoch: 4, Version: "x", Holder: new(holder("r-theirs", "there", 1)), Expires: 15 * time.Second}, false, 15 * time.Second, ""},
		"a living process elsewhere":         {lock.Record{Epoch: 4, Version: "x", Holder: new(holder("r-theirs", "there", 1)), Expires: 15 * time.Second}, true, 5 * time.Second, "renewed a moment ago"},
		"elsewhere, in a register of no age": {lock.Record{Epoch: 4, Version: "x", Holder: new(holder("r-theirs", "there", 1))}, false, 0, "cannot be seen"},
		"poison":                             {lock.Record{Epoch: 4, Version: "x", Poison: "no annotation"}, false, 0, "cannot be understood: no annotation"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, said := &register{rec: tc.rec}, []string{}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tc.renewed {
					go func() {
						for keeper(&said).Wait(ctx, 5*time.Second) == nil {
							r.mu.Lock()
							r.set(r.rec.Holder, r.rec.Epoch)
							r.mu.Unlock()
						}
					}()
				}
				began := time.Now()
				_, h, err := keeper(&said).Take(ctx, holder("r-me", "here", 9), r)
				if took := time.Since(began); took < tc.took || took > tc.took+2*time.Second {
					t.Errorf("took %s, want about %s", took, tc.took)
				}
				if tc.err != "" {
					if err == nil || !strings.Contains(err.Error(), tc.err) || r.epoch() != tc.rec.Epoch {
						t.Errorf("error %v, epoch %d; want %q and nothing written", err, r.epoch(), tc.err)
					}
					return
				}
				if err != nil || h.Epoch(0) != tc.rec.Epoch+1 {
					t.Fatalf("%v", err)
				}
				if err := h.Release(ctx); err != nil || r.rec.Holder != nil || r.rec.Epoch != tc.rec.Epoch+1 {
					t.Errorf("released: %+v, %v", r.rec, err)
				}
			})
		})
	}
}

func TestOneOfManyWins(t *testing.T) {
	for range 200 {
		r, won, lost := &register{}, 0, 0
		var mu sync.Mutex
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				said := []string{}
				_, h, err := keeper(&said).Take(context.Background(), holder(fmt.Sprint("r-", i), "here", 10+i), r)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil && h != nil:
					won++
				default:
					if _, held := errors.AsType[*lock.HeldError](err); held {
						lost++
					}
				}
			})
		}
		if wg.Wait(); won != 1 || lost != 3 {
			t.Fatalf("%d won, %d lost", won, lost)
		}
	}
}

// A reply that was lost must not make us fight ourselves.
func TestLostReplyToTake(t *testing.T) {
	said := []string{}
	r, k, me := &register{reply: errors.New("connection reset")}, keeper(&said), holder("r-me", "here", 9)
	if _, _, err := k.Take(t.Context(), me, r); err == nil {
		t.Fatal("the error was hidden")
	}
	r.mu.Lock()
	r.set(&me, 1) // it landed after all
	r.mu.Unlock()
	if _, h, err := k.Take(t.Context(), me, r); err != nil || h.Epoch(0) != 1 {
		t.Errorf("our own lock: %v", err)
	}
}

func TestLossEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		said := []string{}
		r := &register{rec: lock.Record{Expires: 15 * time.Second}}
		ctx, h, err := keeper(&said).Take(t.Context(), holder("r-me", "here", 9), r)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Check(ctx); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute) // it is renewed meanwhile
		r.mu.Lock()
		if ctx.Err() != nil || r.turn < 12 {
			t.Errorf("%d writes, %v", r.turn, context.Cause(ctx))
		}
		r.set(new(holder("r-theirs", "there", 1)), 7)
		r.mu.Unlock()
		time.Sleep(6 * time.Second)
		if _, lost := errors.AsType[*lock.LostError](context.Cause(ctx)); !lost {
			t.Errorf("the context ended with %v", context.Cause(ctx))
		}
		if err := h.Check(t.Context()); err == nil {
			t.Error("a lost lock was proved")
		}
		if err := h.Release(t.Context()); err != nil || r.rec.Holder.Run != "r-theirs" {
			t.Errorf("somebody else's lock was released: %v", err)
		}
	})
}

// When a later register is refused the earlier ones are let go.
func TestAllOrNothing(t *testing.T) {
	said := []string{}
	first, second := &register{}, &register{rec: lock.Record{Version: "x", Epoch: 1, Poison: "garbage"}}
	if _, _, err := keeper(&said).Take(t.Context(), holder("r-me", "here", 9), first, second); err == nil {
		t.Fatal("a poisoned lock was taken")
	}
	if first.rec.Holder != nil || first.rec.Epoch != 1 {
		t.Errorf("%+v", first.rec)
	}
}
