package crashtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/runbackhq/runback/internal/journal"
	"github.com/runbackhq/runback/internal/journal/sqlite"
)

// journals gives the journals of some undisturbed runs.
func (h *harness) journals(names ...string) map[string][]journal.Event {
	out := map[string][]journal.Event{}
	for _, name := range names {
		c := h.cell(playbookNamed(name), nil, "undisturbed")
		c.finish()
		events, err := readStore(c, c.stateDir())
		if err != nil || len(events) < 10 {
			h.t.Fatalf("%s: %d events, %v", name, len(events), err)
		}
		out[name] = events
		c.close()
	}
	return out
}

// detected says whether the chain shows that the journal is not what was written.
func detected(events []journal.Event) bool {
	_, err := journal.Fold(events)
	return journal.Verify(events) != nil && err != nil
}

// Every single event that is flipped, removed, added or moved is found by the
// chain. Its last events missing is what no chain can show.
func TestEveryChangedEventIsFound(t *testing.T) {
	h := newHarness(t, "changed events")
	for name, events := range h.journals([]string{"straight", "doubt", "blocks", "retry"}[:rounds(4, 2)]...) {
		c := h.cell(playbookNamed(name), nil, "an event was changed")
		c.counts.Completed++
		try := func(changed []journal.Event, what string) {
			c.counts.Points++
			if !detected(changed) {
				c.finding(&c.counts.Unreadable, "%s was not found", what)
			}
		}
		for i := range events {
			if i < len(events)-1 {
				try(slices.Delete(slices.Clone(events), i, i+1), fmt.Sprintf("event %d removed", i+1))
				forged := slices.Clone(events)
				forged[i].Path += "x"
				forged[i].Hash = forged[i].Digest()
				try(forged, fmt.Sprintf("event %d written anew with its hash", i+1))
			}
			try(slices.Insert(slices.Clone(events), i, events[i]), fmt.Sprintf("event %d added again", i+1))
			for j := range i {
				moved := slices.Clone(events)
				moved[i], moved[j] = moved[j], moved[i]
				try(moved, fmt.Sprintf("events %d and %d exchanged", j+1, i+1))
			}
			for what, e := range flips(events[i], *long) {
				changed := slices.Clone(events)
				changed[i] = e
				try(changed, fmt.Sprintf("event %d: %s", i+1, what))
			}
		}
		c.close()
	}
	concluded(t, h.part, h.begun, 1)
}

// flips changes one byte of each field of an event, every byte in the long form.
func flips(e journal.Event, every bool) map[string]journal.Event {
	out := map[string]journal.Event{}
	v := reflect.ValueOf(e)
	for f := range v.NumField() {
		field := v.Type().Field(f)
		if field.Name == "Time" || field.Name == "Seq" || field.Tag.Get("json") == "-" {
			continue
		}
		text := []byte(fmt.Sprintf("%s", v.Field(f).Interface()))
		step := 1
		if !every {
			step = 1 + len(text)/4
		}
		for i := 0; i < len(text); i += step {
			for _, bit := range []byte{1, 0x20} {
				changed := slices.Clone(text)
				changed[i] ^= bit
				x := reflect.New(v.Type()).Elem()
				x.Set(v)
				if field.Name == "Data" {
					x.Field(f).SetBytes(changed)
				} else {
					x.Field(f).SetString(string(changed))
				}
				out[fmt.Sprintf("%s byte %d ^ %#x", field.Name, i, bit)] = x.Interface().(journal.Event)
			}
		}
	}
	later, next := e, e
	later.Time = e.Time.Add(time.Nanosecond)
	next.Seq++
	out["its time"], out["its number"] = later, next
	return out
}

// A byte of the file that is flipped is found by SQLite or by the chain, or
// what is read is what was written.
func TestEveryFlippedByteOfTheFile(t *testing.T) {
	h := newHarness(t, "flipped bytes")
	random := rand.New(rand.NewPCG(*seed, 5))
	for _, name := range []string{"straight", "doubt"} {
		for _, open := range []bool{false, true} { // whether the executor died with its log open
			file := map[bool]string{false: "runback.db", true: "runback.db-wal"}[open]
			c := h.cell(playbookNamed(name), nil, "a byte of "+file+" was flipped")
			if open {
				j := c.job()
				j.Kill = 50
				c.launch(j)
			} else {
				c.finish()
			}
			want := c.copyAndRead(nil, "", 0, 0)
			whole, err := os.ReadFile(filepath.Join(c.stateDir(), file))
			if err != nil || want == nil {
				t.Fatal(err)
			}
			step := map[bool]int{true: 8, false: 1500}[*long]
			if open && *long {
				step = 40
			}
			var at []int
			for i := random.IntN(step); i < len(whole); i += 1 + random.IntN(2*step) {
				at = append(at, i)
			}
			c.counts.Completed++
			for _, i := range at {
				c.counts.Points++
				c.flipped(want, c.copyAndRead(whole, file, i, 1<<random.IntN(8)), open, i)
			}
			c.pb.name += ", " + file
			c.close()
		}
	}
	concluded(t, h.part, h.begun, 1)
}

// reading is what a store gives back.
type reading struct {
	events []journal.Event
	err    error
}

func (c *cell) copyAndRead(whole []byte, file string, at int, bit byte) *reading {
	dir := filepath.Join(c.dir, "copy")
	if err := errors.Join(os.RemoveAll(dir), os.CopyFS(dir, os.DirFS(c.stateDir()))); err != nil {
		c.h.t.Error(err)
		return nil
	}
	if whole != nil {
		changed := slices.Clone(whole)
		changed[at] ^= bit
		if err := os.WriteFile(filepath.Join(dir, file), changed, 0o600); err != nil {
			c.h.t.Error(err)
			return nil
		}
	}
	ctx, cancel := context.WithTimeout(c.h.t.Context(), 20*time.Second)
	defer cancel()
	s, err := sqlite.Open(ctx, filepath.Join(dir, "runback.db"))
	if err != nil {
		return &reading{err: err}
	}
	defer func() { _ = s.Close() }() // of a file that is damaged
	events, err := s.Events(ctx, "r-1")
	if err == nil {
		_, err = journal.Fold(events)
	}
	return &reading{events, err}
}

func (c *cell) flipped(want, got *reading, open bool, at int) {
	switch {
	case got == nil:
	case got.err == nil && reflect.DeepEqual(want.events, got.events):
		c.counts.note("what was read is what was written", 1)
	case errors.Is(got.err, journal.ErrNoRun), got.err == nil && len(got.events) < len(want.events) && reflect.DeepEqual(want.events[:len(got.events)], got.events):
		// The checksums of the log make SQLite take everything from the flipped
		// byte on for not yet written; in the file itself a row that has another
		// run in its key hides those after it. No chain can show its end missing.
		c.counts.CutShort++
		if !open {
			c.known("a flipped byte of the file hides the newest events", "byte %d: %d of %d events, and no word", at, len(got.events), len(want.events))
		}
	case got.err != nil:
		c.counts.note("found", 1)
	default:
		c.finding(&c.counts.Unreadable, "byte %d: other events were read, and no word", at)
	}
}
