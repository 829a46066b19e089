package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/runbackhq/runback/internal/testcluster"
	"github.com/runbackhq/runback/internal/testpostgres"
)

const waitingPlaybook = `apiVersion: runback/v1
kind: Playbook
metadata: {name: waits, version: 1.0.0}
spec:
  budget: 1m
  target:
    databases:
      app: {url: %q, password_env: %s}
  steps:
    - {id: wait, uses: time.sleep, with: {for: 3s}}
`

// detour is an address behind which the server can be exchanged, as a name that
// is pointed elsewhere.
func detour(t *testing.T) (addr string, lead *atomic.Int64) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	lead = &atomic.Int64{}
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", fmt.Sprintf("127.0.0.1:%d", lead.Load()))
			if err != nil {
				_ = in.Close()
				continue
			}
			go func() { _, _ = io.Copy(out, in); _ = out.Close() }()
			go func() { _, _ = io.Copy(in, out); _ = in.Close() }()
		}
	}()
	return l.Addr().String(), lead
}

// Another server behind the same name is another target: for a saved plan and
// for a resume.
func TestDatabaseExchangedBehindItsName(t *testing.T) {
	t.Parallel()
	one := postgresServer(t)
	two, err := testpostgres.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = two.Stop() })
	addr, lead := detour(t)
	lead.Store(int64(one.Port))
	p := newProgram(t, &testcluster.Env{})
	p.more = []string{passwordEnv + "=" + testpostgres.Password()}
	file := writePlaybook(t, fmt.Sprintf(waitingPlaybook, "postgres://app@"+addr+"/postgres", passwordEnv))
	plan := p.state + "/plan.json"
	res := p.must(0, "plan", file, "-o", plan)
	if !strings.Contains(res.out, "database  app") || !strings.Contains(res.out, "system identifier") {
		t.Errorf("the plan does not tell the database:\n%s", res.out)
	}
	p.bin = testcluster.Binary(t, "runback-crash")
	if res := p.dying("event:2", "run", file, "--yes", "--reason", "test"); res.code != -1 {
		t.Fatalf("%d %s", res.code, res.err)
	}
	lead.Store(int64(two.Port))
	if res := p.must(3, "run", "--plan", plan, "--yes", "--reason", "test"); !strings.Contains(res.out+res.err, "system identifier") {
		t.Errorf("%s%s", res.out, res.err)
	}
	if res := p.must(3, "resume", "last"); !strings.Contains(res.err, "system identifier") {
		t.Errorf("%s%s", res.out, res.err)
	}
	lead.Store(int64(one.Port))
	p.must(0, "resume", "last")
	p.must(0, "run", "--plan", plan, "--yes", "--reason", "test")
}

// Two runs on one database: one waits for nobody and is refused, whatever the
// database is called in its playbook.
func TestOneRunForEachDatabase(t *testing.T) {
	t.Parallel()
	db := copyOf(t, "")
	p := newProgram(t, &testcluster.Env{})
	p.more = db.env()
	text := fmt.Sprintf(waitingPlaybook, db.url(), passwordEnv)
	second := writePlaybook(t, strings.Replace(text, "app: {url", "other: {url", 1))
	first := p.command("run", writePlaybook(t, text), "--yes", "--reason", "first", "-o", "json")
	// It is frozen, so that it holds the database for as long as the other takes; in
	// its step, because in the middle of a write it would hold the journal too.
	interruptAfter(t, first, "step.start", syscall.Signal(0), func() {
		time.Sleep(500 * time.Millisecond)
		if err := first.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		var rows []struct{ ID, Status string }
		p.json(&rows, "runs")
		res := p.must(6, "run", second, "--yes", "--reason", "second")
		if len(rows) != 1 || !strings.Contains(res.err, rows[0].ID) {
			t.Errorf("the holder is not named: %v %s", rows, res.err)
		}
		if err := first.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
	})
	if code := first.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the first one ended with %d", code)
	}
	p.must(0, "run", second, "--yes", "--reason", "second")
}
