package alembic_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/actions/actionstest"
	"github.com/runbackhq/runback/actions/alembic"
	"github.com/runbackhq/runback/internal/testpostgres"
	"github.com/runbackhq/runback/internal/tool"
	"github.com/runbackhq/runback/schema"
)

var (
	server *testpostgres.Server // started when a test needs it
	start  sync.Once
	number atomic.Int32
)

const passwordEnv = "RUNBACK_TEST_PASSWORD"

func TestMain(m *testing.M) {
	// What a target does not say must not be taken from here.
	for name, value := range map[string]string{passwordEnv: testpostgres.Password(), "PGHOST": "192.0.2.1", "PGDATABASE": "elsewhere", "PGPASSWORD": "wrong"} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if server != nil {
			if err := server.Stop(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				code = 1
			}
		}
		os.Exit(code)
	}))
}

func TestContract(t *testing.T) {
	reg, err := actions.NewRegistry(alembic.Actions(tool.Room{Base: func() (string, error) { return t.TempDir(), nil }}, nil))
	if err != nil {
		t.Fatal(err)
	}
	actionstest.Exercise(t, reg)
}

// world is a project of alembic and the database that it is for.
type world struct {
	t    testing.TB
	dir  string // of the project
	top  string // what is not of the project
	db   string
	c    *actions.Call
	env  map[string]string
	x    map[string]string
	more map[string]any // inputs besides
}

// project makes a database and a project with one of the chains.
func project(t testing.TB, chain string) *world {
	t.Helper()
	start.Do(func() {
		var err error
		if server, err = testpostgres.Start(context.WithoutCancel(t.Context())); err != nil {
			t.Fatal(err)
		}
	})
	w := &world{t: t, dir: t.TempDir(), top: t.TempDir(), db: fmt.Sprintf("shop_%d", number.Add(1)), env: map[string]string{}, x: map[string]string{}, more: map[string]any{}}
	if _, err := server.SQL(t.Context(), "postgres", "create database "+w.db+" owner "+testpostgres.Owner); err != nil {
		t.Fatal(err)
	}
	from := filepath.Join("..", "..", "testdata", "alembic")
	for _, name := range []string{"alembic.ini", "env.py"} {
		text, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		w.write(name, string(text))
	}
	if err := os.CopyFS(w.file("versions"), os.DirFS(filepath.Join(from, "chains", chain))); err != nil {
		t.Fatal(err)
	}
	w.c = &actions.Call{Key: "r-test/steps/x", Say: func(string) {}, Wait: pause}
	w.c.Target.Databases = map[string]actions.DatabaseTarget{"shop": {URL: server.URL(testpostgres.Owner, w.db), PasswordEnv: passwordEnv}}
	return w
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

func (w *world) file(name string) string { return filepath.Join(w.dir, name) }
func (w *world) children() string        { return filepath.Join(w.top, "children") }
func (w *world) base() (string, error)   { return w.children(), nil }
func (w *world) exists(name string) bool { _, err := os.Stat(w.file(name)); return err == nil }
func (w *world) version() string {
	return w.sql("select coalesce(string_agg(version_num, ' ' order by version_num), 'base') from alembic_version")
}
func (w *world) tables() string {
	return w.sql("select string_agg(relname, ' ' order by relname) from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'v', 'i')")
}

func (w *world) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(w.file(name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) sql(statements ...string) string {
	w.t.Helper()
	out, err := server.SQL(w.t.Context(), w.db, statements...)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// tool runs alembic itself, as an operator would.
func (w *world) tool(args ...string) error {
	cmd := exec.CommandContext(w.t.Context(), "alembic", args...)
	cmd.Dir = w.dir
	cmd.Env = append(os.Environ(), server.Env(w.db)...)
	cmd.Env = append(cmd.Env, "DATABASE_URL=postgresql://", "PGUSER=app")
	for name, value := range w.env {
		if name != "WAIT" && name != "SLEEP" {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("alembic %v: %w\n%s", args, err, out)
	}
	return nil
}

// at brings the database to a revision, by alembic itself.
func (w *world) at(revision string) *world {
	w.t.Helper()
	args := []string{}
	for name, value := range w.x {
		args = append(args, "-x", name+"="+value)
	}
	if err := w.tool(append(args, "upgrade", revision)...); err != nil {
		w.t.Fatal(err)
	}
	return w
}

// step is one step of a playbook in a world.
type step struct {
	*world
	a     actions.Action
	in    any
	state json.RawMessage
}

func (w *world) step(name string, with map[string]any) *step {
	w.t.Helper()
	s := &step{world: w}
	for _, a := range alembic.Actions(tool.Room{Base: w.base}, nil) {
		if a.Spec.Name == name {
			s.a = a
		}
	}
	all := map[string]any{"dir": w.dir, "url_env": "DATABASE_URL", "env": w.env, "x": w.x}
	for _, m := range []map[string]any{w.more, with} {
		for k, v := range m {
			all[k] = v
		}
	}
	raw, err := json.Marshal(all)
	if err != nil {
		w.t.Fatal(err)
	}
	tree, err := schema.FromJSON(raw, schema.Pos{File: "test"})
	if err != nil {
		w.t.Fatal(err)
	}
	in, found := s.a.Decode(tree)
	if len(found) > 0 {
		w.t.Fatal(found)
	}
	s.in = in
	return s
}

func (w *world) downgrade(to string) *step {
	return w.step("alembic.downgrade", map[string]any{"to": to})
}

func (s *step) try() (err error) {
	s.state, err = s.a.Prepare(s.t.Context(), s.c, s.in)
	return err
}

func (s *step) prepare() *step {
	s.t.Helper()
	if err := s.try(); err != nil {
		s.t.Fatalf("%v (%s)", err, actions.HintOf(err))
	}
	return s
}

func (s *step) preview() actions.Preview {
	s.t.Helper()
	p, err := s.a.Preview(s.t.Context(), s.c, s.in, s.state)
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

func (s *step) run(ctx context.Context) (actions.Outputs, error) {
	return s.a.Run(ctx, s.c, s.in, s.state)
}

func (s *step) done() actions.Outputs {
	s.t.Helper()
	out, err := s.run(s.t.Context())
	if err != nil {
		s.t.Fatalf("%v (%s)", err, actions.HintOf(err))
	}
	return out
}

// probe asks until it settles.
func (s *step) probe() (v actions.Verdict, out actions.Outputs, err error) {
	s.until("a verdict", func() bool {
		ctx, cancel := context.WithTimeout(s.t.Context(), 5*time.Second)
		defer cancel()
		v, out, err = s.a.Probe(ctx, s.c, s.in, s.state)
		return v != actions.InFlight
	})
	return v, out, err
}

// wants checks a probe. A verdict that comes with a reason is given to the
// executor as one that could not be found out.
func (s *step) wants(want actions.Verdict, says string) actions.Outputs {
	s.t.Helper()
	v, out, err := s.probe()
	if err != nil && v == actions.Unknown {
		v = want
	}
	if v != want || says == "" && err != nil || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
		s.t.Fatalf("probe says %s (%v), want %s (%s)", v, err, want, says)
	}
	return out
}

func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	for range 3000 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.t.Fatalf("waited in vain: %s", what)
}

// decoded reads a part of what was prepared.
func (s *step) decoded(into any) {
	s.t.Helper()
	if err := json.Unmarshal(s.state, into); err != nil {
		s.t.Fatal(err)
	}
}
