package postgres_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/actions/postgres"
	"github.com/runbackhq/runback/internal/testpostgres"
)

// slow makes an index whose building takes seconds, in whatever is restored
// from a dump of it.
func slow(t *testing.T, db string) {
	t.Helper()
	sql(t, db, "set role app", "create function public.slow(i int) returns int language plpgsql immutable as 'begin perform pg_sleep(0.003); return i; end'",
		"create index on a (public.slow(id))")
}

// doomed is a restore that is prepared, of a database that somebody uses.
func doomed(t *testing.T, format string, more map[string]any) (w *world, want string, o *observer) {
	t.Helper()
	db := database(t, owner)
	populate(t, db)
	slow(t, db)
	want = content(t, db)
	file := dumped(t, db, format)
	since(t, db)
	w = restoring(t, owner, db, file, more).prepare()
	o = observe(t, db, "the live one 1001 10", "the backup 1000 500")
	t.Cleanup(func() { o.ends(t) })
	return w, want, o
}

func (w *world) receipt(name string) string {
	w.t.Helper()
	var st map[string]any
	if err := json.Unmarshal(w.state, &st); err != nil {
		w.t.Fatal(err)
	}
	s, _ := st[name+"_receipt"].(string)
	return s
}

// doubts: the probe stops the run for a person, and says why.
func (w *world) doubts() {
	w.t.Helper()
	if v, _, err := w.probe(); v != actions.Foreign && v != actions.Unknown || err == nil {
		w.t.Errorf("%s %v", v, err)
	}
}

// one says that a restore left the database as if nothing had happened to it.
func (w *world) one(want string) {
	w.t.Helper()
	if got := content(w.t, w.db); got != want {
		w.t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if n := sql(w.t, "postgres", "select count(*) from pg_database where datname = '"+w.receipt("aside")+"'"); n != "0" {
		w.t.Error("the aside database was left")
	}
	w.wants(actions.Applied)
}

const loading = "select exists (select from pg_stat_activity where application_name like 'runback/%' and query ilike '%create index%' and state = 'active' and datname like '%\\_rb\\_%')"

const verifying = "select exists (select from pg_stat_activity where query like 'select pg_sleep(2)%' and state = 'active' and datname like '%\\_rb\\_%')"

func TestExecutorKilledWhileLoading(t *testing.T) {
	for _, format := range []string{"custom", "plain", "gzip"} {
		t.Run(format, func(t *testing.T) {
			w, want, _ := doomed(t, format, nil)
			w.killed("the index is built", loading)
			w.wants(actions.InFlight) // the child goes on
			w.settles()
			w.one(want)
		})
	}
}

// Everything of ours on this machine dies; the backend builds its index on.
func TestEverybodyKilledWhileLoading(t *testing.T) {
	for _, format := range []string{"custom", "gzip"} {
		t.Run(format, func(t *testing.T) {
			w, want, _ := doomed(t, format, nil)
			w.killed("the index is built", loading)
			w.killChild()
			w.settles()
			w.one(want)
		})
	}
}

// killChild kills the supervisor, and then what it supervised, with its group.
func (w *world) killChild() {
	w.t.Helper()
	found, err := filepath.Glob(filepath.Join(w.children(), "*", "supervisor.json"))
	if err != nil || len(found) != 1 {
		w.t.Fatalf("%v %v", found, err)
	}
	var p struct{ PID int }
	b, err := os.ReadFile(found[0])
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	killPID(w.t, p.PID)
	killGroup(w.t, w.childPID())
}

// A child that dies is a failure, and not the end of the database.
func TestLoadFails(t *testing.T) {
	for name, hit := range map[string]func(*world){
		"pg_restore killed": func(w *world) { killGroup(w.t, w.childPID()) },
		"backend terminated": func(w *world) {
			sql(w.t, "postgres", "select pg_terminate_backend(pid) from pg_stat_activity where query ilike '%create index%' and application_name like 'runback/%' and state = 'active'")
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, _, _ := doomed(t, "custom", nil)
			before := content(t, w.db)
			ended := make(chan error, 1)
			go func() { _, err := w.run(t.Context()); ended <- err }()
			until(t, "the index is built", func() bool { return sql(t, "postgres", loading) == "t" })
			hit(w)
			if err := <-ended; err == nil || actions.KindOf(err) != actions.KindFailed {
				t.Errorf("%v", err)
			}
			w.wants(actions.NotApplied)
			if got := content(t, w.db); got != before {
				t.Errorf("%s", got)
			}
			if n := sql(t, "postgres", "select count(*) from pg_database where datname = '"+w.receipt("aside")+"'"); n != "0" {
				t.Error("a half restored database was left")
			}
		})
	}
}

func TestExecutorKilledWhileVerifying(t *testing.T) {
	w, want, _ := doomed(t, "custom", map[string]any{"verify": []string{"select pg_sleep(2) is not null"}})
	w.killed("it verifies", verifying)
	w.settles()
	if n := len(w.childDirs()); n != 1 {
		t.Errorf("it was restored %d times", n) // whole is whole
	}
	w.one(want)
}

// A prepared transaction holds the swap: it waits in the middle of its own, is
// killed there, and nothing is changed.
func TestExecutorKilledWhileSwapping(t *testing.T) {
	w, want, _ := doomed(t, "custom", map[string]any{"verify": []string{"select pg_sleep(2) is not null"}})
	cmd := w.elsewhere()
	until(t, "it verifies", func() bool { return sql(t, "postgres", verifying) == "t" })
	sql(t, w.db, "begin; lock table marker in access share mode; prepare transaction 'holds'")
	until(t, "it swaps", func() bool {
		return sql(t, "postgres", "select exists (select from pg_stat_activity where query ilike 'alter database%rename%' and state = 'active')") == "t"
	})
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	w.wants(actions.NotApplied)
	if got := sql(t, w.db, "select what from marker"); got != "the live one" {
		t.Errorf("%s", got)
	}
	sql(t, w.db, "rollback prepared 'holds'")
	w.settles()
	w.one(want)
}

// A session that we may not end: it fails, says who it is, changes nothing, keeps
// what was restored, and lets everybody in again.
func TestSwapHeldForGood(t *testing.T) {
	w, want, _ := doomed(t, "custom", map[string]any{"verify": []string{"select pg_sleep(2) is not null"}})
	ended := make(chan error, 1)
	go func() { _, err := w.run(t.Context()); ended <- err }()
	until(t, "it verifies", func() bool { return sql(t, "postgres", verifying) == "t" })
	holds := connect(t, testpostgres.Superuser, w.db, "monitoring")
	err := <-ended
	refused(t, err, actions.KindFailed, "postgres (monitoring): our role may not end it")
	refused(t, err, actions.KindFailed, "database "+w.receipt("aside")+" is whole and was left")
	w.wants(actions.NotApplied)
	_ = holds.Close(t.Context())
	// By hand, without restoring again.
	s := step(t, "postgres.swap", owner, w.db, map[string]any{"with": w.receipt("aside"), "accept_data_loss": "all"}).prepare()
	s.must()
	if got := content(t, w.db); got != want {
		t.Errorf("%s", got)
	}
}

// Between CREATE DATABASE and its comment there is only the name and a number.
func TestKilledBetweenCreateAndMark(t *testing.T) {
	w, want, _ := doomed(t, "custom", nil)
	aside := w.receipt("aside")
	sql(t, "postgres", "create database "+aside+" owner app connection limit "+itoa(uint32(postgres.Nonce(aside))))
	w.settles()
	w.one(want)
}

func TestAsideOfSomebodyElse(t *testing.T) {
	w, _, _ := doomed(t, "custom", nil)
	aside := w.receipt("aside")
	sql(t, "postgres", "create database "+aside)
	w.doubts()
	if _, err := w.run(t.Context()); err == nil {
		t.Error("it was overwritten")
	}
	refused(t, w.tryPrepare(), actions.KindRefused, "is not one that this restore made")
	if sql(t, "postgres", "select count(*) from pg_database where datname = '"+aside+"'") != "1" {
		t.Error("it is gone")
	}
}

func TestLiveReplacedBySomebodyElse(t *testing.T) {
	w, _, o := doomed(t, "custom", nil)
	o.ends(t)
	o.stop, o.done = make(chan struct{}), make(chan struct{})
	close(o.done)
	sql(t, "postgres", "alter database "+w.db+" rename to "+w.db[:20]+"_x", "create database "+w.db)
	w.doubts()
	if _, err := w.run(t.Context()); err == nil {
		t.Error("it was replaced")
	}
}

// A run that is stopped stops its child and leaves nothing half restored.
func TestStopped(t *testing.T) {
	w, want, _ := doomed(t, "custom", nil)
	why := errors.New("spent")
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error, 1)
	go func() { _, err := w.run(ctx); ended <- err }()
	until(t, "the index is built", func() bool { return sql(t, "postgres", loading) == "t" })
	cancel(why)
	select {
	case err := <-ended:
		if !errors.Is(err, why) {
			t.Errorf("%v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("it goes on")
	}
	w.wants(actions.NotApplied)
	if n := sql(t, "postgres", "select count(*) from pg_database where datname = '"+w.receipt("aside")+"'"); n != "0" {
		t.Error("the aside database was left")
	}
	w.settles() // a resume begins anew
	w.one(want)
}

// However often and wherever it is killed.
func TestKilledAgainAndAgain(t *testing.T) {
	w, want, _ := doomed(t, "custom", nil)
	for _, after := range []int{300, 900, 1700, 2600, 4000} {
		cmd := w.elsewhere()
		time.Sleep(time.Duration(after) * time.Millisecond)
		_ = cmd.Process.Kill() // it may have come to its end
		_ = cmd.Wait()
	}
	w.settles()
	w.one(want)
}
