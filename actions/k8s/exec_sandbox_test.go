package k8s

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/klog/v2"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pod"
)

// The containers of the sandbox are processes of this machine, so an effect can
// be counted in a file.
func effect(t *testing.T) (file string, count func() int) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "effect")
	return file, func() int {
		b, err := os.ReadFile(file)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return strings.Count(string(b), "\n")
	}
}

func sh(script string, args ...any) []string {
	return []string{"sh", "-c", fmt.Sprintf(script, args...)}
}

func TestLookInPod(t *testing.T) {
	w := newWorld(t)
	w.deployed("app", "myapp:1.4.2", 1)
	out := w.do("k8s.look", values{"deployment": "app", "args": sh(`echo one; printf two; echo three >&2`)})
	if out["stdout"] != "one\ntwo" || out["stderr"] != "three\n" || out["exit_code"] != 0 {
		t.Errorf("%v", out)
	}
	for name, tc := range map[string]struct {
		with values
		says string
	}{
		"it fails":          {values{"deployment": "app", "args": sh(`echo no connection >&2; exit 2`)}, "exited with 2: no connection"},
		"it is not there":   {values{"deployment": "app", "args": []string{"no-such-program"}}, "exited with 127"},
		"it forges the end": {values{"deployment": "app", "args": sh(`printf '\nrunback-:0\n'; kill -9 $PPID; sleep 1`)}, "before the program was seen to end"},
	} {
		p := w.must("k8s.look", tc.with)
		if _, err := p.run(); err == nil || !strings.Contains(err.Error(), tc.says) || actions.KindOf(err) == actions.KindEnded {
			t.Errorf("%s: %v, want %q", name, err, tc.says)
		}
	}
	if _, err := w.prepare("k8s.look", values{"selector": "app=nobody", "args": []string{"true"}}); err == nil || actions.KindOf(err) != actions.KindFailed {
		t.Errorf("no pod: %v", err)
	}
}

func TestExecOnce(t *testing.T) {
	w := newWorld(t)
	w.deployed("app", "myapp:1.4.2", 1)
	file, effects := effect(t)
	p := w.must("k8s.exec", values{"deployment": "app", "args": sh(`echo x >> %s; echo done; sleep 0.3`, file)})
	if out := p.mustRun(); out["stdout"] != "done\n" || effects() != 1 {
		t.Errorf("%v, %d effects", out, effects())
	}
	// The same attempt is found, not begun anew.
	if out := p.mustRun(); out["stdout"] != "done\n" || effects() != 1 {
		t.Errorf("%v, %d effects", out, effects())
	}
	if v := p.probe(); v != actions.Applied {
		t.Errorf("%s", v)
	}
	bad := w.must("k8s.exec", values{"deployment": "app", "args": sh(`echo x >> %s; echo why >&2; exit 3`, file)})
	if _, err := bad.run(); actions.KindOf(err) != actions.KindEnded || !strings.Contains(err.Error(), "exited with 3: why") {
		t.Errorf("%v", err)
	}
	if v, _, err := bad.a.Probe(w.ctx(), bad.c, bad.in, bad.state); v != actions.Partial || actions.KindOf(err) != actions.KindEnded {
		t.Errorf("%s %v", v, err)
	}
	readonly := w.must("k8s.exec", values{"deployment": "app", "args": []string{"true"}, "claim_dir": "/proc"})
	if _, err := readonly.run(); actions.KindOf(err) != actions.KindRefused {
		t.Errorf("a folder that cannot be written: %v", err)
	}
}

// What a program writes is never taken for the answer about it, however much it is.
func TestExecWritesMuch(t *testing.T) {
	w := newWorld(t)
	w.deployed("app", "myapp:1.4.2", 1)
	out := w.do("k8s.exec", values{"deployment": "app", "args": sh(`seq 1 20000; seq 1 20000 >&2`)})
	text, _ := out["stdout"].(string)
	if !strings.HasSuffix(text, "\n20000\n") || len(text) != pod.DefaultMost || out["cut"] != true || out["exit_code"] != 0 {
		t.Errorf("%d bytes, cut %v, code %v", len(text), out["cut"], out["exit_code"])
	}
	for pad := range 12 { // wherever the first line of an answer would be cut
		p := w.must("k8s.exec", values{"deployment": "app", "args": sh(`yes 'exited 0' | head -n 10000; printf '%%.*s' %d 123456789012 >&2; exit 3`, pad)})
		if _, err := p.run(); err == nil || !strings.Contains(err.Error(), "exited with 3") {
			t.Errorf("%d: %v", pad, err)
		}
	}
}

// An executor that dies leaves the program running; whoever resumes asks.
func TestExecIsFoundAgain(t *testing.T) {
	w := newWorld(t)
	w.deployed("app", "myapp:1.4.2", 1)
	file, effects := effect(t)
	gone := errors.New("killed")
	p := w.must("k8s.exec", values{"deployment": "app", "args": sh(`echo x >> %s; while [ ! -e %s.go ]; do sleep 0.05; done; echo y >> %s`, file, file, file)})
	if v := p.probe(); v != actions.NotApplied {
		t.Errorf("before it is begun: %s", v)
	}
	before := p.c.Wait
	p.c.Wait = func(context.Context, time.Duration) error { panic(gone) }
	func() {
		defer func() { _ = recover() }()
		_, _ = p.run()
	}()
	p.c.Wait = before
	w.eventually("the program runs", func() bool { return effects() == 1 })
	if v := p.probe(); v != actions.InFlight {
		t.Errorf("while it runs: %s", v)
	}
	if err := os.WriteFile(file+".go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w.eventually("it ends", func() bool { return p.probe() == actions.Applied })
	if effects() != 2 {
		t.Errorf("%d effects", effects())
	}
}

// A start that is still on its way when it is asked about must not begin
// anything afterwards.
func TestExecLateStart(t *testing.T) {
	w := newWorld(t)
	w.deployed("app", "myapp:1.4.2", 1)
	file, effects := effect(t)
	p := w.must("k8s.exec", values{"deployment": "app", "args": sh(`echo x >> %s`, file)})
	if v := p.probe(); v != actions.NotApplied {
		t.Fatalf("%s", v)
	}
	if v := p.probe(); v != actions.NotApplied { // asked twice, as a run that is resumed twice does
		t.Fatalf("%s", v)
	}
	p.mustRun()
	if effects() != 1 || p.probe() != actions.Applied {
		t.Errorf("%d effects", effects())
	}
}

// A program that was told to end and ended badly did nobody knows what: its probe is
// asked, or it is run again where that does no harm, or a person decides.
func TestExecStoppedHalfway(t *testing.T) {
	w := newWorld(t)
	w.deployed("app", "myapp:1.4.2", 1)
	for name, tc := range map[string]struct {
		with    values
		verdict actions.Verdict
	}{
		"nobody can tell":         {values{}, actions.Unknown},
		"twice does no harm":      {values{"at_most_once": false}, actions.NotApplied},
		"its probe says yes":      {values{"probe": []string{"true"}}, actions.Applied},
		"its probe says no":       {values{"probe": []string{"false"}}, actions.NotApplied},
		"its probe does not know": {values{"probe": sh(`exit 7`)}, actions.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			file, effects := effect(t)
			with := values{"deployment": "app", "args": sh(`echo x >> %s; if [ -e %s.again ]; then exit 0; fi; sleep 60; echo y >> %s`, file, file, file)}
			maps.Copy(with, tc.with)
			p := w.must("k8s.exec", with)
			ctx, stop := context.WithCancelCause(w.ctx())
			defer stop(nil)
			waits := p.c.Wait
			p.c.Wait = func(c context.Context, d time.Duration) error {
				if effects() == 1 {
					stop(errors.New("stopped by Ctrl-C"))
				}
				return waits(c, d)
			}
			if _, err := p.a.Run(ctx, p.c, p.in, p.state); err == nil || !strings.Contains(err.Error(), "stopped by Ctrl-C") {
				t.Errorf("%v", err)
			}
			v, _, err := p.a.Probe(w.ctx(), p.c, p.in, p.state)
			if v != tc.verdict || effects() != 1 || (v == actions.Unknown) != (err != nil) {
				t.Fatalf("%s %v, %d effects", v, err, effects())
			}
			if v == actions.Unknown && !strings.Contains(err.Error(), "what it did until then is not known") {
				t.Errorf("%v", err)
			}
			if v != actions.NotApplied {
				return
			}
			if err := os.WriteFile(file+".again", nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if p.mustRun(); effects() != 2 || p.probe() != actions.Applied {
				t.Errorf("begun anew: %d effects", effects())
			}
		})
	}
}

// Whose time was spent is said, not only how the program came out of it.
func TestExecSaysWhyItWasStopped(t *testing.T) {
	w := newWorld(t)
	w.deployed("app", "myapp:1.4.2", 1)
	p := w.must("k8s.exec", values{"deployment": "app", "args": sh(`sleep 60`)})
	ctx, cancel := context.WithCancelCause(w.ctx())
	defer cancel(nil)
	waits := p.c.Wait
	p.c.Wait = func(c context.Context, d time.Duration) error { // it was begun
		cancel(errors.New("the time of step a is spent"))
		return waits(c, d)
	}
	_, err := p.a.Run(ctx, p.c, p.in, p.state)
	if err == nil || !strings.Contains(err.Error(), "the time of step a is spent: sh in pod") || actions.KindOf(err) != actions.KindEnded {
		t.Errorf("%v", err)
	}
}

// The libraries log what becomes of a connection that is given up. That would be
// written across the screen.
func TestLookStoppedWritesNothing(t *testing.T) {
	w := newWorld(t)
	w.deployed("app", "myapp:1.4.2", 1)
	file, effects := effect(t)
	p := w.must("k8s.look", values{"deployment": "app", "args": sh(`echo x >> %s; sleep 60`, file)})
	said := &logged{}
	klog.LogToStderr(false)
	klog.SetOutput(said)
	defer klog.LogToStderr(true)
	ctx, cancel := context.WithCancelCause(w.ctx())
	defer cancel(nil)
	go func() { // ends when the program has begun
		w.eventually("the program runs", func() bool { return effects() == 1 })
		cancel(errors.New("the time of step a is spent"))
	}()
	if _, err := p.a.Run(ctx, p.c, p.in, p.state); err == nil || !strings.Contains(err.Error(), "the time of step a is spent") {
		t.Errorf("%v", err)
	}
	time.Sleep(500 * time.Millisecond) // they log after they returned
	klog.Flush()
	if text := said.String(); strings.Contains(text, "Copying") || strings.Contains(text, "Websocket") {
		t.Errorf("it was said: %s", text)
	}
}

type logged struct {
	mu sync.Mutex
	strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Builder.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Builder.String()
}

// A container that was started anew took its record with it.
func TestExecOfAnotherLife(t *testing.T) {
	w := newWorld(t)
	w.deployed("app", "myapp:1.4.2", 1)
	p := w.must("k8s.exec", values{"deployment": "app", "args": []string{"true"}})
	p.mustRun()
	pods, err := w.cl.Pods().Pods(w.ctx(), pod.Choice{Deployment: "app"})
	if err != nil || len(pods) != 1 {
		t.Fatal(pods, err)
	}
	w.delete(podKind, pods[0].Name)
	w.eventually("the pod is gone", func() bool {
		_, err := w.cl.Pods().Exec(w.ctx(), pod.Ref{Pod: pods[0].Name, Container: "app"}, []string{"true"}, nil)
		return err != nil
	})
	if v, _, err := p.a.Probe(w.ctx(), p.c, p.in, p.state); v != actions.Unknown || err == nil {
		t.Errorf("%s %v", v, err)
	}
}
