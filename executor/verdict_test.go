package executor_test

import (
	"testing"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
)

// What a resume does about a step that was announced and not recorded depends
// on what the world says, and on nothing else.
func TestResumeObeysTheVerdict(t *testing.T) {
	say := func(v ...actions.Verdict) func(*world) { return func(w *world) { w.verdicts["a"] = v } }
	for name, tc := range map[string]struct {
		world   func(*world)
		status  journal.Status
		values  string
		effects int
		takes   time.Duration
	}{
		"not applied: it is done":                 {say(actions.NotApplied), journal.Succeeded, "a:1 b:2", 1, 0},
		"applied: it is not done again":           {say(actions.Applied), journal.Succeeded, "b:2", 0, 0},
		"partial: a person must look":             {say(actions.Partial), journal.InDoubt, "", 0, 0},
		"foreign: a person must look":             {say(actions.Foreign), journal.InDoubt, "", 0, 0},
		"unknown: a person must look":             {say(actions.Unknown), journal.InDoubt, "", 0, 0},
		"in flight, then applied: it is waited":   {say(actions.InFlight, actions.InFlight, actions.InFlight, actions.Applied), journal.Succeeded, "b:2", 0, 1500 * time.Millisecond},
		"in flight, then not applied: it is done": {say(actions.InFlight, actions.NotApplied), journal.Succeeded, "a:1 b:2", 1, 500 * time.Millisecond},
		"in flight for ever: time is spent": {func(w *world) {
			for range 1000 {
				w.verdicts["a"] = append(w.verdicts["a"], actions.InFlight)
			}
		}, journal.OverBudget, "", 0, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			timeless(t, func(t *testing.T, b *bench) {
				text := spec(set("a", 1, ""), set("b", 2, ""))
				b.store.dieAfter = 3 // run.started, step.start, step.intent
				if !b.dying(text) {
					t.Fatal("the process did not die")
				}
				tc.world(b.w)
				st := b.resume(text)
				b.want(st, tc.status, tc.values)
				if b.w.effects["a"] != tc.effects || took(st) != tc.takes || b.w.prepared["a"] != 1 {
					t.Errorf("%d effects, prepared %d times, after %s", b.w.effects["a"], b.w.prepared["a"], took(st))
				}
			})
		})
	}
}

// What was recorded as done is not asked again, even if somebody changed it
// since.
func TestWhatIsRecordedIsNotAsked(t *testing.T) {
	timeless(t, func(t *testing.T, b *bench) {
		text := spec(set("a", 1, ""), set("b", 2, ""))
		b.store.dieAfter = 4 // step.acted
		if !b.dying(text) {
			t.Fatal("the process did not die")
		}
		b.w.values["a"] = 9
		b.want(b.resume(text), journal.Succeeded, "a:9 b:2")
		if b.w.probed["a"] != 0 {
			t.Errorf("asked %d times", b.w.probed["a"])
		}
	})
}

// A step that was announced is past its guard: what holds it back now did not
// when it began.
func TestGuardIsNotAskedOfWhatWasAnnounced(t *testing.T) {
	timeless(t, func(t *testing.T, b *bench) {
		text := spec(set("a", 1, `, when: run.elapsed < duration("5s")`), set("b", 2, `, when: run.elapsed < duration("5s")`))
		b.store.dieAfter = 3
		if !b.dying(text) {
			t.Fatal("the process did not die")
		}
		time.Sleep(10 * time.Second)
		b.want(b.resume(text), journal.Succeeded, "a:1")
	})
}

// A doubt is kept until somebody resolves it, however often it is asked.
func TestDoubtStaysUntilItIsResolved(t *testing.T) {
	timeless(t, func(t *testing.T, b *bench) {
		text := spec(set("a", 1, ", retry: {attempts: 5}, on_failure: continue"), set("b", 2, "")) + "  rescue:\n" + set("r", 1, "") + "  finally:\n" + set("f", 1, "")
		b.store.dieAfter = 3
		if !b.dying(text) {
			t.Fatal("the process did not die")
		}
		b.w.values["a"] = 5
		for range 3 {
			b.want(b.resume(text), journal.InDoubt, "a:5")
		}
		b.w.values["a"] = 1
		b.want(b.resume(text), journal.Succeeded, "a:1 b:2 f:1")
	})
}

// What acts by itself and has not ended may act on whatever follows: nothing
// follows, also where the playbook goes on after a failure.
func TestWhatIsStillAtWorkIsInDoubt(t *testing.T) {
	text := spec(set("a", 1, ", timeout: 20s, on_failure: continue"), set("b", 2, "")) + "  rescue:\n" + set("r", 1, "") + "  finally:\n" + set("f", 1, "")
	inFlight := func(b *bench, times int) {
		b.w.atWork, b.w.verdicts["a"] = true, nil
		for range times {
			b.w.verdicts["a"] = append(b.w.verdicts["a"], actions.InFlight)
		}
	}
	t.Run("when it does not end", func(t *testing.T) {
		timeless(t, func(t *testing.T, b *bench) {
			b.w.fails["a"] = 1
			inFlight(b, 1000)
			st := b.run(text)
			b.want(st, journal.InDoubt, "")
			wantMessage(t, st, "the time of step a is spent (20s)")
			if took(st) != 20*time.Second {
				t.Errorf("in doubt after %s", took(st))
			}
			redo := executor.Ruling{Path: "a", Decision: journal.Redo}
			if _, err := b.rule(text, redo); actions.KindOf(err) != actions.KindRefused {
				t.Errorf("done again beside the first: %v", err)
			}
			b.w.verdicts["a"], b.w.values["a"] = nil, 1
			b.want(b.resume(text), journal.Succeeded, "a:1 b:2 f:1")
		})
	})
	t.Run("when a resume that waits is stopped", func(t *testing.T) {
		timeless(t, func(t *testing.T, b *bench) {
			b.store.dieAfter = 3
			if !b.dying(text) {
				t.Fatal("the process did not die")
			}
			inFlight(b, 1000)
			st := b.resumeUnder(stopAfter(3*time.Second), text)
			b.want(st, journal.Cancelled, "")
			wantMessage(t, st, "stopped by the operator")
			inFlight(b, 3)
			b.want(b.resume(text), journal.Succeeded, "a:1 b:2 f:1")
		})
	})
	t.Run("when a resume finds it and its time is over", func(t *testing.T) {
		timeless(t, func(t *testing.T, b *bench) {
			b.store.dieAfter = 3
			if !b.dying(text) {
				t.Fatal("the process did not die")
			}
			inFlight(b, 1000)
			st := b.resume(text)
			b.want(st, journal.InDoubt, "")
			if took(st) != 20*time.Second {
				t.Errorf("in doubt after %s", took(st))
			}
		})
	})
}

// After an error the world is asked as well: the write may have landed.
func TestErrorAfterAWriteIsAskedOfTheWorld(t *testing.T) {
	for name, tc := range map[string]struct {
		said    []actions.Verdict
		status  journal.Status
		effect  actions.Verdict
		changed bool
	}{
		"nothing happened":            {nil, journal.FailedRun, actions.NotApplied, false},
		"it took effect all the same": {[]actions.Verdict{actions.Applied}, journal.FailedRun, actions.Applied, true},
		"it is still at work":         {[]actions.Verdict{actions.InFlight}, journal.FailedRun, actions.InFlight, true},
		"some of it took effect":      {[]actions.Verdict{actions.Partial}, journal.InDoubt, actions.Partial, true},
		"somebody else was there":     {[]actions.Verdict{actions.Foreign}, journal.InDoubt, actions.Foreign, true},
		"the world does not know":     {[]actions.Verdict{actions.Unknown}, journal.InDoubt, actions.Unknown, true},
	} {
		t.Run(name, func(t *testing.T) {
			timeless(t, func(t *testing.T, b *bench) {
				b.w.fails["a"], b.w.verdicts["a"] = 1, tc.said
				st := b.run(spec(set("a", 1, "")))
				if f := st.Steps["a"].Failure; st.Status != tc.status || f.Effect != tc.effect || st.Changed != tc.changed {
					t.Errorf("run %s, effect %s, changed %v", st.Status, f.Effect, st.Changed)
				}
				wantMessage(t, st, "did not work")
			})
		})
	}
}

// A change that differs in nothing from what was there leaves the run as
// unchanged as it found it.
func TestChangeOfNothingIsNoChange(t *testing.T) {
	timeless(t, func(_ *testing.T, b *bench) {
		b.w.values["a"] = 1
		st := b.run(spec(set("a", 1, ""), set("b", -1, "")))
		b.want(st, journal.Refused, "a:1")
	})
}
