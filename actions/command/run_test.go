package command_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/runbackhq/runback/actions"
)

const run = "command.run"

func TestRun(t *testing.T) {
	t.Setenv("CANARY", "old")
	w := step(t, run, map[string]any{
		"args": sh(`cat; echo "$CANARY $1 in $PWD"; echo warn >&2; exit 3`), "env": map[string]any{"CANARY": "new"}, "stdin": "in\n", "success_codes": []int{0, 3},
	}).prepare()
	if _, err := os.Stat(w.children()); err == nil {
		t.Error("preparing wrote something")
	}
	w.wants(actions.NotApplied)
	out, err := w.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]any{
		"exit_code": 3, "signal": "", "stdout": "in\nnew  in " + w.top + "\n", "stderr": "warn\n", "stdout_cut": false, "stderr_cut": false, "left_running": false,
	} {
		if out[field] != want {
			t.Errorf("%s is %q, want %q", field, out[field], want)
		}
	}
	if got := w.wants(actions.Applied); got["stdout"] != out["stdout"] || got["exit_code"] != 3 || got["took"] != out["took"] {
		t.Errorf("the probe gives %v", got)
	}
}

func TestNoShell(t *testing.T) {
	w := step(t, run, map[string]any{"args": []string{"printf", "[%s]", "$HOME; *", "a  b", ""}}).prepare()
	if out, err := w.run(t.Context()); err != nil || out["stdout"] != "[$HOME; *][a  b][]" {
		t.Errorf("%v %v", out["stdout"], err)
	}
}

func TestBadEnd(t *testing.T) {
	for name, tc := range map[string]struct{ script, says string }{
		"exit code": {"echo one >&2; echo two >&2; exit 4", "sh exited with 4: two"},
		"signal":    {"kill -TERM $$", "sh was ended by signal: terminated"},
		"output":    {"echo only this; exit 1", "sh exited with 1: only this"},
	} {
		t.Run(name, func(t *testing.T) {
			w := step(t, run, map[string]any{"args": sh(tc.script)}).prepare()
			_, err := w.run(t.Context())
			_, _, perr := w.probe()
			for _, err := range []error{err, perr} {
				if actions.KindOf(err) != actions.KindEnded || err.Error() != tc.says || !strings.Contains(actions.HintOf(err), w.children()) {
					t.Errorf("%v (%s, %s)", err, actions.KindOf(err), actions.HintOf(err))
				}
			}
		})
	}
}

func TestOutputIsCut(t *testing.T) {
	w := step(t, run, map[string]any{"args": sh(`head -c 70000 /dev/zero | tr '\0' x; echo end; printf '\377' >&2`)}).prepare()
	out, err := w.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := out["stdout"].(string)
	if len(s) != 64<<10 || !strings.HasSuffix(s, "xend\n") || out["stdout_cut"] != true || out["stderr_cut"] != false || out["stderr"] != "\ufffd" {
		t.Errorf("%d bytes, cut %v, stderr %q", len(s), out["stdout_cut"], out["stderr"])
	}
}

func TestPrepareRefuses(t *testing.T) {
	here := t.TempDir()
	plain := filepath.Join(here, "plain")
	if err := os.WriteFile(plain, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		with map[string]any
		says string
	}{
		"no program":       {map[string]any{"args": []string{}}, "args name no program"},
		"unknown program":  {map[string]any{"args": []string{"no-such-program-here"}}, "program cannot be run"},
		"not executable":   {map[string]any{"args": []string{plain}}, "program cannot be run"},
		"no folder":        {map[string]any{"args": []string{"true"}, "dir": "/no/such"}, `dir "/no/such"`},
		"folder is a file": {map[string]any{"args": []string{"true"}, "dir": plain}, "it is not a folder"},
		"unknown probe":    {map[string]any{"args": []string{"true"}, "probe": map[string]any{"args": []string{"./nope"}}}, "probe: program cannot be run"},
		"variable":         {map[string]any{"args": []string{"true"}, "env": map[string]any{"a=b": "c"}}, "no name of a variable"},
		"zero byte":        {map[string]any{"args": []string{"true", "a\x00b"}}, "zero byte"},
	} {
		t.Run(name, func(t *testing.T) {
			w := step(t, run, tc.with)
			_, err := w.a.Prepare(t.Context(), w.c, w.in)
			if actions.KindOf(err) != actions.KindInvalid || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestProgramOfTheFolder(t *testing.T) {
	w := step(t, run, map[string]any{"args": []string{"./tool", "x"}})
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(w.file("tool"), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write("#!/bin/sh\necho $0 $1\n")
	w.prepare()
	p, err := w.a.Preview(t.Context(), w.c, w.in, w.state)
	if err != nil || p.Label != actions.Opaque || p.Summary != `runs "./tool" "x"` || p.Object != w.file("tool") || !strings.Contains(strings.Join(p.Notes, "\n"), "a person decides") {
		t.Errorf("%+v %v", p, err)
	}
	write("#!/bin/sh\necho other\n")
	if _, err := w.run(t.Context()); actions.KindOf(err) != actions.KindConflict {
		t.Errorf("another program was run: %v", err)
	}
	w.prepare()
	if out, err := w.run(t.Context()); err != nil || out["stdout"] != "other\n" {
		t.Errorf("%v %v", out, err)
	}
}

func TestCannotBeExecuted(t *testing.T) {
	w := step(t, run, map[string]any{"args": []string{"./tool"}})
	if err := os.WriteFile(w.file("tool"), []byte("#!/no/such/interpreter\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	w.prepare()
	if _, err := w.run(t.Context()); actions.KindOf(err) != actions.KindInvalid {
		t.Errorf("%v", err)
	}
	w.wants(actions.NotApplied)
}

// The time of a step ends: its command does not go on.
func TestStopped(t *testing.T) {
	why := errors.New("the time of step x is spent")
	for name, tc := range map[string]struct {
		script string
		kind   actions.Kind
		ok     bool
	}{
		"ends badly": {": > begun; while [ -e $PWD ]; do sleep 0.02; done", actions.KindEnded, false},
		"ends well":  {"trap 'exit 0' INT; : > begun; while [ -e $PWD ]; do sleep 0.02; done", actions.KindFailed, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := step(t, run, map[string]any{"args": sh(tc.script), "grace": "300ms"}).prepare()
			ctx, cancel := context.WithCancelCause(t.Context())
			go func() { w.until("the script", w.exists("begun")); cancel(why) }()
			_, err := w.run(ctx)
			if actions.KindOf(err) != tc.kind || (err == nil) != tc.ok || (err != nil && !errors.Is(err, why)) {
				t.Errorf("%v", err)
			}
			if v, _, _ := w.probe(); v == actions.InFlight {
				t.Error("it still runs")
			}
		})
	}
}

// A command that does not end although its time is over is told to be at work.
func TestDoesNotEnd(t *testing.T) {
	w := step(t, run, map[string]any{"args": sh(": > begun; while [ -e $PWD ] && [ ! -e go ]; do sleep 0.02; done"), "grace": "10ms"}).prepare()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	wait := w.c.Wait
	// Who waits for the command was told before that it runs: a supervisor that
	// is stopped earlier is another case.
	w.c.Wait = func(c context.Context, d time.Duration) error {
		if w.exists("begun")() && ctx.Err() == nil {
			w.signalSupervisor(syscall.SIGSTOP)
			cancel(errors.New("the time of step x is spent"))
		}
		return wait(c, d)
	}
	_, err := w.run(ctx)
	v, _, perr := w.probe()
	if err == nil || v != actions.InFlight || actions.KindOf(perr) != actions.KindAtWork || !strings.Contains(actions.HintOf(perr), w.children()) {
		t.Errorf("%v; %s %v (%s)", err, v, perr, actions.HintOf(perr))
	}
	w.write("go")
	w.signalSupervisor(syscall.SIGCONT)
	w.until("its end", func() bool { v, _, _ := w.probe(); return v != actions.InFlight })
}

func TestStoppedBeforeItBegan(t *testing.T) {
	w := step(t, run, map[string]any{"args": sh("echo x >> effect")}).prepare()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.run(ctx); !errors.Is(err, context.Canceled) || actions.KindOf(err) != actions.KindFailed {
		t.Errorf("%v", err)
	}
	if w.wants(actions.NotApplied); w.effects() != 0 {
		t.Error("it ran")
	}
}
