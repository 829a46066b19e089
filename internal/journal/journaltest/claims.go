package journaltest

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/runbackhq/runback/internal/journal"
)

func countsEpochs(t *testing.T, open func(*testing.T) journal.Store) {
	s, by := open(t), journal.Process{Host: "h", PID: 7, Start: "s", Boot: "b"}
	was := journal.Holding{Target: "epochs"}
	expect := func(want journal.Holding) {
		t.Helper()
		got, err := open(t).Holding(t.Context(), "epochs")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		was = got
	}
	expect(was)
	first, err := s.Claim(t.Context(), was, "one", by)
	if err != nil || first != (journal.Claim{Target: "epochs", Run: "one", Epoch: 1}) {
		t.Fatalf("%+v, %v", first, err)
	}
	expect(journal.Holding{Target: "epochs", Epoch: 1, Run: "one", By: by, Held: true})
	second, err := s.Claim(t.Context(), was, "two", by)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Release(t.Context(), first); err != nil {
		t.Error(err)
	}
	expect(journal.Holding{Target: "epochs", Epoch: 2, Run: "two", By: by, Held: true}) // an old claim releases nothing
	if err := s.Release(t.Context(), second); err != nil {
		t.Error(err)
	}
	expect(journal.Holding{Target: "epochs", Epoch: 2, Run: "two", By: by})
	if third, err := s.Claim(t.Context(), was, "three", by); err != nil || third.Epoch != 3 {
		t.Errorf("%+v, %v", third, err)
	}
}

func oneClaims(t *testing.T, open func(*testing.T) journal.Store) {
	for range 20 {
		was, err := open(t).Holding(t.Context(), "contested")
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var wg sync.WaitGroup
		won := 0
		for range 5 {
			s := open(t)
			wg.Go(func() {
				_, err := s.Claim(context.WithoutCancel(t.Context()), was, "r", journal.Process{PID: 1})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won++
				} else if !errors.Is(err, journal.ErrOvertaken) {
					t.Error(err)
				}
			})
		}
		if wg.Wait(); won != 1 {
			t.Fatalf("%d won", won)
		}
	}
}

func newestClaimWrites(t *testing.T, open func(*testing.T) journal.Store) {
	s, events := open(t), Chain("claims", 4)
	old := Claim(t, s, "claims")
	if err := s.Append(t.Context(), events[0], old); err != nil {
		t.Fatal(err)
	}
	newer := Claim(t, open(t), "claims")
	other := newer
	other.Run = "another"
	for name, c := range map[string]journal.Claim{"an old claim": old, "no claim": {}, "a claim for another run": Claim(t, s, "another")} {
		if err := s.Append(t.Context(), events[1], c); !errors.Is(err, journal.ErrOvertaken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.Append(t.Context(), events[1], newer); err != nil {
		t.Error(err)
	}
	if err := s.Release(t.Context(), newer); err != nil {
		t.Error(err)
	}
	if err := s.Append(t.Context(), events[2], newer); !errors.Is(err, journal.ErrOvertaken) {
		t.Errorf("a claim that was released: %v", err)
	}
	holds(t, open(t), events[:2])
}
