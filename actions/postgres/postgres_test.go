package postgres_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/actions/actionstest"
	"github.com/runbackhq/runback/actions/postgres"
	"github.com/runbackhq/runback/internal/testpostgres"
	"github.com/runbackhq/runback/internal/tool"
	"github.com/runbackhq/runback/schema"
)

var server *testpostgres.Server

// steps makes each step of a test one of its own.
var steps atomic.Int64

const passwordEnv = "RUNBACK_TEST_PASSWORD"

func TestMain(m *testing.M) {
	if raw := os.Getenv(executorEnv); raw != "" {
		syscall.Exit(execute(raw))
	}
	var err error
	if server, err = testpostgres.Start(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := os.Setenv(passwordEnv, testpostgres.Password()); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if err := server.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		os.Exit(code)
	}))
}

func TestContract(t *testing.T) {
	reg, err := actions.NewRegistry(postgres.Actions(tool.Room{Base: func() (string, error) { return t.TempDir(), nil }}))
	if err != nil {
		t.Fatal(err)
	}
	actionstest.Exercise(t, reg)
}

// world is a step of a playbook that acts on a database of its own.
type world struct {
	t     *testing.T
	db    string
	top   string
	a     actions.Action
	c     *actions.Call
	in    any
	state json.RawMessage
	given map[string]any
	said  []string
}

// database makes an empty database that belongs to a role.
func database(t *testing.T, owner string, statements ...string) string {
	t.Helper()
	name := "db_" + strings.ToLower(strings.NewReplacer("/", "_", "#", "_", " ", "_", "-", "_", ",", "_", ":", "_", "'", "").Replace(t.Name()))
	name = fmt.Sprintf("%s_%d", name[:min(len(name), 34)], steps.Add(1))
	sql(t, "postgres", "create database "+name+" owner "+owner)
	if len(statements) > 0 {
		sql(t, name, statements...)
	}
	return name
}

// sql runs statements as superuser.
func sql(t testing.TB, database string, statements ...string) string {
	t.Helper()
	out, err := server.SQL(context.Background(), database, statements...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func step(t *testing.T, name, role, db string, with map[string]any) *world {
	t.Helper()
	w := newWorld(t.TempDir(), name, role, db)
	w.t = t
	w.c.Key = fmt.Sprintf("r-test0001/%s/%d", t.Name(), steps.Add(1))
	return w.with(with)
}

func newWorld(top, name, role, db string) *world {
	w := &world{db: db, top: top}
	w.c = &actions.Call{
		Key: fmt.Sprintf("r-test0001/steps/%d", steps.Add(1)), Say: func(line string) { w.said = append(w.said, line) }, Wait: waitFor,
		Target: actions.Target{Databases: map[string]actions.DatabaseTarget{"app": {URL: server.URL(role, db), PasswordEnv: passwordEnv, System: system()}}},
	}
	for _, a := range postgres.Actions(tool.Room{Base: func() (string, error) { return w.children(), nil }}) {
		if a.Spec.Name == name {
			w.a = a
		}
	}
	return w
}

// system is the identifier of the server.
var system = sync.OnceValue(func() string {
	out, err := server.SQL(context.Background(), "postgres", "select system_identifier from pg_control_system()")
	if err != nil {
		panic(err)
	}
	return out
})

func (w *world) children() string { return filepath.Join(w.top, "state", "children") }

func (w *world) with(with map[string]any) *world {
	w.t.Helper()
	if with == nil {
		with = map[string]any{}
	}
	w.given = with
	in, err := decode(w.a, with)
	if err != nil {
		w.t.Fatal(err)
	}
	w.in = in
	return w
}

func decode(a actions.Action, with map[string]any) (any, error) {
	raw, err := json.Marshal(with)
	if err != nil {
		return nil, err
	}
	tree, err := schema.FromJSON(raw, schema.Pos{File: "test"})
	if err != nil {
		return nil, err
	}
	in, found := a.Decode(tree)
	return in, found.Err()
}

func (w *world) tryPrepare() (err error) {
	w.state, err = w.a.Prepare(w.t.Context(), w.c, w.in)
	return err
}

func (w *world) prepare() *world {
	w.t.Helper()
	if err := w.tryPrepare(); err != nil {
		w.t.Fatalf("%v (%s)", err, actions.HintOf(err))
	}
	return w
}

func (w *world) preview() actions.Preview {
	w.t.Helper()
	p, err := w.a.Preview(w.t.Context(), w.c, w.in, w.state)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) run(ctx context.Context) (actions.Outputs, error) {
	return w.a.Run(ctx, w.c, w.in, w.state)
}

func (w *world) must() actions.Outputs {
	w.t.Helper()
	out, err := w.run(w.t.Context())
	if err != nil {
		w.t.Fatalf("%v (%s)", err, actions.HintOf(err))
	}
	return out
}

func (w *world) probe() (actions.Verdict, actions.Outputs, error) {
	return w.a.Probe(w.t.Context(), w.c, w.in, w.state)
}

// wants checks a probe; what is still at work is waited for, as the executor
// does.
func (w *world) wants(want actions.Verdict) actions.Outputs {
	w.t.Helper()
	v, out, err := w.probe()
	for i := 0; v == actions.InFlight && want != actions.InFlight && i < 600; i++ {
		time.Sleep(50 * time.Millisecond)
		v, out, err = w.probe()
	}
	if v != want {
		w.t.Fatalf("probe says %s (%v), want %s", v, err, want)
	}
	return out
}

func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for range 3000 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("waited in vain: %s", what)
}

// refused checks an error by its kind and words.
func refused(t *testing.T, err error, kind actions.Kind, says string) {
	t.Helper()
	if err == nil || actions.KindOf(err) != kind || !saysAny(err.Error(), says) {
		t.Errorf("got %v (%s), want %s: %s", err, actions.KindOf(err), kind, says)
	}
}

// connect opens a session that the test works with.
func connect(t *testing.T, role, db, application string) *pgx.Conn {
	t.Helper()
	cfg, err := pgx.ParseConfig(server.URL(role, db))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Password = testpostgres.Password()
	cfg.RuntimeParams["application_name"] = application
	conn, err := pgx.ConnectConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func do(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

func itoa(pid uint32) string { return strconv.Itoa(int(pid)) }

// aside runs a statement that waits, and is over before its session is closed.
func aside(t *testing.T, conn *pgx.Conn, sql string) <-chan error {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended, seen := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(seen)
		_, err := conn.Exec(ctx, sql)
		ended <- err
	}()
	t.Cleanup(func() { cancel(); <-seen })
	return ended
}
