package journal_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/guard"
	"github.com/runbackhq/runback/internal/journal"
)

// entry is one event as a test writes it.
type entry struct {
	typ  journal.Type
	path string
	data any
}

var began = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// chained makes events of entries, one second apart. A run begins before them.
func chained(t *testing.T, entries ...entry) []journal.Event {
	t.Helper()
	entries = append([]entry{{journal.RunStarted, "", journal.Started{Playbook: "p", Process: journal.Process{PID: 1}}}}, entries...)
	var out []journal.Event
	prev := ""
	for i, x := range entries {
		raw, ok := x.data.(json.RawMessage)
		if !ok {
			var err error
			if raw, err = json.Marshal(x.data); err != nil {
				t.Fatal(err)
			}
		}
		e := journal.Event{Run: "r", Seq: i + 1, Time: began.Add(time.Duration(i) * time.Second), Type: x.typ, Path: x.path, Data: raw, Prev: prev}
		e.Hash = e.Digest()
		out, prev = append(out, e), e.Hash
	}
	return out
}

func folded(t *testing.T, entries ...entry) *journal.State {
	t.Helper()
	s, err := journal.Fold(chained(t, entries...))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func second(n int) time.Time { return began.Add(time.Duration(n) * time.Second) }

// What each event means for its step. The intent of every case changes
// something, unless it says otherwise.
func TestFoldOfAStep(t *testing.T) {
	deadline := began.Add(time.Hour)
	intent := journal.Intent{Attempt: 2, In: json.RawMessage(`{}`), State: json.RawMessage(`{}`), Preview: actions.Preview{Label: actions.Exact, Changes: []actions.FieldChange{{Path: "x"}}}}
	no := guard.Judgement{Source: "false", Truth: guard.False}
	failed := func(s journal.Status, final bool, v actions.Verdict) journal.Failed {
		return journal.Failed{Attempt: 2, Status: s, Final: final, Effect: v, Message: "m"}
	}
	start, announced := entry{journal.StepStart, "a", journal.Began{Deadline: deadline}}, entry{journal.StepIntent, "a", intent}
	acted := entry{journal.StepActed, "a", journal.Acted{Outputs: actions.Outputs{"n": 1, "x": 1.5}}}
	outputs := actions.Outputs{"n": 1, "x": 1.5}
	end := func(f journal.Failed) entry { return entry{journal.StepFailed, "a", f} }
	for name, tc := range map[string]struct {
		entries []entry
		want    journal.StepState
		changed bool
	}{
		"started":   {[]entry{start}, journal.StepState{Start: second(1), Deadline: deadline}, false},
		"skipped":   {[]entry{{journal.StepSkipped, "a", journal.Skipped{Guard: no}}}, journal.StepState{Status: journal.Skip, Skipped: &no, End: second(1)}, false},
		"announced": {[]entry{start, announced}, journal.StepState{Start: second(1), Deadline: deadline, Attempt: 2, Intent: &intent, Open: true}, false},
		"acted":     {[]entry{announced, acted}, journal.StepState{Attempt: 2, Intent: &intent, Acted: true, Outputs: outputs}, true},
		"held":      {[]entry{start, {journal.StepHeld, "a", journal.Held{Message: "m"}}}, journal.StepState{Start: second(1), Deadline: deadline}, false},
		"done": {[]entry{announced, acted, {journal.StepDone, "a", journal.Done{Outputs: outputs}}},
			journal.StepState{Attempt: 2, Intent: &intent, Outputs: outputs, Status: journal.Succeeded, End: second(3)}, true},
		"observed": {[]entry{start, {journal.StepDone, "a", journal.Done{Outputs: outputs}}},
			journal.StepState{Start: second(1), Deadline: deadline, Outputs: outputs, Status: journal.Succeeded, End: second(2)}, false},
		"an attempt failed, nothing was written": {[]entry{announced, end(failed(journal.FailedRun, false, actions.NotApplied))},
			journal.StepState{Attempt: 2, Intent: &intent, Failure: new(failed(journal.FailedRun, false, actions.NotApplied))}, false},
		"failed although it took effect": {[]entry{announced, end(failed(journal.FailedRun, true, actions.Applied))},
			journal.StepState{Attempt: 2, Intent: &intent, Status: journal.FailedRun, End: second(2), Failure: new(failed(journal.FailedRun, true, actions.Applied))}, true},
		"not verified": {[]entry{announced, acted, end(failed(journal.FailedRun, true, actions.Applied))},
			journal.StepState{Attempt: 2, Intent: &intent, Outputs: outputs, Status: journal.FailedRun, End: second(3), Failure: new(failed(journal.FailedRun, true, actions.Applied))}, true},
		"in doubt": {[]entry{announced, {journal.StepProbed, "a", journal.Probed{Verdict: actions.Foreign}}, end(failed(journal.InDoubt, true, actions.Foreign))},
			journal.StepState{Attempt: 2, Intent: &intent, Open: true, Status: journal.InDoubt, End: second(3), Probed: &journal.Probed{Verdict: actions.Foreign}, Failure: new(failed(journal.InDoubt, true, actions.Foreign))}, true},
		"in doubt without an answer": {[]entry{announced, end(failed(journal.InDoubt, true, actions.Unknown))},
			journal.StepState{Attempt: 2, Intent: &intent, Open: true, Status: journal.InDoubt, End: second(2), Failure: new(failed(journal.InDoubt, true, actions.Unknown))}, true},
		"cancelled after it was announced": {[]entry{announced, end(failed(journal.Cancelled, true, actions.NotApplied))},
			journal.StepState{Attempt: 2, Intent: &intent, Open: true, Status: journal.Cancelled, End: second(2), Failure: new(failed(journal.Cancelled, true, actions.NotApplied))}, false},
		"cancelled, then resumed": {[]entry{announced, acted, end(failed(journal.Cancelled, true, actions.Applied)), {journal.RunResumed, "", journal.Resumed{}}},
			journal.StepState{Attempt: 2, Intent: &intent, Acted: true, Outputs: outputs, End: second(3)}, true},
		"in doubt, then resumed": {[]entry{announced, end(failed(journal.InDoubt, true, actions.Unknown)), {journal.RunResumed, "", journal.Resumed{}}},
			journal.StepState{Attempt: 2, Intent: &intent, Open: true, End: second(2)}, true},
		"failed, then resumed": {[]entry{announced, end(failed(journal.FailedRun, true, actions.NotApplied)), {journal.RunResumed, "", journal.Resumed{}}},
			journal.StepState{Attempt: 2, Intent: &intent, Status: journal.FailedRun, End: second(2), Failure: new(failed(journal.FailedRun, true, actions.NotApplied))}, false},
		"a block that failed": {[]entry{{journal.BlockStart, "a", journal.Began{}}, {journal.BlockEnd, "a", journal.Ended{Status: journal.OverBudget, Message: "m", Hint: "h", Step: "a/b"}}},
			journal.StepState{Start: second(1), Status: journal.OverBudget, End: second(2), Block: &journal.BlockState{Decided: "a/b"}, Failure: &journal.Failed{Status: journal.OverBudget, Message: "m", Hint: "h", Final: true}}, false},
		"an event of a later version": {[]entry{start, {"step.weighed", "a", json.RawMessage(`{"kg":3}`)}}, journal.StepState{Start: second(1), Deadline: deadline}, false},
		"fields of a later version":   {[]entry{{journal.StepStart, "a", json.RawMessage(`{"deadline":"2026-11-23T10:00:00Z","colour":"red"}`)}}, journal.StepState{Start: second(1), Deadline: deadline}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := folded(t, tc.entries...)
			tc.want.Path = "a"
			if diff := cmp.Diff(&tc.want, s.Steps["a"]); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if s.Changed != tc.changed {
				t.Errorf("changed is %v", s.Changed)
			}
		})
	}
}

func TestWhatCountsAsAChange(t *testing.T) {
	acted := entry{journal.StepActed, "a", journal.Acted{}}
	for name, tc := range map[string]struct {
		preview actions.Preview
		want    bool
	}{
		"a field differs":    {actions.Preview{Label: actions.Exact, Changes: []actions.FieldChange{{Path: "x"}}}, true},
		"nothing to do":      {actions.Preview{Label: actions.Exact}, false},
		"cannot be foreseen": {actions.Preview{Label: actions.Opaque}, true},
	} {
		if s := folded(t, entry{journal.StepIntent, "a", journal.Intent{Preview: tc.preview}}, acted); s.Changed != tc.want {
			t.Errorf("%s: changed is %v", name, s.Changed)
		}
	}
}

func TestFoldOfARun(t *testing.T) {
	s := folded(t)
	if s.ID != "r" || s.Status != journal.Running || s.Started.Playbook != "p" || !s.At.Equal(began) || !s.Ended.IsZero() || s.Last.Seq != 1 {
		t.Errorf("begun: %+v", s)
	}
	end := entry{journal.RunEnded, "", journal.Ended{Status: journal.Cancelled, Message: "m", Step: "a"}}
	if s = folded(t, end); s.Status != journal.Cancelled || s.End.Message != "m" || !s.Ended.Equal(second(1)) {
		t.Errorf("ended: %+v", s)
	}
	if s = folded(t, end, entry{journal.RunResumed, "", journal.Resumed{Process: journal.Process{PID: 2}}}); s.Status != journal.Running || !reflect.DeepEqual(s.End, journal.Ended{}) || !s.Ended.IsZero() || s.Process.PID != 2 || s.Started.Process.PID != 1 {
		t.Errorf("resumed: %+v", s)
	}
	s = folded(t, entry{journal.StepStart, "b", journal.Began{}}, entry{journal.StepStart, "a", journal.Began{}}, entry{journal.StepDone, "b", journal.Done{}})
	if diff := cmp.Diff([]string{"b", "a"}, s.Order); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestFoldRefuses(t *testing.T) {
	good := chained(t, entry{journal.StepStart, "a", journal.Began{}})
	damaged := chained(t, entry{journal.StepStart, "a", journal.Began{}})
	damaged[1].Path = "b"
	for name, events := range map[string][]journal.Event{
		"a damaged chain":               damaged,
		"a run that does not begin":     journalWithout(good),
		"a run that begins twice":       chained(t, entry{journal.RunStarted, "", journal.Started{}}),
		"data that is not JSON":         chained(t, entry{journal.StepStart, "a", json.RawMessage(`{`)}),
		"data of another shape":         chained(t, entry{journal.StepIntent, "a", json.RawMessage(`{"attempt":"two"}`)}),
		"outputs that are no map":       chained(t, entry{journal.StepDone, "a", json.RawMessage(`{"outputs":[1]}`)}),
		"a verdict that does not exist": chained(t, entry{journal.StepProbed, "a", json.RawMessage(`{"verdict":"Perhaps"}`)}),
	} {
		if _, err := journal.Fold(events); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := journal.Fold(nil); !errors.Is(err, journal.ErrNoRun) {
		t.Errorf("nothing at all: %v", err)
	}
}

// journalWithout gives a valid chain whose first event is no beginning.
func journalWithout(events []journal.Event) []journal.Event {
	e := events[1]
	e.Seq, e.Prev = 1, ""
	e.Hash = e.Digest()
	return []journal.Event{e}
}

func TestStatusThatMayGoOn(t *testing.T) {
	for status, want := range map[journal.Status]bool{
		journal.Running: true, journal.Interrupted: true, journal.Cancelled: true, journal.InDoubt: true,
		journal.Succeeded: false, journal.FailedRun: false, journal.Refused: false, journal.OverBudget: false, journal.Skip: false, "": false,
	} {
		if status.Resumable() != want {
			t.Errorf("%s: resumable is %v", status, !want)
		}
	}
}

// Whatever a journal of any version holds, folding it ends with a state or an
// error.
func FuzzFold(f *testing.F) {
	types := []journal.Type{journal.RunResumed, journal.BlockStart, journal.StepStart, journal.StepSkipped, journal.StepIntent, journal.StepProbed,
		journal.StepActed, journal.StepDone, journal.StepFailed, journal.StepHeld, journal.BlockEnd, journal.RunEnded, journal.RunStarted, "later"}
	for i := range types {
		f.Add(byte(i), byte(i+1), `{"attempt":1,"outputs":{"n":1},"status":"failed","effect":"Applied","guard":{"truth":"true"}}`, `{}`)
		f.Add(byte(i), byte(4), `null`, `[]`)
	}
	f.Fuzz(func(t *testing.T, a, b byte, dataA, dataB string) {
		pick := func(i byte) journal.Type { return types[int(i)%len(types)] }
		events := chained(t,
			entry{journal.StepIntent, "a", journal.Intent{}}, entry{pick(a), "a", json.RawMessage(dataA)}, entry{pick(b), "a", json.RawMessage(dataB)}, entry{pick(a), "b", json.RawMessage(dataB)})
		s, err := journal.Fold(events)
		if (s == nil) == (err == nil) {
			t.Errorf("%v, %v", s, err)
		}
	})
}
