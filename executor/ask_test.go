package executor_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/journal"
)

type personIn struct {
	Other bool `json:"other,omitempty" doc:"x"`
}

type personOut struct {
	By string `json:"by" doc:"x"`
}

// asks is t.person: an observation that asks a person.
func asks() actions.Action {
	return actions.Define(actions.Def[personIn, struct{}, personOut]{Name: "t.person",
		Preview: func(context.Context, *actions.Call, personIn, struct{}) (actions.Preview, error) {
			return actions.Preview{Label: actions.Opaque, Summary: "asks"}, nil
		},
		Run: func(ctx context.Context, c *actions.Call, in personIn, _ struct{}) (personOut, error) {
			a, err := c.Ask(ctx, actions.Question{Text: "go on?", Other: in.Other})
			if err == nil && !a.Yes {
				err = actions.Refuse("", "no by %s", a.By)
			}
			return personOut{a.By}, err
		},
	})
}

const asking = "  budget: 10m\n  steps:\n    - {id: ask, uses: t.person, timeout: 5m}\n    - {id: put, uses: t.set, with: {key: a, value: 1}, when: steps.ask.outputs.by == \"ada\"}\n"

// answer posts what somebody says about the question that is open by then.
func (b *bench) answer(after time.Duration, kind journal.NoteKind, by string) {
	time.AfterFunc(after, func() {
		_ = b.store.Post(context.Background(), journal.Note{Run: "r-1", Kind: kind, Path: "ask", Of: b.store.asked(), By: by, At: time.Now()})
	})
}

func TestAPersonAnswers(t *testing.T) {
	for _, tc := range []struct {
		name   string
		kind   journal.NoteKind
		by     string
		text   string
		status journal.Status
		values string
		says   string
	}{
		{"yes", journal.NoteYes, "ada", asking, journal.Succeeded, "a:1", ""},
		{"no", journal.NoteNo, "ada", asking, journal.Refused, "", "no by ada"},
		{"nobody", "", "", asking, journal.FailedRun, "", "the time of step ask is spent"},
		{"who started it", journal.NoteYes, "eve", strings.Replace(asking, "t.person,", "t.person, with: {other: true},", 1), journal.FailedRun, "", "the time of step ask is spent"},
	} {
		timeless(t, func(t *testing.T, b *bench) {
			b.user = "eve"
			if tc.kind != "" {
				b.answer(90*time.Second, tc.kind, tc.by)
			}
			st := b.run(tc.text)
			b.want(st, tc.status, tc.values)
			wantMessage(t, st, tc.says)
		})
	}
}

// An answer to another question is none: of another step, or one that was given
// before the question was asked.
func TestAnAnswerIsBoundToItsQuestion(t *testing.T) {
	timeless(t, func(t *testing.T, b *bench) {
		for _, n := range []journal.Note{{Kind: journal.NoteYes, Path: "ask", Of: "sha256:other"}, {Kind: journal.NoteYes, Path: "put"}, {Kind: journal.NoteYes, Path: "ask"}} {
			n.Run, n.By = "r-1", "ada"
			if err := b.store.Post(t.Context(), n); err != nil {
				t.Fatal(err)
			}
		}
		st := b.run(asking)
		b.want(st, journal.FailedRun, "")
	})
}

// What was answered is not asked again after a crash.
func TestAnAnswerOutlivesACrash(t *testing.T) {
	timeless(t, func(t *testing.T, b *bench) {
		b.answer(time.Minute, journal.NoteYes, "ada")
		b.store.dieAfter = 4 // started, step.start, asked, answered
		if !b.dying(asking) {
			t.Fatal("it lived")
		}
		b.store.notes = nil
		b.want(b.resume(asking), journal.Succeeded, "a:1")
	})
}

func TestAPlanDoesNotAsk(t *testing.T) {
	b := newBench(t)
	p, err := b.plan(asking)
	if err != nil || p.Refused != "" {
		t.Fatal(p, err)
	}
	if s := p.Steps[1]; s.Decision != "later" || s.Reason != "decided after ask" {
		t.Errorf("%+v", s)
	}
}

const long = `  budget: 10m
  steps:
    - {id: one, uses: t.set, with: {key: one, value: 1}, verify: {until: outputs.value == 1, every: 1s, for: 20s, within: 1m}}
    - id: block
      steps: [{id: two, uses: t.set, with: {key: two, value: 2}}]
      finally: [{id: inner, uses: t.set, with: {key: inner, value: 1}}]
  rescue:
    - {id: saved, uses: t.set, with: {key: saved, value: 1}}
  finally:
    - {id: last, uses: t.set, with: {key: last, value: 1}}
    - {id: more, uses: t.set, with: {key: more, value: 1}}
`

// An abort ends a run for good at the next safe point: what goes on ends as it
// would, nothing else begins, finally is done.
func TestAbort(t *testing.T) {
	timeless(t, func(t *testing.T, b *bench) {
		time.AfterFunc(5*time.Second, func() {
			_ = b.store.Post(context.Background(), journal.Note{Run: "r-1", Kind: journal.NoteAbort, By: "ada", Text: "wrong version"})
		})
		st := b.run(long)
		b.want(st, journal.Aborted, "last:1 more:1 one:1")
		wantMessage(t, st, "aborted by ada: wrong version")
		if st.Steps["one"].Status != journal.Succeeded || st.Steps["block"] != nil || st.Status.Resumable() {
			t.Errorf("%v", b.happened())
		}
	})
}

// A run that nobody has in his hands is aborted by a resume: what was begun is
// asked of the world first.
func TestAbortOfARunThatDied(t *testing.T) {
	timeless(t, func(t *testing.T, b *bench) {
		b.store.dieAfter = 3 // the effect of one was announced
		if !b.dying(long) {
			t.Fatal("it lived")
		}
		if err := b.store.Post(t.Context(), journal.Note{Run: "r-1", Kind: journal.NoteAbort, By: "ada"}); err != nil {
			t.Fatal(err)
		}
		st := b.resume(long)
		b.want(st, journal.Aborted, "last:1 more:1 one:1")
		b.wantOnce()
	})
}

func TestAbortWhileAPersonIsAsked(t *testing.T) {
	timeless(t, func(t *testing.T, b *bench) {
		b.answer(30*time.Second, journal.NoteAbort, "ada")
		st := b.run(asking)
		b.want(st, journal.Aborted, "")
		if took(st) > time.Minute {
			t.Errorf("after %s", took(st))
		}
	})
}
