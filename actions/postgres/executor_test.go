package postgres_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/actions/postgres"
	"github.com/runbackhq/runback/internal/testpostgres"
	"github.com/runbackhq/runback/internal/tool"
	"github.com/runbackhq/runback/schema"
)

// executorEnv makes this test program an executor that calls Run once, so that
// it can be killed as one.
const executorEnv = "RUNBACK_TEST_EXECUTOR"

type order struct {
	Action, Key, Children string
	In, State             json.RawMessage
	Target                actions.Target
}

func waitFor(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// execute is the executor that is to be killed.
func execute(raw string) int {
	var o order
	if err := json.Unmarshal([]byte(raw), &o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	for _, a := range postgres.Actions(tool.Room{Base: func() (string, error) { return o.Children, nil }}) {
		if a.Spec.Name != o.Action {
			continue
		}
		tree, err := schema.FromJSON(o.In, schema.Pos{File: "test"})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 2
		}
		in, found := a.Decode(tree)
		if len(found) > 0 {
			fmt.Fprintln(os.Stderr, found)
			return 2
		}
		if _, err := a.Run(context.Background(), &actions.Call{Key: o.Key, Target: o.Target, Wait: waitFor, Say: func(string) {}}, in, o.State); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return 0
}

// elsewhere starts the step in a process of its own.
func (w *world) elsewhere() *exec.Cmd {
	w.t.Helper()
	in, err := json.Marshal(w.given)
	if err != nil {
		w.t.Fatal(err)
	}
	raw, err := json.Marshal(order{w.a.Spec.Name, w.c.Key, w.children(), in, w.state, w.c.Target})
	if err != nil {
		w.t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), executorEnv+"="+string(raw))
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	return cmd
}

// killed waits until something is seen, and kills the executor as the kernel
// does when memory is short.
func (w *world) killed(what, query string) {
	w.t.Helper()
	cmd := w.elsewhere()
	until(w.t, what, func() bool { return sql(w.t, "postgres", query) == "t" })
	if err := cmd.Process.Kill(); err != nil {
		w.t.Fatal(err)
	}
	_ = cmd.Wait()
}

// settles does what the executor does after a crash, until it is known how the
// step came out.
func (w *world) settles() actions.Outputs {
	w.t.Helper()
	for range 600 {
		v, out, err := w.probe()
		switch {
		case v == actions.InFlight || actions.KindOf(err) == actions.KindUnreachable:
			time.Sleep(50 * time.Millisecond)
		case v == actions.Applied:
			return out
		case v == actions.NotApplied:
			return w.must()
		default:
			w.t.Fatalf("probe says %s: %v", v, err)
		}
	}
	w.t.Fatal("it does not settle")
	return nil
}

// observer connects to a database all the time, as an application does, and
// tells when it sees anything but one of the whole states.
type observer struct {
	stop    chan struct{}
	done    chan struct{}
	seen    [2]atomic.Int64
	bad     atomic.Pointer[string]
	refused atomic.Int64
	longest atomic.Int64 // the longest time that nobody got in
}

func observe(t *testing.T, db, old, restored string) *observer {
	t.Helper()
	o := &observer{stop: make(chan struct{}), done: make(chan struct{})}
	cfg, err := pgx.ParseConfig(server.URL(owner, db))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Password = testpostgres.Password()
	cfg.RuntimeParams["application_name"] = "observer"
	go func() {
		defer close(o.done)
		last := time.Now()
		for {
			select {
			case <-o.stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
			switch got, err := lookOnce(cfg); {
			case err != nil && expected(err):
				o.refused.Add(1)
				continue
			case err != nil:
				said := err.Error()
				o.bad.CompareAndSwap(nil, &said)
			case got == old:
				o.seen[0].Add(1)
			case got == restored:
				o.seen[1].Add(1)
			default:
				o.bad.CompareAndSwap(nil, &got)
			}
			o.longest.Store(max(o.longest.Load(), int64(time.Since(last))))
			last = time.Now()
		}
	}()
	return o
}

func lookOnce(cfg *pgx.ConnConfig) (got string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(ctx) }()
	err = conn.QueryRow(ctx, `select (select what from marker) || ' ' || (select count(*) from a) || ' ' || (select count(*) from b)`).Scan(&got)
	return got, err
}

// expected is what an application is told at a swap: ended, renamed.
func expected(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (e.Code == "57P01" || e.Code == "3D000") || strings.Contains(err.Error(), "unexpected EOF") || strings.Contains(err.Error(), "reset by peer")
}

// ends stops the observer and judges what it saw.
func (o *observer) ends(t *testing.T) {
	t.Helper()
	close(o.stop)
	<-o.done
	if bad := o.bad.Load(); bad != nil {
		t.Errorf("somebody saw %q", *bad)
	}
	t.Logf("seen %d times as it was, %d times restored, %d times ended or renamed, nobody in for %s at most", o.seen[0].Load(), o.seen[1].Load(), o.refused.Load(), time.Duration(o.longest.Load()))
}

// killPID kills a process that this test started.
func killPID(t *testing.T, pid int) {
	t.Helper()
	if pid <= 1 {
		t.Fatal("no process")
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// killGroup kills a child with all that it started.
func killGroup(t *testing.T, pid int) {
	t.Helper()
	if pid <= 1 {
		t.Fatal("no process")
	}
	if err := syscall.Kill(-pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

func (w *world) childDirs() []string {
	w.t.Helper()
	found, err := filepath.Glob(filepath.Join(w.children(), "*", "child.json"))
	if err != nil {
		w.t.Fatal(err)
	}
	return found
}

// childPID is that of the only child.
func (w *world) childPID() int {
	w.t.Helper()
	found := w.childDirs()
	if len(found) != 1 {
		w.t.Fatalf("children: %v", found)
	}
	var p struct{ PID int }
	b, err := os.ReadFile(found[0])
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return p.PID
}

// ours says whether a process is this test, or a supervisor, which is the same
// program: they were given the password in their environment.
func ours(path string) bool {
	exe, err := os.Readlink(filepath.Join(filepath.Dir(path), "exe"))
	self, err2 := os.Executable()
	return err == nil && err2 == nil && exe == self
}

// withoutReceipts is what a saved plan is compared by.
func withoutReceipts(t *testing.T, state json.RawMessage) string {
	t.Helper()
	var st map[string]any
	if err := json.Unmarshal(state, &st); err != nil {
		t.Fatal(err)
	}
	for k := range st {
		if strings.HasSuffix(k, "receipt") {
			delete(st, k)
		}
	}
	return fmt.Sprint(st)
}
