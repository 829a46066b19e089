package cli_test

import (
	"syscall"
	"testing"

	"github.com/runbackhq/runback/internal/terminal"
)

// TestWatchARunOfAnotherProcess shows it as that process does; to stop watching
// stops nothing, and a process that dies is told of.
func TestWatchARunOfAnotherProcess(t *testing.T) {
	p := newPlace(t)
	cmd := p.command("run", "./slow.yaml", "--yes", "--reason", "5xx after deploy 1.5.0")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.begun()
	watch := func() *terminal.Session { return terminal.Start(t, p.command("status", "last", "--watch"), 80, 24) }

	first := watch()
	first.Await("◌ running  The slow step")
	first.Type("\x03")
	if code := first.Wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	want(t, first.Text(), "the run goes on", "runback status r-")

	second := watch()
	second.Await("◌ running  The slow step")
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := second.Wait(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	want(t, second.Text(), "the process that ran it is gone", "runback resume r-", "॥ stopped  The slow step")

	p.write("go", "")
	if code, out := p.tell("resume", "last"); code != 0 {
		t.Errorf("exit code %d: %s", code, out)
	}
	p.wantLedger("xy")
}
