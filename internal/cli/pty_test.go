package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/runbackhq/runback/internal/terminal"
)

// place is a folder with a playbook and a store of its own, and the program
// itself.
type place struct {
	t   testing.TB
	dir string
	env []string
}

// steps is a playbook whose second step waits until a file called go is there.
const steps = `apiVersion: runback/v1
kind: Playbook
metadata: {name: slow, version: 1.0.0, title: A rollback that waits}
spec:
  budget: 2m
  steps:
    - {id: first, name: The first step, uses: time.sleep, with: {for: 10ms}}
    - id: slow
      name: The slow step
      uses: command.run
      with: {args: [/bin/sh, -c, 'echo x >> ledger; i=0; until [ -e go ] || [ ! -e $PWD ]; do echo line $i; i=$((i+1)); sleep 0.05; done']}
    - {id: last, name: The last step, uses: command.run, with: {args: [/bin/sh, -c, echo y >> ledger]}}
`

func newPlace(t testing.TB) *place {
	t.Helper()
	p := &place{t: t, dir: t.TempDir()}
	p.write("slow.yaml", steps)
	p.env = []string{"HOME=" + p.dir, "XDG_STATE_HOME=" + filepath.Join(p.dir, "state"), "PATH=" + os.Getenv("PATH"), "TERM=xterm-256color", "LANG=C.UTF-8"}
	return p
}

func (p *place) write(name, text string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) command(args ...string) *exec.Cmd {
	cmd := exec.Command("runback", args...)
	cmd.Dir, cmd.Env = p.dir, p.env
	return cmd
}

// tell runs the program to its end and gives its exit code and all it printed.
func (p *place) tell(args ...string) (int, string) {
	p.t.Helper()
	cmd := p.command(args...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		p.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

func (p *place) wantLedger(want string) {
	p.t.Helper()
	got, err := os.ReadFile(filepath.Join(p.dir, "ledger"))
	if err != nil || strings.Join(strings.Fields(string(got)), "") != want {
		p.t.Errorf("the ledger holds %q, want %q (%v)", got, want, err)
	}
}

// begun waits until the slow step is at work.
func (p *place) begun() {
	p.t.Helper()
	p.soon("the slow step began", func() bool {
		_, err := os.Stat(filepath.Join(p.dir, "ledger"))
		return err == nil
	})
}

// soon waits until something is so.
func (p *place) soon(what string, ok func() bool) {
	p.t.Helper()
	for range 1200 {
		if ok() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	p.t.Fatal("not within a minute: " + what)
}

func (p *place) start(width int) *terminal.Session {
	return terminal.Start(p.t, p.command("run", "./slow.yaml", "--yes", "--reason", "5xx after deploy 1.5.0"), width, 24)
}

func want(t testing.TB, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in:\n%s", part, text)
		}
	}
}

func TestLiveViewOnATerminal(t *testing.T) {
	for _, width := range []int{80, 140} {
		p := newPlace(t)
		began := time.Now()
		s := p.start(width)
		s.Await("line 3")
		want(t, s.Text(), "RUN slow 1.0.0  A rollback that waits", `"5xx after deploy 1.5.0"`, "budget", "left, until", "✔ done", "The first step", "◌ running", "The slow step", "· waiting", "The last step", "Ctrl-C stops after")
		p.write("go", "")
		if code := s.Wait(); code != 0 {
			t.Fatalf("exit code %d\n%s", code, s.Text())
		}
		want(t, s.Text(), "✔ succeeded run r-", "runback status r-", "3/3 steps")
		if strings.Contains(s.Text(), "line 3") || strings.Count(s.Text(), "The slow step") != 1 {
			t.Errorf("pictures were left behind:\n%s", s.Text())
		}
		if w := s.Widest(); w >= width || len(s.Odd()) > 0 {
			t.Errorf("%d of %d columns, %q", w, width, s.Odd())
		}
		if most := int(time.Since(began)/(100*time.Millisecond)) + 2; s.Pictures() > most {
			t.Errorf("%d pictures, more than ten a second", s.Pictures())
		}
		p.wantLedger("xy")
	}
}

func TestLiveViewFollowsTheSizeOfTheWindow(t *testing.T) {
	p := newPlace(t)
	s := p.start(100)
	s.Await("line 2")
	s.SetSize(50, 12)
	s.AwaitThat("is drawn anew", func() bool { return s.Widest() > 0 })
	p.write("go", "")
	if code := s.Wait(); code != 0 || s.Widest() > 50 {
		t.Errorf("exit code %d, %d columns\n%s", code, s.Widest(), s.Text())
	}
}

func TestC5CtrlCOnceStopsAfterTheStep(t *testing.T) {
	p := newPlace(t)
	s := p.start(80)
	s.Await("line 1")
	s.Type("\x03")
	s.Await("stopping after the current step")
	want(t, s.Text(), "press Ctrl-C again to stop now", "runback resume r-")
	p.write("go", "")
	if code := s.Wait(); code != 5 {
		t.Errorf("exit code %d", code)
	}
	want(t, s.Text(), "cancelled run r-", "go on: runback resume r-", "· not run  The last step")
	p.wantLedger("x")
	if code, out := p.tell("resume", "last"); code != 0 {
		t.Errorf("resume: %d\n%s", code, out)
	}
	p.wantLedger("xy")
}

func TestC5CtrlCTwiceStopsNow(t *testing.T) {
	p := newPlace(t)
	s := p.start(80)
	s.Await("line 1")
	s.Type("\x03")
	s.Await("stopping after the current step")
	s.Type("\x03")
	s.Await("stopping now")
	if code := s.Wait(); code != 5 {
		t.Errorf("exit code %d\n%s", code, s.Text())
	}
	want(t, s.Text(), "go on: runback resume r-")
	p.write("go", "")
	code, out := p.tell("resume", "last")
	if code != 4 {
		t.Errorf("resume: %d", code)
	}
	want(t, strings.Join(strings.Fields(out), " "), "was stopped (asked to)", "what it did until then is not known", "--skip slow")
	if code, out := p.tell("resume", "last", "--skip", "slow", "--reason", "looked"); code != 0 {
		t.Errorf("resume: %d\n%s", code, out)
	}
	if got, _ := os.ReadFile(filepath.Join(p.dir, "ledger")); strings.Count(string(got), "x") != 1 {
		t.Errorf("the step was done again: %q", got)
	}
}

// A terminal that is closed is no request to stop: the run goes to its end.
func TestC4ClosedTerminalDoesNotStopARun(t *testing.T) {
	p := newPlace(t)
	s := p.start(80)
	s.Await("line 1")
	s.Close()
	p.write("go", "")
	if code := s.Wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	p.wantLedger("xy")
	_, out := p.tell("status", "last")
	want(t, out, "✔ succeeded")
}
