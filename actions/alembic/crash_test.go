package alembic_test

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

// left begins the step and leaves it as an executor does that is killed: the
// child goes on, and nobody of this process knows of it.
func (s *step) left() *step { s.t.Helper(); return s.leftWith(s.t.Context()) }

func (s *step) leftWith(ctx context.Context) *step {
	s.t.Helper()
	gone := errors.New("killed")
	before, done := s.c.Wait, make(chan struct{})
	defer func() { s.c.Wait = before }()
	s.c.Wait = func(context.Context, time.Duration) error {
		s.until("the revision", s.working)
		panic(gone)
	}
	go func() {
		defer close(done)
		defer func() { _ = recover() }()
		_, _ = s.run(ctx)
	}()
	<-done
	return s
}

// working says whether the revision is where it waits: in alembic, or in a
// statement at the server.
func (s *step) working() bool {
	if s.env["SLEEP"] == "" || !s.exists("begun") {
		return s.exists("begun")
	}
	n, err := server.SQL(context.Background(), s.db, "select count(*) from pg_stat_activity where datname = current_database() and state = 'active' and query like 'select pg_sleep%'")
	return err == nil && n == "1"
}

// kill kills a process of the last child, as the kernel does when memory is
// short.
func (s *step) kill(who string) {
	s.t.Helper()
	if err := syscall.Kill(s.pid(who), syscall.SIGKILL); err != nil {
		s.t.Fatal(err)
	}
}

func (s *step) pid(who string) int {
	s.t.Helper()
	found, err := filepath.Glob(filepath.Join(s.children(), "*", who+".json"))
	if err != nil || len(found) != 1 {
		s.t.Fatalf("%v %v", found, err)
	}
	b, err := os.ReadFile(found[0])
	s.must(err)
	var p struct{ PID int }
	if err := json.Unmarshal(b, &p); err != nil || p.PID <= 1 {
		s.t.Fatal(p, err)
	}
	return p.PID
}

func (s *step) sessions() string {
	return s.sql("select count(*) from pg_stat_activity where datname = current_database() and application_name like 'runback/%'")
}

const undisturbed = "alembic_version alembic_version_pkc customers customers_pkey"

// slow is a step of two revisions, the second of which waits in the middle.
func slow(t *testing.T, set map[string]string) *step {
	t.Helper()
	w := project(t, "slow").at("head")
	for k, v := range set {
		w.env[k] = v
	}
	return w.downgrade("aaa1").prepare()
}

// Whoever dies in the middle of it: what is there afterwards is known, and once
// more leads to the same as undisturbed.
func TestKilledInTheMiddle(t *testing.T) {
	for name, tc := range map[string]struct {
		env  string
		kill func(s *step)
		want actions.Verdict // first
	}{
		"the executor": {"WAIT", func(s *step) {
			if v, _, err := s.a.Probe(s.t.Context(), s.c, s.in, s.state); v != actions.InFlight || actions.KindOf(err) != actions.KindAtWork {
				s.t.Errorf("%s %v", v, err)
			}
			s.write("go", "")
		}, actions.Applied},
		"executor and supervisor": {"WAIT", func(s *step) {
			s.kill("supervisor")
			if v, _, err := s.a.Probe(s.t.Context(), s.c, s.in, s.state); v != actions.InFlight || actions.KindOf(err) != actions.KindAtWork {
				s.t.Errorf("%s %v", v, err)
			}
			s.write("go", "")
		}, actions.Applied},
		"executor and alembic": {"WAIT", func(s *step) { s.kill("child") }, actions.NotApplied},
		"all of them":          {"WAIT", func(s *step) { s.kill("supervisor"); s.kill("child") }, actions.NotApplied},
		// The server goes on with the statement of a client that is gone.
		"alembic while the server works": {"SLEEP", func(s *step) { s.kill("child") }, actions.NotApplied},
		"all while the server works":     {"SLEEP", func(s *step) { s.kill("supervisor"); s.kill("child") }, actions.NotApplied},
		"its session": {"SLEEP", func(s *step) {
			s.sql("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like '%pg_sleep%' and pid <> pg_backend_pid()")
		}, actions.NotApplied},
		"the server": {"SLEEP", func(s *step) { s.must(server.Restart(s.t.Context())) }, actions.NotApplied},
	} {
		t.Run(name, func(t *testing.T) {
			s := slow(t, map[string]string{tc.env: map[string]string{"WAIT": "1", "SLEEP": "60"}[tc.env]}).left()
			tc.kill(s)
			s.wants(tc.want, "")
			if n := s.sessions(); n != "0" {
				t.Errorf("%s sessions are at work after the probe", n)
			}
			if tc.want == actions.NotApplied {
				if s.version() != "ccc3" {
					t.Errorf("it is at %s", s.version())
				}
				s.write("go", "")
				s.done()
				s.wants(actions.Applied, "")
			}
			if s.version() != "aaa1" || s.tables() != undisturbed {
				t.Errorf("it is at %s with %s", s.version(), s.tables())
			}
			// And again: not one revision further.
			if s.done(); s.version() != "aaa1" {
				t.Errorf("it is at %s", s.version())
			}
		})
	}
}

// Where each revision is a transaction, those before it are done. That is known;
// it is neither begun again nor counted from there.
func TestKilledBetweenTransactions(t *testing.T) {
	s := slow(t, map[string]string{"WAIT": "1", "PER_REVISION": "1"}).left()
	s.kill("child")
	_, _, err := s.probe()
	if actions.KindOf(err) != actions.KindEnded || !strings.Contains(err.Error(), "the database is at bbb2: 1 of 2 revisions are done, each as a whole, and the next, bbb2, was rolled back") {
		t.Errorf("%s: %v", actions.KindOf(err), err)
	}
	s.write("go", "")
	if _, err := s.run(t.Context()); err == nil || s.version() != "bbb2" {
		t.Errorf("%v, it is at %s", err, s.version())
	}
}

// The same when it fails by itself: no retry counts -1 from the middle.
func TestFailedBetweenTransactions(t *testing.T) {
	w := project(t, "slow")
	w.env["PER_REVISION"] = "1"
	w.write("versions/bbb2.py", strings.Replace(w.read("versions/bbb2.py"), `op.execute("drop view everybody")`, `op.execute("drop view no_such_view")`, 1))
	s := w.at("head").downgrade("-2").prepare()
	if _, err := s.run(t.Context()); actions.KindOf(err) != actions.KindEnded || !strings.Contains(err.Error(), "1 of 2 revisions are done") || !strings.Contains(err.Error(), "no_such_view") {
		t.Errorf("%s: %v", actions.KindOf(err), err)
	}
}

// What was committed in the middle stays, though the version says nothing of it.
func TestKilledOutsideOfATransaction(t *testing.T) {
	w := project(t, "concurrent").at("head")
	w.env["WAIT"] = "1"
	s := w.downgrade("-1").prepare()
	if p := s.preview(); !strings.Contains(strings.Join(p.Notes, "\n"), "revision bbb2 commits in the middle") {
		t.Errorf("%v", p.Notes)
	}
	s.left().kill("child")
	s.wants(actions.Partial, "the database is at bbb2, and revision bbb2, which commits in the middle, may be half done; alembic: ended by signal: killed")
	if strings.Contains(s.tables(), "everybody") {
		t.Error("the view is there: it was not killed where it should be")
	}
	s.write("go", "")
	if _, err := s.run(t.Context()); err == nil || !strings.Contains(err.Error(), "is not begun again") {
		t.Errorf("%v", err)
	}
}

// A statement that is asked to end ends at once, and takes its work back.
func TestTimeIsOver(t *testing.T) {
	s := slow(t, map[string]string{"SLEEP": "60"})
	why := errors.New("the time of step x is spent")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() { s.until("the revision", s.working); cancel(why) }()
	if _, err := s.run(ctx); !errors.Is(err, why) {
		t.Errorf("%v", err)
	}
	s.wants(actions.NotApplied, "")
	if s.version() != "ccc3" || s.sessions() != "0" {
		t.Errorf("it is at %s, %s sessions", s.version(), s.sessions())
	}
}

// Nobody is left to stop it: the supervisor holds the time of the step.
func TestDeadlineWithoutExecutor(t *testing.T) {
	s := slow(t, map[string]string{"SLEEP": "60"})
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	s.leftWith(ctx)
	_, _, err := s.probe() // waits until it is not in flight any more
	if err != nil || s.version() != "ccc3" || s.sessions() != "0" {
		t.Errorf("%v, it is at %s, %s sessions", err, s.version(), s.sessions())
	}
	s.wants(actions.NotApplied, "")
}

func TestTwoExecutorsOneAttempt(t *testing.T) {
	s := slow(t, nil)
	errs := make(chan error, 3)
	for range cap(errs) {
		go func() { _, err := s.run(t.Context()); errs <- err }()
	}
	won := 0
	for range cap(errs) {
		if err := <-errs; err == nil {
			won++
		} else if actions.KindOf(err) != actions.KindConflict { // the other one holds the lock
			t.Error(err)
		}
	}
	if found, _ := filepath.Glob(filepath.Join(s.children(), "*")); won == 0 || len(found) != 1 || s.version() != "aaa1" {
		t.Errorf("%d won, children %v, at %s", won, found, s.version())
	}
}

// Somebody holds the table: nothing waits for long, nothing is changed, and the
// next attempt goes through.
func TestLockedTable(t *testing.T) {
	w := project(t, "linear").at("head")
	w.more["lock_timeout"] = "200ms"
	reader := w.open("shop-reader")
	for _, sql := range []string{"begin", "select * from orders"} {
		if _, err := reader.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	s := w.downgrade("bbb2").prepare()
	_, err := s.run(t.Context())
	if actions.KindOf(err) != actions.KindFailed || err == nil || !strings.Contains(err.Error(), "55P03") || !strings.Contains(actions.HintOf(err), "postgres.locks") {
		t.Errorf("%s: %v (%s)", actions.KindOf(err), err, actions.HintOf(err))
	}
	if s.wants(actions.NotApplied, ""); w.version() != "ddd4" {
		t.Errorf("it is at %s", w.version())
	}
	if _, err := reader.Exec(t.Context(), "rollback"); err != nil {
		t.Fatal(err)
	}
	if s.prepare().done(); w.version() != "bbb2" {
		t.Errorf("it is at %s", w.version())
	}
}
