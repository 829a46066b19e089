package journal_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/runbackhq/runback/internal/journal"
	"github.com/runbackhq/runback/internal/journal/journaltest"
)

func TestUntouchedChainIsProven(t *testing.T) {
	for n := range 5 {
		if err := journal.Verify(journaltest.Chain("run", n)); err != nil {
			t.Errorf("%d events: %v", n, err)
		}
	}
}

// Whatever single thing is done to an event, the first that is not as it was
// written is named.
func TestAnyChangeOfAnEventIsSeen(t *testing.T) {
	events := journaltest.Chain("run", 5)
	flip := func(s string, i, bit int) string {
		b := []byte(s)
		b[i] ^= 1 << bit
		return string(b)
	}
	seen := func(what string, at int, e journal.Event) {
		t.Helper()
		changed := slices.Clone(events)
		changed[at] = e
		err := journal.Verify(changed)
		damaged, ok := errors.AsType[*journal.DamagedError](err)
		if !ok {
			t.Fatalf("%s of event %d: %v", what, at+1, err)
		}
		if damaged.Run != "run" && what != "run" || damaged.Seq < 1 || damaged.Seq > at+2 || at > 0 && damaged.Seq < at+1 && what != "run" {
			t.Errorf("%s of event %d: %v", what, at+1, err)
		}
	}
	for at, e := range events {
		fields := map[string]*string{"run": &e.Run, "path": &e.Path, "prev": &e.Prev, "hash": &e.Hash}
		for name, field := range fields {
			was := *field
			for i := range len(was) {
				*field = flip(was, i, i%7)
				seen(name, at, e)
			}
			*field = was + "x"
			seen(name, at, e)
			*field = was
			if was != "" {
				*field = ""
				seen(name, at, e)
				*field = was
			}
		}
		for i := range len(e.Data) {
			for bit := range 8 {
				c := e
				c.Data = []byte(flip(string(e.Data), i, bit))
				seen("data", at, c)
			}
		}
		for name, change := range map[string]func(*journal.Event){
			"data, one byte less": func(e *journal.Event) { e.Data = e.Data[:len(e.Data)-1] },
			"no data":             func(e *journal.Event) { e.Data = nil },
			"type":                func(e *journal.Event) { e.Type = journal.StepDone },
			"time":                func(e *journal.Event) { e.Time = e.Time.Add(time.Nanosecond) },
			"no time":             func(e *journal.Event) { e.Time = time.Time{} },
			"number":              func(e *journal.Event) { e.Seq++ },
			"number, negative":    func(e *journal.Event) { e.Seq = -e.Seq },
			"path and type":       func(e *journal.Event) { e.Path, e.Type = string(e.Type), journal.Type(e.Path) },
		} {
			c := e
			change(&c)
			seen(name, at, c)
		}
	}
}

func TestAnyChangeOfTheOrderIsSeen(t *testing.T) {
	events, other := journaltest.Chain("run", 5), journaltest.Chain("other", 5)
	broken := map[string][]journal.Event{"all of another run behind it": slices.Concat(events, other)}
	for i := range events {
		if i < len(events)-1 {
			// Of the last events alone nothing shows that they are missing.
			broken[fmt.Sprint("without event ", i+1)] = slices.Delete(slices.Clone(events), i, i+1)
		}
		broken[fmt.Sprint("event twice ", i+1)] = slices.Insert(slices.Clone(events), i, events[i])
		broken[fmt.Sprint("event of another run ", i+1)] = slices.Replace(slices.Clone(events), i, i+1, other[i])
		for j := range i {
			swapped := slices.Clone(events)
			swapped[i], swapped[j] = swapped[j], swapped[i]
			broken[fmt.Sprint("swapped ", i+1, j+1)] = swapped
			renumbered := slices.Clone(swapped)
			renumbered[i].Seq, renumbered[j].Seq = i+1, j+1
			broken[fmt.Sprint("swapped and renumbered ", i+1, j+1)] = renumbered
		}
	}
	// An event that says of itself that it belongs to another run, chained well.
	foreign := slices.Clone(events[:2])
	foreign[1].Run = "other"
	foreign[1].Hash = foreign[1].Digest()
	broken["a link of another run"] = foreign
	for i := range len(events) - 1 {
		// Rewritten together with its own hash: the next one shows it.
		rewritten := slices.Clone(events)
		rewritten[i].Path = "elsewhere"
		rewritten[i].Hash = rewritten[i].Digest()
		broken[fmt.Sprint("rewritten with its hash ", i+1)] = rewritten
	}
	for name, chain := range broken {
		if journal.Verify(chain) == nil {
			t.Errorf("%s: not seen", name)
		}
	}
}

// Two events that differ only in where one field ends have different hashes.
func TestFieldsDoNotRunTogether(t *testing.T) {
	a := journal.Event{Run: "ab", Path: "c"}
	b := journal.Event{Run: "a", Path: "bc"}
	c := journal.Event{Type: "x", Path: "yz"}
	d := journal.Event{Type: "xy", Path: "z"}
	if a.Digest() == b.Digest() || c.Digest() == d.Digest() {
		t.Error("different events have one hash")
	}
}

// failing is a store whose third append fails.
type failing struct {
	journal.Store
	appended []journal.Event
}

var errDisk = errors.New("disk is full")

func (f *failing) Append(ctx context.Context, e journal.Event, _ journal.Claim) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if len(f.appended) == 2 {
		return errDisk
	}
	f.appended = append(f.appended, e)
	return nil
}

func TestWriterStopsAtTheFirstEventThatMayBeLost(t *testing.T) {
	store, told := &failing{}, 0
	w := journal.NewWriter(store, journal.Claim{}, time.Now, journal.Event{Run: "run"}, func(journal.Event) { told++ })
	for range 2 {
		if err := w.Append(t.Context(), journal.StepStart, "a", journal.Began{}); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		err := w.Append(t.Context(), journal.StepDone, "a", journal.Done{})
		nd, ok := errors.AsType[*journal.NotDurableError](err)
		if !ok || !errors.Is(err, errDisk) || nd.Event.Seq != 3 || !strings.Contains(err.Error(), "event 3 of run run (step.done)") {
			t.Fatalf("%v", err)
		}
		store.appended = store.appended[:1] // the disk has room again: it is still not asked
	}
	if told != 2 || len(store.appended) != 1 {
		t.Errorf("told of %d events, %d appended", told, len(store.appended))
	}
}

func TestWriterChainsAndOutlivesItsContext(t *testing.T) {
	store := &failing{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := journal.NewWriter(store, journal.Claim{}, time.Now, journal.Event{Run: "run"}, func(journal.Event) {})
	for range 2 {
		if err := w.Append(ctx, journal.StepStart, "a", journal.Began{}); err != nil {
			t.Fatalf("what happened is not recorded: %v", err)
		}
	}
	if err := journal.Verify(store.appended); err != nil {
		t.Error(err)
	}
}

func TestWriterRefusesDataThatCannotBeWritten(t *testing.T) {
	store := &failing{}
	w := journal.NewWriter(store, journal.Claim{}, time.Now, journal.Event{Run: "run"}, func(journal.Event) {})
	if err := w.Append(t.Context(), journal.StepStart, "a", func() {}); err == nil || len(store.appended) != 0 {
		t.Errorf("%v", err)
	}
	if err := w.Append(t.Context(), journal.StepStart, "a", journal.Began{}); err != nil {
		t.Errorf("nothing was lost, but the journal is closed: %v", err)
	}
}
