package terraform_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/runbackhq/runback/actions"
)

// chain makes a, then b, which stays at work until the file go is there, then c.
const chain = `
resource "terraform_data" "a" {
  provisioner "local-exec" { command = "echo +a >> ledger" }
}
resource "terraform_data" "b" {
  input = terraform_data.a.id
  provisioner "local-exec" { command = "echo +b >> ledger; : > begun; while [ -e $PWD ] && [ ! -e go ]; do sleep 0.02; done" }
}
resource "terraform_data" "c" {
  input = terraform_data.b.id
  provisioner "local-exec" { command = "echo +c >> ledger" }
}
`

// left starts the step and leaves it as an executor does that is killed: it goes
// on, and nobody of this process knows of it.
func (s *step) left(until string) {
	s.t.Helper()
	before := s.c.Wait
	defer func() { s.c.Wait = before }()
	done := make(chan struct{})
	ctx := s.t.Context()
	s.c.Wait = func(context.Context, time.Duration) error {
		s.until("the step to be at "+until, s.exists(until))
		panic(errors.New("killed"))
	}
	go func() {
		defer close(done)
		defer func() { _ = recover() }()
		_, _ = s.a.Run(ctx, s.c, s.in, s.state)
	}()
	<-done
}

// kill kills the process of a record: supervisor.json or child.json.
func (w *world) kill(record string) {
	w.t.Helper()
	found, err := filepath.Glob(filepath.Join(w.children(), "*", record))
	if err != nil || len(found) != 1 {
		w.t.Fatalf("%v %v", found, err)
	}
	b, err := os.ReadFile(found[0])
	if err != nil {
		w.t.Fatal(err)
	}
	var p struct{ PID int }
	if err := json.Unmarshal(b, &p); err != nil || p.PID <= 1 {
		w.t.Fatal(p, err)
	}
	if err := syscall.Kill(p.PID, syscall.SIGKILL); err != nil {
		w.t.Fatal(err)
	}
}

func (s *step) settled() {
	s.t.Helper()
	s.until("its end", func() bool {
		v, _, _ := s.a.Probe(s.t.Context(), s.c, s.in, s.state)
		return v != actions.InFlight
	})
}

func TestExecutorKilled(t *testing.T) {
	onBoth(t, chain, func(t *testing.T, w *world, _ *stateServer) {
		s := w.apply(nil).prepare()
		s.left("infra/begun")
		s.wants(actions.InFlight)
		w.write("infra/go", "")
		s.settled()
		s.wants(actions.Applied)
		if out := s.mustRun(); out["changed"] != true || w.ledger() != "+a +b +c" {
			t.Errorf("%v, ledger %q", out, w.ledger())
		}
		w.noPlans()
	})
}

func TestTerraformKilled(t *testing.T) {
	onBoth(t, chain, func(t *testing.T, w *world, remote *stateServer) {
		s := w.apply(nil).prepare()
		s.left("infra/begun")
		w.kill("child.json") // its provisioner outlives it
		defer w.write("infra/go", "")
		s.settled()
		if nothingWritten(w, remote) {
			// Whatever was made, nobody knows.
			s.wants(actions.Unknown, "1 of 3 resources are done", "begun and not heard of again: terraform_data.b", "not heard of: terraform_data.c",
				"may exist although the state does not know them: terraform_data.a, terraform_data.b, terraform_data.c;", "plan -refresh-only")
		} else {
			s.wants(actions.Partial, "may exist although the state does not know them: terraform_data.b, terraform_data.c;", "left to do: create terraform_data.b, create terraform_data.c")
		}
		if _, err := s.run(); err == nil || w.ledger() != "+a +b" {
			t.Errorf("run again: %v, ledger %q", err, w.ledger())
		}
	})
}

// nothingWritten says that an apply that is killed in its second resource has
// not told its state of the first: OpenTofu 1.12.6 writes a local state no more
// often than a remote one, terraform 1.11.4 a local one at once.
func nothingWritten(w *world, remote *stateServer) bool {
	return remote != nil || filepath.Base(w.program) == "tofu"
}

func TestAllKilled(t *testing.T) {
	onBoth(t, chain, func(t *testing.T, w *world, remote *stateServer) {
		s := w.apply(nil).prepare()
		s.left("infra/begun")
		w.kill("supervisor.json")
		s.wants(actions.InFlight) // terraform itself lives
		w.kill("child.json")
		w.write("infra/go", "")
		s.settled()
		// Silence proves nothing now: c may have been begun.
		verdict := actions.Partial
		if nothingWritten(w, remote) {
			verdict = actions.Unknown
		}
		s.wants(verdict, "nobody saw how it ended", "terraform_data.c")
		if _, err := s.run(); err == nil || !strings.Contains(err.Error(), "is not applied again") || w.ledger() != "+a +b" {
			t.Errorf("run again: %v, ledger %q", err, w.ledger())
		}
	})
}

// In its first resource the local state is not written either, so its serial is
// what it was, and all the same something was made.
func TestKilledInTheFirst(t *testing.T) {
	first := strings.Replace(chain, "terraform_data.a.id", "1", 1)
	onBoth(t, first, func(t *testing.T, w *world, _ *stateServer) {
		s := w.apply(map[string]any{"targets": []string{"terraform_data.b"}}).prepare()
		s.left("infra/begun")
		w.kill("supervisor.json")
		w.kill("child.json")
		w.write("infra/go", "")
		s.settled()
		s.wants(actions.Unknown, "terraform_data.b")
		if w.ledger() != "+b" {
			t.Errorf("ledger %q", w.ledger())
		}
	})
}

// What only takes away is asked of the objects: the same plan once more.
func TestKilledWhileDeleting(t *testing.T) {
	config := `
resource "terraform_data" "a" {
  count = fileexists("gone") ? 0 : 1
  provisioner "local-exec" {
    when    = destroy
    command = "echo -a >> ledger; : > begun; while [ -e $PWD ] && [ ! -e go ]; do sleep 0.02; done"
  }
}
`
	w := newWorld(t, config)
	w.byHand("apply", "-auto-approve")
	w.write("infra/gone", "")
	s := w.apply(map[string]any{"allow_delete": []string{"terraform_data.a"}}).prepare()
	s.left("infra/begun")
	w.kill("supervisor.json")
	w.kill("child.json")
	w.write("infra/go", "")
	s.settled()
	s.wants(actions.NotApplied)
	if out := s.mustRun(); words(out["deleted"]) != "terraform_data.a[0]" {
		t.Errorf("%v", out)
	}
	s.wants(actions.Applied)
}

// The time of a step ends: terraform finishes what it began and writes the state.
func TestStopped(t *testing.T) {
	onBoth(t, chain, func(t *testing.T, w *world, remote *stateServer) {
		why := errors.New("the time of step x is spent")
		s := w.apply(nil).prepare()
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() { w.until("the second resource", w.exists("infra/begun")); cancel(why) }()
		_, err := s.a.Run(ctx, s.c, s.in, s.state)
		wantsKind(t, err, actions.KindEnded, "1 of 3 resources are done", "failed: terraform_data.b", "not begun: terraform_data.c", "it was stopped")
		if !errors.Is(err, why) {
			t.Errorf("%v", err)
		}
		s.wants(actions.Partial, "1 of 3") // with the reason, of kind ended
		if remote != nil && remote.holder() != "" {
			t.Error("the lock was left")
		}
		w.write("infra/go", "")
		next := w.apply(map[string]any{"allow_replace": []string{"terraform_data.b"}}).prepare()
		if p := next.preview(); p.Summary != "create 1, replace 1" {
			t.Errorf("%q", p.Summary)
		}
	})
}

func TestKilledBeforeItBegan(t *testing.T) {
	remote := newStateServer(t)
	w := newWorld(t, remote.config()+thing("a", "1", "null"))
	w.byHand("init", "-input=false")
	s := w.apply(nil).prepare()
	remote.set(`{"ID":"11111111-2222-3333-4444-555555555555","Who":"ada@elsewhere","Operation":"OperationTypeApply","Created":"2024-01-01T10:00:00Z"}`)
	w.t = t
	waits := func() bool {
		return strings.Contains(w.stdout(), "Acquiring state lock") || strings.Contains(w.stdout(), `"type":"version"`)
	}
	go func() { w.until("it waits for the lock", waits); w.kill("child.json") }()
	if _, err := s.run(); err == nil {
		t.Error("it was killed and says that all is well")
	}
	s.wants(actions.NotApplied)
	remote.set("")
	if next := w.apply(nil).prepare(); next.mustRun()["changed"] != true || w.ledger() != "+a" {
		t.Errorf("ledger %q", w.ledger())
	}
}

// stdout of the child that is there.
func (w *world) stdout() string {
	found, _ := filepath.Glob(filepath.Join(w.children(), "r-test*", "stdout"))
	if len(found) == 0 {
		return ""
	}
	b, _ := os.ReadFile(found[0])
	return string(b)
}

// Another state is there by now: nothing that it says is about our apply.
func TestKilledAndAnotherState(t *testing.T) {
	w := newWorld(t, `resource "terraform_data" "z" {}`)
	w.byHand("apply", "-auto-approve")
	w.config(`resource "terraform_data" "z" {}` + chain)
	s := w.apply(nil).prepare()
	s.left("infra/begun")
	w.kill("supervisor.json")
	w.kill("child.json")
	w.write("infra/go", "")
	s.settled()
	for _, name := range []string{"infra/terraform.tfstate", "infra/terraform.tfstate.backup"} {
		if err := os.RemoveAll(w.file(name)); err != nil {
			t.Fatal(err)
		}
	}
	w.byHand("apply", "-auto-approve", "-target=terraform_data.z")
	s.wants(actions.Foreign, "the state has lineage ", "terraform_data.b")
}
