package executor_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
)

// timeless runs a test in a world whose clock moves only while everybody
// waits: an hour takes no time, and lengths of time can be told exactly.
func timeless(t *testing.T, f func(t *testing.T, b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newBench(t)) })
}

// spec writes a playbook of the given steps with a minute of time.
func spec(steps ...string) string { return "  budget: 1m\n  steps:\n" + strings.Join(steps, "") }

func step(text string) string { return "    - {" + text + "}\n" }

// stopAfter ends the context as an operator does who stops the run at once.
func stopAfter(d time.Duration) context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	time.AfterFunc(d, func() { cancel(executor.Stopped(errors.New("by a test"))) })
	return ctx
}

// happened lists the events of a run as "type path", without its first and
// last.
func (b *bench) happened() []string {
	var out []string
	for _, e := range b.store.events {
		if e.Type != journal.RunStarted && e.Type != journal.RunEnded {
			out = append(out, strings.TrimSpace(fmt.Sprint(e.Type, " ", e.Path)))
		}
	}
	return out
}

func (b *bench) wantHappened(want ...string) {
	b.t.Helper()
	if diff := cmp.Diff(want, b.happened()); diff != "" {
		b.t.Errorf("other events (-want +got):\n%s", diff)
	}
}

// wantOnce holds every effect to one.
func (b *bench) wantOnce() {
	b.t.Helper()
	for key, n := range b.w.effects {
		if n != 1 {
			b.t.Errorf("%s was written %d times", key, n)
		}
	}
}

func wantMessage(t *testing.T, st *journal.State, want string) {
	t.Helper()
	if !strings.Contains(st.End.Message, want) {
		t.Errorf("message %q, want %q in it", st.End.Message, want)
	}
}

// took is how long the run lasted.
func took(st *journal.State) time.Duration { return st.Ended.Sub(st.At) }
