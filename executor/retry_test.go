package executor_test

import (
	"errors"
	"testing"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/journal"
)

func TestWhatIsRetried(t *testing.T) {
	for name, tc := range map[string]struct {
		fail     func() error
		said     []actions.Verdict
		prepared int
		status   journal.Status
	}{
		"a failure":                      {func() error { return errors.New("failed") }, nil, 3, journal.Succeeded},
		"a conflict, prepared again":     {func() error { return actions.Conflict("", "it moved") }, nil, 3, journal.Succeeded},
		"never a refusal":                {func() error { return actions.Refuse("hint", "it would be worse") }, nil, 1, journal.Refused},
		"never inputs that cannot work":  {func() error { return actions.Invalid("", "no such object") }, nil, 1, journal.Refused},
		"never what took effect":         {func() error { return errors.New("failed") }, []actions.Verdict{actions.Applied}, 1, journal.FailedRun},
		"never what is still at work":    {func() error { return errors.New("failed") }, []actions.Verdict{actions.InFlight}, 1, journal.FailedRun},
		"never what took effect in part": {func() error { return errors.New("failed") }, []actions.Verdict{actions.Partial}, 1, journal.InDoubt},
		"never what is not known":        {func() error { return errors.New("failed") }, []actions.Verdict{actions.Unknown}, 1, journal.InDoubt},
	} {
		t.Run(name, func(t *testing.T) {
			timeless(t, func(t *testing.T, b *bench) {
				b.w.fails["a"], b.w.kinds["a"], b.w.verdicts["a"] = 2, tc.fail, tc.said
				st := b.run(spec(set("a", 1, ", retry: {attempts: 3, delay: 1s}")))
				if st.Status != tc.status || b.w.prepared["a"] != tc.prepared {
					t.Errorf("run %s, prepared %d times: %s", st.Status, b.w.prepared["a"], st.End.Message)
				}
			})
		})
	}
}

func TestPausesGrowUpToTheLongest(t *testing.T) {
	timeless(t, func(t *testing.T, b *bench) {
		b.w.fails["a"] = 5
		st := b.run(spec(set("a", 1, ", retry: {attempts: 6, delay: 1s, backoff: 3, max_delay: 10s}")))
		b.want(st, journal.Succeeded, "a:1")
		if want := (1 + 3 + 9 + 10 + 10) * time.Second; took(st) != want {
			t.Errorf("took %s, want %s", took(st), want)
		}
		if st.Steps["a"].Attempt != 6 {
			t.Errorf("attempt %d", st.Steps["a"].Attempt)
		}
	})
}

func TestRetryEndsWithTheTimeOfItsStep(t *testing.T) {
	timeless(t, func(t *testing.T, b *bench) {
		b.w.fails["a"] = 99
		st := b.run(spec(set("a", 1, ", timeout: 5s, retry: {attempts: 99, delay: 2s, backoff: 1}")))
		b.want(st, journal.FailedRun, "")
		wantMessage(t, st, "the time of step a is spent (5s)")
		wantMessage(t, st, "did not work")
		if took(st) != 5*time.Second {
			t.Errorf("took %s", took(st))
		}
	})
}

func TestResumeGivesNoAttemptsBack(t *testing.T) {
	text := spec(set("a", 1, ", retry: {attempts: 3, delay: 1s}"))
	for name, at := range map[string]int{"after a failed attempt": 5, "when the next is announced": 6} { // start, intent, probed, failed, intent
		t.Run(name, func(t *testing.T) {
			timeless(t, func(t *testing.T, b *bench) {
				b.w.fails["a"] = 99
				b.store.dieAfter = at
				if !b.dying(text) {
					t.Fatal("the process did not die")
				}
				st := b.resume(text)
				b.want(st, journal.FailedRun, "")
				if tried := 99 - b.w.fails["a"]; tried != 3 && at == 5 || tried > 3 || st.Steps["a"].Attempt != 3 {
					t.Errorf("%d attempts, the last was %d", tried, st.Steps["a"].Attempt)
				}
			})
		})
	}
}

// Undoing "the revision before" twice would undo the undo: what is verified in
// vain took effect and is not prepared again.
func TestVerificationInVainDoesNotRepeatTheChange(t *testing.T) {
	timeless(t, func(t *testing.T, b *bench) {
		st := b.run(spec(set("a", 1, ", verify: {until: outputs.value == 2, within: 3s}, retry: {attempts: 3}")))
		b.want(st, journal.FailedRun, "a:1")
		b.wantOnce()
		if b.w.prepared["a"] != 1 || st.Steps["a"].Failure.Effect != actions.Applied {
			t.Errorf("prepared %d times, effect %s", b.w.prepared["a"], st.Steps["a"].Failure.Effect)
		}
	})
}
