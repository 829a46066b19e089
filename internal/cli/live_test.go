package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/guard"
	"github.com/runbackhq/runback/internal/journal"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.Local)

// story makes a model of a run in which two steps are under way at once.
func story(t testing.TB) *model {
	t.Helper()
	m := &model{state: journal.NewState(), said: map[string][]string{}, held: map[string]string{}, rows: []row{
		{path: "look", label: "Look at the canary", uses: "k8s.rollout_status", section: "steps", told: func(actions.Outputs) string { return "5 of 5 ready" }},
		{path: "both", label: "Both at once", section: "steps", block: true},
		{path: "both/a", label: "Scale up the stable version", uses: "k8s.scale", section: "steps", depth: 1},
		{path: "both/b", label: "Send the traffic to the stable version", uses: "k8s.traffic", section: "steps", depth: 1},
		{path: "pause", label: "Pause", uses: "k8s.rollout_pause", section: "steps"},
		{path: "undo", label: "Go back", uses: "k8s.rollout_undo", section: "steps", when: "steps.look.outputs.ready > 0"},
		{path: "~rescue/r", label: "Repair", uses: "k8s.scale", section: "rescue"},
		{path: "~finally/f", label: "Look again", uses: "http.check", section: "finally"},
	}}
	deadline := noon.Add(3 * time.Minute)
	tell(t, m, noon, journal.RunStarted, "", journal.Started{Playbook: "canary", Version: "1.0.0", Title: "Canary rollback", Reason: "5xx after deploy", User: "anna", Deadline: deadline,
		Identity: journal.Identity{"cluster": "uid", "context": "sandbox", "namespace": "default", "server": "https://127.0.0.1:6443", "user": "admin"}})
	tell(t, m, noon, journal.StepStart, "look", journal.Began{})
	tell(t, m, noon.Add(time.Second), journal.StepDone, "look", journal.Done{Outputs: actions.Outputs{"ready": 5}})
	tell(t, m, noon.Add(time.Second), journal.BlockStart, "both", journal.Began{Deadline: noon.Add(46 * time.Second)})
	for _, p := range []string{"both/a", "both/b"} {
		tell(t, m, noon.Add(time.Second), journal.StepStart, p, journal.Began{Deadline: noon.Add(31 * time.Second)})
		tell(t, m, noon.Add(time.Second), journal.StepIntent, p, journal.Intent{Attempt: 1, Preview: actions.Preview{Object: "deployment/app", Summary: "replicas 2 → 5", Changes: []actions.FieldChange{{Path: "x"}}}})
	}
	m.say("both/a", "2 of 5 ready")
	m.say("both/a", "3 of 5 ready")
	m.say("both/b", "evil \x1b]0;title\x07 text\x1b[2J")
	tell(t, m, noon.Add(2*time.Second), journal.StepSkipped, "pause", journal.Skipped{Guard: guard.Judgement{Source: "a > 1", Truth: guard.False, Values: map[string]any{"a": 0}}})
	tell(t, m, noon.Add(11*time.Second), journal.StepHeld, "both/b", journal.Held{Message: "the API server does not answer"})
	return m
}

func tell(t testing.TB, m *model, at time.Time, typ journal.Type, path string, data any) {
	t.Helper()
	raw, err := json.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	m.event(journal.Event{Run: "r-abcdefgh", Time: at, Type: typ, Path: path, Data: raw})
}

func picture(m *model, width, height int, after time.Duration) string {
	var b strings.Builder
	for _, l := range (frame{m: m, width: width, now: noon.Add(after)}).lines(height) {
		b.WriteString(strings.TrimRight(l.render(width, style{}), " ") + "\n")
	}
	return b.String()
}

func TestPictureOfStepsSideBySide(t *testing.T) {
	want := `RUN canary 1.0.0  Canary rollback                                    r-abcdefgh
cluster   sandbox/default at https://127.0.0.1:6443 as admin
reason    "5xx after deploy"  by anna
budget    ██░░░░░░░░░░░░░░  20s of 3m  2m40s left, until 12:03:00  2/6 steps

 ✔ done     Look at the canary                                             1.0s
 ◌ running  Both at once                                             19s of 45s
 ◌ running    Scale up the stable version                            19s of 30s
              deployment/app replicas 2 → 5
              2 of 5 ready
              3 of 5 ready
 ॥ holding    Send the traffic to the stable version                 19s of 30s
              the API server does not answer
              evil �]0;title� text�[2J
 – skipped  Pause
 · waiting  Go back
  always at the end
 · waiting  Look again

Ctrl-C stops after the current step, twice stops now; both can be resumed.
`
	if diff := cmp.Diff(want, picture(story(t), 79, 0, 20*time.Second)); diff != "" {
		t.Errorf("picture (-want +got):\n%s", diff)
	}
}

// Where the terminal is low, what is under way stays and the rest is counted;
// nothing is ever wider or higher than the terminal.
func TestPictureFitsTheTerminal(t *testing.T) {
	m := story(t)
	low := picture(m, 79, 14, 20*time.Second)
	for _, part := range []string{"✔ 1 step before", "· 2 steps to come", "Scale up the stable", "holding"} {
		if !strings.Contains(low, part) {
			t.Errorf("%q is not in:\n%s", part, low)
		}
	}
	for width := 10; width < 200; width += 7 {
		for height := 3; height < 40; height++ {
			for _, l := range (frame{m: m, width: width, now: noon}).lines(height) {
				if n := visible(l.render(width, style{on: true})); n > width {
					t.Fatalf("%d columns of %d: %s", n, width, l.render(width, style{}))
				}
			}
			if n := len((frame{m: m, width: width, now: noon}).lines(height)); n > height {
				t.Fatalf("%d lines of %d", n, height)
			}
		}
	}
}

func TestFailuresStayOpen(t *testing.T) {
	m := story(t)
	tell(t, m, noon.Add(30*time.Second), journal.StepFailed, "both/a", journal.Failed{Attempt: 1, Status: journal.FailedRun, Message: "only 3 of 5 pods became ready", Hint: "look: kubectl get pods", Final: true})
	tell(t, m, noon.Add(30*time.Second), journal.StepFailed, "both/b", journal.Failed{Attempt: 1, Status: journal.InDoubt, Message: "nobody knows", Final: true})
	tell(t, m, noon.Add(31*time.Second), journal.RunEnded, "", journal.Ended{Status: journal.InDoubt})
	got := picture(m, 79, 0, time.Hour)
	for _, part := range []string{"✖ failed     Scale up", "only 3 of 5 pods became ready", "hint: look: kubectl get pods", "? in doubt", "nobody knows", "· not run  Go back", "31s of 3m  2m29s left  4/6"} {
		if !strings.Contains(got, part) {
			t.Errorf("%q is not in:\n%s", part, got)
		}
	}
}

// A loop has steps that the playbook does not list.
func TestStepsThatThePlaybookDoesNotList(t *testing.T) {
	m := story(t)
	tell(t, m, noon, journal.StepStart, "both/0/x", journal.Began{})
	tell(t, m, noon, journal.StepStart, "both/0/y", journal.Began{})
	got := picture(m, 79, 0, time.Second)
	x, y, next := strings.Index(got, " x "), strings.Index(got, " y "), strings.Index(got, "Pause")
	if x < 0 || y < x || next < y {
		t.Errorf("%d %d %d:\n%s", x, y, next, got)
	}
}

func TestPainterDrawsInPlace(t *testing.T) {
	var b strings.Builder
	p := painter{w: &b}
	p.picture([]string{"one", "two"}, 80)
	p.picture([]string{"one", "two"}, 80)
	p.picture([]string{"one"}, 80)
	want := "\x1b[?7l\rone\x1b[K\r\ntwo\x1b[K\r\n\x1b[J\x1b[?7h" + "\x1b[?7l\x1b[2A\rone\x1b[K\r\n\x1b[J\x1b[?7h"
	if b.String() != want {
		t.Errorf("%q", b.String())
	}
}

func TestColumns(t *testing.T) {
	for text, want := range map[string]int{"abc": 3, "é": 1, "e\u0301": 1, "日本": 4, "✔ ◌ ॥ – · ✖ ?": 13, "🚀": 2} {
		if got := columnsOf(text); got != want {
			t.Errorf("%q takes %d columns, counted %d", text, want, got)
		}
	}
	if got := cutTo("日本語", 4); got != "日…" {
		t.Errorf("%q", got)
	}
}

// slowWriter writes when it is allowed to.
type slowWriter struct {
	gate chan struct{}
	got  strings.Builder
}

func (w *slowWriter) Write(p []byte) (int, error) {
	<-w.gate
	return w.got.Write(p)
}

func TestSpoolNeverWaits(t *testing.T) {
	w := &slowWriter{gate: make(chan struct{})}
	s := newSpool(w, false)
	for i := range 1000 {
		fmt.Fprintln(s, i)
	}
	close(w.gate)
	s.close()
	if n := strings.Count(w.got.String(), "\n"); n != 1000 {
		t.Errorf("%d lines", n)
	}
}

type failing struct{ calls atomic.Int32 }

func (f *failing) Write([]byte) (int, error) {
	f.calls.Add(1)
	return 0, errors.New("no space left")
}

func TestSpoolGivesUpAfterAnError(t *testing.T) {
	f := &failing{}
	s := newSpool(f, false)
	for range 100 {
		if _, err := io.WriteString(s, "x"); err != nil {
			t.Fatal(err)
		}
		s.flush()
	}
	s.close()
	if f.calls.Load() != 1 {
		t.Errorf("tried %d times", f.calls.Load())
	}
}

// A terminal that was closed is read by nobody any more; a log is.
func TestSpoolHangsUp(t *testing.T) {
	for _, tty := range []bool{true, false} {
		w := &slowWriter{gate: make(chan struct{})}
		close(w.gate)
		s := newSpool(w, tty)
		s.hangUp()
		fmt.Fprintln(s, "after")
		s.close()
		if lost := w.got.Len() == 0; lost != tty {
			t.Errorf("terminal %v: %q", tty, w.got.String())
		}
	}
}
