package command_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/runbackhq/runback/actions"
)

const slow = "echo x >> effect; : > begun; while [ -e $PWD ] && [ ! -e go ]; do sleep 0.02; done"

// left starts the command and leaves it as an executor does that is killed:
// it goes on, and nobody of this process knows of it.
func (w *world) left() {
	w.t.Helper()
	gone := errors.New("killed")
	ctx := w.t.Context()
	before := w.c.Wait
	defer func() { w.c.Wait = before }()
	// The first wait never comes back, as in a process that is no more. What
	// it started is not stopped, for nobody is left to do that.
	done := make(chan struct{})
	w.c.Wait = func(context.Context, time.Duration) error {
		w.until("the script", w.exists("begun"))
		panic(gone)
	}
	go func() {
		defer close(done)
		defer func() { _ = recover() }()
		_, _ = w.a.Run(ctx, w.c, w.in, w.state)
	}()
	<-done
}

func TestResumeFindsIt(t *testing.T) {
	w := step(t, run, map[string]any{"args": sh(slow + "; echo done; exit 0")}).prepare()
	w.left()
	w.wants(actions.InFlight)
	w.write("go")
	w.until("its end", func() bool { v, _, _ := w.probe(); return v != actions.InFlight })
	if out := w.wants(actions.Applied); out["stdout"] != "done\n" || w.effects() != 1 {
		t.Errorf("%v, %d effects", out, w.effects())
	}
	// One that runs the same attempt again does not run the command again.
	if out, err := w.run(t.Context()); err != nil || out["stdout"] != "done\n" || w.effects() != 1 {
		t.Errorf("%v %v, %d effects", out, err, w.effects())
	}
	// A new attempt does.
	if _, err := w.prepare().run(t.Context()); err != nil || w.effects() != 2 {
		t.Errorf("%v, %d effects", err, w.effects())
	}
}

func TestTwoExecutorsOneAttempt(t *testing.T) {
	w := step(t, run, map[string]any{"args": sh("echo x >> effect; sleep 0.2; exit 0")}).prepare()
	errs := make(chan error, 4)
	for range cap(errs) {
		go func() { _, err := w.run(t.Context()); errs <- err }()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if w.effects() != 1 {
		t.Errorf("%d effects", w.effects())
	}
}

// A command that was lost, or that the operator had stopped in the middle: how it
// ended does not tell what it did.
func TestCutShort(t *testing.T) {
	for name, tc := range map[string]struct {
		with map[string]any
		want actions.Verdict
		says string // after why it is not known
	}{
		"at most once": {map[string]any{}, actions.Unknown, ""},
		"repeatable":   {map[string]any{"at_most_once": false}, actions.NotApplied, ""},
		"asked: yes":   {map[string]any{"probe": map[string]any{"args": sh("exit 0")}}, actions.Applied, ""},
		"asked: no":    {map[string]any{"probe": map[string]any{"args": sh("exit 1")}}, actions.NotApplied, ""},
		"no answer":    {map[string]any{"probe": map[string]any{"args": sh("echo cannot connect >&2; exit 2")}}, actions.Unknown, "probe: sh exited with 2: cannot connect"},
		"asked first":  {map[string]any{"at_most_once": false, "probe": map[string]any{"args": sh("exit 0")}}, actions.Applied, ""},
	} {
		for how, cut := range map[string]struct {
			by   func(*world)
			says string
		}{
			"lost":    {(*world).lose, "nobody saw how the command ended"},
			"stopped": {(*world).stop, "sh was stopped (asked to) and was ended by signal: interrupt"},
		} {
			t.Run(name+", "+how, func(t *testing.T) {
				with := maps.Clone(tc.with)
				with["args"] = sh("echo x >> effect; echo partial; " + slow)
				w := step(t, run, with).prepare()
				cut.by(w)
				v, out, err := w.probe()
				if v != tc.want || (v == actions.Unknown) != (err != nil) || (err != nil && (!strings.Contains(err.Error(), cut.says) || !strings.Contains(err.Error(), tc.says))) {
					t.Fatalf("%s %v", v, err)
				}
				if v == actions.Applied && (out["exit_code"] != nil || out["stdout"] != "partial\n") {
					t.Errorf("%v", out)
				}
				w.write("go")
				before := w.effects()
				_, err = w.run(t.Context())
				if again := w.effects() - before; (again > 0) != (tc.want == actions.NotApplied) || (err == nil) != (again > 0) {
					t.Errorf("run again: %v, %d more effects", err, again)
				}
				if err == nil {
					w.wants(actions.Applied) // the second child is found, not the first
				}
				w.nothingElse()
			})
		}
	}
}

// lose leaves a command that nobody saw end.
func (w *world) lose() {
	w.left()
	w.until("its output", w.kept) // what the supervisor has not read is gone with it
	w.killSupervisor()
	w.wants(actions.InFlight) // the command itself lives
	w.write("go")
	w.until("its end", func() bool { v, _, _ := w.probe(); return v != actions.InFlight })
}

func (w *world) kept() bool {
	found, err := filepath.Glob(filepath.Join(w.children(), "*", "stdout"))
	if err != nil || len(found) != 1 {
		return false
	}
	info, err := os.Stat(found[0])
	return err == nil && info.Size() > 0
}

// stop ends the run while the command works.
func (w *world) stop() {
	ctx, cancel := context.WithCancelCause(w.t.Context())
	go func() { w.until("the script", w.exists("begun")); cancel(errors.New("stopped by the operator")) }()
	if _, err := w.run(ctx); actions.KindOf(err) != actions.KindEnded {
		w.t.Fatal(err)
	}
}

// nothingElse: of probes, nothing is kept.
func (w *world) nothingElse() {
	w.t.Helper()
	found, err := os.ReadDir(w.children())
	if err != nil || len(found) > 2 {
		w.t.Errorf("%v %v", found, err)
	}
}

func TestAnnouncedElsewhere(t *testing.T) {
	w := step(t, run, map[string]any{"args": sh("exit 0")}).prepare()
	var st map[string]any
	if err := json.Unmarshal(w.state, &st); err != nil {
		t.Fatal(err)
	}
	st["host"] = "elsewhere"
	var err error
	if w.state, err = json.Marshal(st); err != nil {
		t.Fatal(err)
	}
	if v, _, err := w.probe(); v != actions.Unknown || err == nil {
		t.Errorf("%s %v", v, err)
	}
}

func TestLook(t *testing.T) {
	w := step(t, "command.look", map[string]any{"args": sh("echo x >> effect; cat effect; exit 1"), "success_codes": []int{1}}).prepare()
	for n := 1; n <= 2; n++ { // a verification looks again with what was prepared once
		out, err := w.run(t.Context())
		if err != nil || out["exit_code"] != 1 || out["stdout"] != strings.Repeat("x\n", n) {
			t.Errorf("%v %v", out, err)
		}
	}
	if found, err := os.ReadDir(w.children()); err != nil || len(found) != 0 {
		t.Errorf("left behind: %v %v", found, err)
	}
	bad := step(t, "command.look", map[string]any{"args": sh("echo why >&2; exit 1")}).prepare()
	if _, err := bad.run(t.Context()); err == nil || err.Error() != "sh exited with 1: why" || actions.KindOf(err) != actions.KindFailed {
		t.Errorf("%v", err)
	}
}

func TestLookIsStopped(t *testing.T) {
	w := step(t, "command.look", map[string]any{"args": sh(slow), "grace": "300ms"}).prepare()
	why := errors.New("spent")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() { w.until("the script", w.exists("begun")); cancel(why) }()
	if _, err := w.run(ctx); !errors.Is(err, why) {
		t.Errorf("%v", err)
	}
	if found, err := filepath.Glob(filepath.Join(w.children(), "*")); err != nil || len(found) != 0 {
		t.Errorf("left behind: %v %v", found, err)
	}
}
