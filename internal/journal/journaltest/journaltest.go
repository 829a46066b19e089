// Package journaltest holds what every journal.Store owes: one suite that each
// implementation runs.
package journaltest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/runbackhq/runback/internal/journal"
)

// Exercise runs the suite. open gives a new handle to the same store each time
// it is called; what one handle wrote the others see, also after it is closed.
// The store is empty when a subtest begins, because each gets its own run ids.
func Exercise(t *testing.T, open func(t *testing.T) journal.Store) {
	for name, check := range map[string]func(*testing.T, func(*testing.T) journal.Store){
		"gives back what was written":             givesBack,
		"keeps runs apart":                        keepsApart,
		"knows no run that was not written":       knowsNoRun,
		"fences the second writer of a number":    fences,
		"lets exactly one of many writers win":    oneWins,
		"lists the newest run first":              newestFirst,
		"is readable while another handle writes": readableMeanwhile,
		"survives being closed":                   survives,
		"ends with its context":                   endsWithContext,
		"counts the epochs of a target":           countsEpochs,
		"lets exactly one claim a target":         oneClaims,
		"writes only under the newest claim":      newestClaimWrites,
		"keeps the notes of a run in order":       keepsNotes,
	} {
		t.Run(name, func(t *testing.T) { check(t, open) })
	}
}

// Chain makes a valid journal of n events.
func Chain(run string, n int) []journal.Event {
	var out []journal.Event
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	prev := ""
	for i := range n {
		e := journal.Event{Run: run, Seq: i + 1, Time: at.Add(time.Duration(i) * 1234567 * time.Microsecond), Type: journal.StepStart,
			Path: fmt.Sprintf("block/step_%d", i), Data: []byte(fmt.Sprintf(`{"text":"it's \"%d\" – 日本\u0000","n":%d}`, i, i)), Prev: prev}
		e.Hash = e.Digest()
		out, prev = append(out, e), e.Hash
	}
	return out
}

// Claim takes the right to write to a run, over from whoever has it.
func Claim(t *testing.T, s journal.Store, run string) journal.Claim {
	t.Helper()
	was, err := s.Holding(t.Context(), "target of "+run)
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Claim(t.Context(), was, run, journal.Process{Host: "h", PID: 1})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func write(t *testing.T, s journal.Store, events []journal.Event) {
	t.Helper()
	for _, e := range events {
		if err := s.Append(t.Context(), e, Claim(t, s, e.Run)); err != nil {
			t.Fatalf("event %d: %v", e.Seq, err)
		}
	}
}

func holds(t *testing.T, s journal.Store, want []journal.Event) {
	t.Helper()
	got, err := s.Events(t.Context(), want[0].Run)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("other events than were written (-want +got):\n%s", diff)
	}
	if err := journal.Verify(got); err != nil {
		t.Error(err)
	}
}

func givesBack(t *testing.T, open func(*testing.T) journal.Store) {
	s, want := open(t), Chain("back", 12)
	write(t, s, want)
	holds(t, s, want)
}

func keepsApart(t *testing.T, open func(*testing.T) journal.Store) {
	s := open(t)
	one, two := Chain("apart-1", 3), Chain("apart-2", 4)
	for i := range two {
		write(t, s, two[i:i+1])
		if i < len(one) {
			write(t, s, one[i:i+1])
		}
	}
	holds(t, s, one)
	holds(t, s, two)
}

func knowsNoRun(t *testing.T, open func(*testing.T) journal.Store) {
	for _, run := range []string{"never", "", "' OR 1=1 --"} {
		if events, err := open(t).Events(t.Context(), run); !errors.Is(err, journal.ErrNoRun) || events != nil {
			t.Errorf("%q: %d events, %v", run, len(events), err)
		}
	}
}

func fences(t *testing.T, open func(*testing.T) journal.Store) {
	first, second, events := open(t), open(t), Chain("fence", 3)
	write(t, first, events[:2])
	write(t, second, events[2:])
	mine, mineToo := events[2], Claim(t, first, "fence")
	mine.Path, mine.Hash = "mine", ""
	mine.Hash = mine.Digest()
	if err := first.Append(t.Context(), mine, mineToo); !errors.Is(err, journal.ErrOvertaken) {
		t.Errorf("the second event 3: %v", err)
	}
	if err := first.Append(t.Context(), events[2], mineToo); !errors.Is(err, journal.ErrOvertaken) {
		t.Errorf("the same event again: %v", err)
	}
	holds(t, first, events)
}

func oneWins(t *testing.T, open func(*testing.T) journal.Store) {
	const writers, rounds = 6, 10
	won := make([][writers]error, rounds)
	claim := Claim(t, open(t), "race")
	var wg sync.WaitGroup
	for w := range writers {
		s := open(t)
		wg.Go(func() {
			for seq := range rounds {
				e := journal.Event{Run: "race", Seq: seq + 1, Time: time.Unix(0, 0).UTC(), Path: fmt.Sprint(w), Data: []byte("{}")}
				won[seq][w] = s.Append(context.WithoutCancel(t.Context()), e, claim)
			}
		})
	}
	wg.Wait()
	events, err := open(t).Events(t.Context(), "race")
	if err != nil || len(events) != rounds {
		t.Fatalf("%d events, %v", len(events), err)
	}
	for seq, errs := range won {
		for w, err := range errs {
			mine := events[seq].Path == fmt.Sprint(w)
			if mine && err != nil || !mine && !errors.Is(err, journal.ErrOvertaken) {
				t.Errorf("event %d of writer %d, stored %v: %v", seq+1, w, mine, err)
			}
		}
	}
}

func newestFirst(t *testing.T, open func(*testing.T) journal.Store) {
	s := open(t)
	at := time.Date(2030, 1, 1, 10, 0, 0, 0, time.UTC)
	// Within one second too, and whatever the zone of the machine.
	starts := map[string]time.Time{
		"n-9": at, "n-3": at.Add(100 * time.Millisecond), "n-7": at.Add(120 * time.Millisecond), "n-1": at.Add(time.Second),
		"n-4": at.Add(2 * time.Second).In(time.FixedZone("east", 3600)), "n-5": at.Add(2 * time.Second),
	}
	for run, start := range starts {
		write(t, s, []journal.Event{
			{Run: run, Seq: 1, Time: start, Type: journal.RunStarted, Data: []byte("{}")},
			{Run: run, Seq: 2, Time: start, Type: journal.RunEnded, Data: []byte("{}")},
		})
	}
	spans, err := s.Runs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, sp := range spans {
		if _, mine := starts[sp.First.Run]; mine {
			order = append(order, sp.First.Run)
			if sp.First.Seq != 1 || sp.Last.Seq != 2 || sp.Last.Run != sp.First.Run {
				t.Errorf("run %s spans %d of %s to %d of %s", sp.First.Run, sp.First.Seq, sp.First.Run, sp.Last.Seq, sp.Last.Run)
			}
		}
	}
	if diff := cmp.Diff([]string{"n-5", "n-4", "n-1", "n-7", "n-3", "n-9"}, order); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func readableMeanwhile(t *testing.T, open func(*testing.T) journal.Store) {
	writer, reader, events := open(t), open(t), Chain("meanwhile", 60)
	write(t, writer, events[:1])
	claim := Claim(t, writer, "meanwhile")
	var wg sync.WaitGroup
	wg.Go(func() {
		for _, e := range events[1:] {
			if err := writer.Append(context.WithoutCancel(t.Context()), e, claim); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for seen := 0; seen < len(events) && !t.Failed(); {
		got, err := reader.Events(t.Context(), "meanwhile")
		if err != nil || len(got) < seen {
			t.Fatalf("%d events after %d, %v", len(got), seen, err)
		}
		if err := journal.Verify(got); err != nil {
			t.Fatal(err)
		}
		seen = len(got)
	}
	wg.Wait()
}

func survives(t *testing.T, open func(*testing.T) journal.Store) {
	s, events := open(t), Chain("survives", 4)
	write(t, s, events[:3])
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t)
	holds(t, again, events[:3])
	write(t, again, events[3:])
	holds(t, again, events)
}

func endsWithContext(t *testing.T, open func(*testing.T) journal.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := open(t)
	claim := Claim(t, s, "context")
	if err := s.Append(ctx, Chain("context", 1)[0], claim); err == nil {
		t.Error("an append after the end of its context succeeded")
	}
	if _, err := s.Runs(ctx); err == nil {
		t.Error("a question after the end of its context was answered")
	}
}
