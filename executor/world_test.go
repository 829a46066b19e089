package executor_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
	"github.com/runbackhq/runback/internal/lock"
	"github.com/runbackhq/runback/schema"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is what the fake actions act on. It counts effects, independently of
// any journal.
type world struct {
	mu       sync.Mutex
	values   map[string]int
	effects  map[string]int // by key
	looks    int
	fails    map[string]int // how often an action on a key fails before it works
	lost     map[string]int // how often the reply to a write is lost
	identity string
	verdicts map[string][]actions.Verdict // what a probe says first, in order
	down     map[string]int               // how often there is no answer, before anything is done
	atWork   bool                         // what is in flight acts by itself
	kinds    map[string]func() error      // what an action on a key fails with instead
	during   map[string]func()            // called while an action on a key is under way
	landed   func()                       // called when a write has landed
	prepared map[string]int
	probed   map[string]int
	locks    []lock.Register
	said     []string
}

func newWorld() *world {
	return &world{values: map[string]int{}, effects: map[string]int{}, fails: map[string]int{}, lost: map[string]int{}, identity: "one",
		verdicts: map[string][]actions.Verdict{}, down: map[string]int{}, kinds: map[string]func() error{}, during: map[string]func(){},
		prepared: map[string]int{}, probed: map[string]int{}}
}

func (w *world) Identify(context.Context, actions.Target) (journal.Identity, error) {
	return journal.Identity{"cluster": w.identity}, nil
}

func (w *world) Locks(context.Context, actions.Target) ([]lock.Register, error) { return w.locks, nil }

type setIn struct {
	Key   string `json:"key" doc:"name"`
	Value int    `json:"value" doc:"wanted"`
}

type setState struct {
	Before int `json:"before"`
}

type setOut struct {
	Value int `json:"value" doc:"as it is now"`
}

type getIn struct {
	Key string `json:"key" doc:"name"`
}

type getOut struct {
	Value *int `json:"value" doc:"as it is; unknown when there is none"`
}

// registry gives t.set (a compare-and-set that can be probed), t.blind (the
// same without a probe), t.get, and t.wait, an observation with a preview.
func (w *world) registry(t testing.TB) actions.Registry {
	t.Helper()
	set := actions.Def[setIn, setState, setOut]{Name: "t.set", Effect: actions.Change, Prepare: w.prepare, Preview: preview, Run: w.set, Probe: w.probe, NoUndo: "a test"}
	blind := set
	blind.Name, blind.Probe = "t.blind", nil
	owes, settles := set, set
	owes.Name, owes.Owes = "t.owes", func(in setIn, _ setState) []actions.Obligation {
		return []actions.Obligation{{Key: "owed " + in.Key, What: in.Key + " is set"}}
	}
	settles.Name, settles.Settles = "t.settles", func(in setIn, _ setState) []string { return []string{"owed " + in.Key} }
	r, err := actions.NewRegistry([]actions.Action{
		asks(), w.hushes(), actions.Define(set), actions.Define(blind), actions.Define(owes), actions.Define(settles),
		actions.Define(actions.Def[getIn, struct{}, getOut]{Name: "t.get", Run: w.get}),
		actions.Define(actions.Def[askIn, struct{}, askOut]{Name: "t.ask", Run: ask}),
		actions.Define(actions.Def[getIn, struct{}, getOut]{Name: "t.wait", Preview: func(context.Context, *actions.Call, getIn, struct{}) (actions.Preview, error) {
			return actions.Preview{Label: actions.Exact, Summary: "waits"}, nil
		}, Run: func(ctx context.Context, c *actions.Call, _ getIn, _ struct{}) (getOut, error) {
			return getOut{}, c.Wait(ctx, time.Hour)
		}}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (w *world) prepare(_ context.Context, _ *actions.Call, in setIn) (setState, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.prepared[in.Key]++
	if in.Value < 0 {
		return setState{}, actions.Refuse("", "negative values make things worse")
	}
	return setState{w.values[in.Key]}, nil
}

func preview(_ context.Context, _ *actions.Call, in setIn, st setState) (actions.Preview, error) {
	p := actions.Preview{Label: actions.Exact, Object: in.Key, Sets: []actions.FieldValue{{Path: "value", Value: in.Value}}}
	if st.Before != in.Value {
		p.Changes = []actions.FieldChange{{Path: "value", Before: st.Before, After: in.Value}}
	}
	return p, nil
}

// trouble is what stands in the way of acting on a key.
func (w *world) trouble(ctx context.Context, key string) error {
	if f := w.during[key]; f != nil {
		f()
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down[key] > 0 {
		w.down[key]--
		return actions.Unreachable("no answer from %s", key)
	}
	return nil
}

func (w *world) set(ctx context.Context, _ *actions.Call, in setIn, st setState) (setOut, error) {
	if err := w.trouble(ctx, in.Key); err != nil {
		return setOut{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fails[in.Key] > 0 && w.kinds[in.Key] != nil {
		w.fails[in.Key]--
		return setOut{}, w.kinds[in.Key]()
	}
	if w.fails[in.Key] > 0 {
		w.fails[in.Key]--
		return setOut{}, errors.New("did not work")
	}
	if w.values[in.Key] != st.Before {
		return setOut{}, actions.Conflict("", "value is %d, expected %d", w.values[in.Key], st.Before)
	}
	w.values[in.Key] = in.Value
	w.effects[in.Key]++
	if w.landed != nil {
		w.landed()
	}
	if w.lost[in.Key] > 0 {
		w.lost[in.Key]--
		return setOut{}, actions.Unreachable("no answer")
	}
	return setOut{in.Value}, nil
}

func (w *world) probe(_ context.Context, _ *actions.Call, in setIn, st setState) (actions.Verdict, setOut, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.probed[in.Key]++
	v := w.values[in.Key]
	if said := w.verdicts[in.Key]; len(said) > 0 {
		w.verdicts[in.Key] = said[1:]
		if w.atWork && said[0] == actions.InFlight {
			return said[0], setOut{v}, actions.AtWork("", "it still runs")
		}
		return said[0], setOut{v}, nil
	}
	switch v {
	case in.Value:
		return actions.Applied, setOut{v}, nil
	case st.Before:
		return actions.NotApplied, setOut{v}, nil
	default:
		return actions.Foreign, setOut{v}, nil
	}
}

func (w *world) get(ctx context.Context, _ *actions.Call, in getIn, _ struct{}) (getOut, error) {
	if err := w.trouble(ctx, in.Key); err != nil {
		return getOut{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looks++
	v, ok := w.values[in.Key]
	if !ok {
		return getOut{}, nil
	}
	return getOut{&v}, nil
}

// memory is a journal.Store that dies, as a process does, around its n-th event.
type memory struct {
	mu        sync.Mutex
	events    []journal.Event
	dieBefore int
	dieAfter  int
	holding   journal.Holding
	notes     []journal.Note
}

type died struct{ at int }

func (m *memory) Append(_ context.Context, e journal.Event, c journal.Claim) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c.Epoch != m.holding.Epoch {
		return journal.ErrOvertaken
	}
	if e.Seq == m.dieBefore {
		panic(died{e.Seq})
	}
	if len(m.events) >= e.Seq {
		return journal.ErrOvertaken
	}
	m.events = append(m.events, e)
	if e.Seq == m.dieAfter {
		panic(died{e.Seq})
	}
	return nil
}

// asked gives what the newest question stands for.
func (m *memory) asked() (of string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.events {
		if e.Type == journal.StepAsked {
			a, _ := journal.Decode[journal.Asked](e)
			of = a.Of
		}
	}
	return of
}

func (m *memory) Post(_ context.Context, n journal.Note) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n.ID = int64(len(m.notes) + 1)
	m.notes = append(m.notes, n)
	return nil
}

func (m *memory) Notes(_ context.Context, _ string, after int64) ([]journal.Note, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.notes[min(after, int64(len(m.notes))):], nil
}

func (m *memory) Holding(context.Context, string) (journal.Holding, error) { return m.holding, nil }
func (m *memory) Claim(_ context.Context, was journal.Holding, run string, by journal.Process) (journal.Claim, error) {
	m.holding = journal.Holding{Target: was.Target, Epoch: was.Epoch + 1, Run: run, By: by, Held: true}
	return journal.Claim{Target: was.Target, Run: run, Epoch: m.holding.Epoch}, nil
}
func (m *memory) Release(context.Context, journal.Claim) error {
	m.holding.Held = false
	return nil
}
func (m *memory) Events(context.Context, string) ([]journal.Event, error) { return m.events, nil }
func (m *memory) Runs(context.Context) ([]journal.Span, error)            { return nil, nil }
func (m *memory) Close() error                                            { return nil }

// Event implements executor.Watcher.
func (b *bench) Event(journal.Event) {}

// Say implements executor.Watcher.
func (b *bench) Say(_, line string) { b.heard = append(b.heard, line) }

// bench runs playbooks on a world.
type bench struct {
	t     testing.TB
	w     *world
	store *memory
	stop  chan struct{}
	calls map[string]schema.Source // playbooks that can be run as steps
	user  string
	vault executor.Vault
	heard []string // what whoever watches was told
}

func newBench(t testing.TB) *bench {
	return &bench{t: t, w: newWorld(), store: &memory{}, stop: make(chan struct{})}
}

func (b *bench) runner() *executor.Runner {
	return &executor.Runner{Registry: b.w.registry(b.t), Store: b.store, World: b.w, Clock: executor.SystemClock(), Watch: b, Vault: b.vault, Stop: b.stop,
		Alive: func(journal.Process) (bool, bool) { return false, true }, Who: executor.Who{User: b.user, Process: journal.Process{PID: 1}}}
}

func (b *bench) program(spec string) *executor.Program {
	b.t.Helper()
	src := schema.Source{File: "test.yaml", Text: []byte("apiVersion: runback/v1\nkind: Playbook\nmetadata: {name: test, version: 1.0.0}\nspec:\n" + spec)}
	src.Calls = b.calls
	p, bad := executor.Compile(src, b.w.registry(b.t))
	if len(bad) > 0 {
		b.t.Fatal(bad.Render(src.Text))
	}
	return p
}

func (b *bench) run(spec string) *journal.State {
	b.t.Helper()
	return b.runUnder(context.Background(), spec)
}

// runUnder runs a playbook that the operator may end.
func (b *bench) runUnder(ctx context.Context, spec string) *journal.State {
	b.t.Helper()
	p := b.program(spec)
	inputs, err := p.Bind(nil, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	st, err := b.runner().Run(ctx, p, executor.Request{ID: "r-1", Inputs: inputs, Identity: journal.Identity{"cluster": "one"}})
	if err != nil {
		b.t.Fatal(err)
	}
	return st
}

func (b *bench) resume(spec string) *journal.State {
	b.t.Helper()
	b.store.dieAfter, b.store.dieBefore = 0, 0
	return b.resumeAgain(spec)
}

// resumeUnder resumes a run that the operator may end again.
func (b *bench) resumeUnder(ctx context.Context, spec string) *journal.State {
	b.t.Helper()
	b.store.dieAfter, b.store.dieBefore = 0, 0
	return b.resumeIn(ctx, spec)
}

// resumeAgain resumes with a process that may die like the first one.
func (b *bench) resumeAgain(spec string) *journal.State {
	b.t.Helper()
	return b.resumeIn(context.Background(), spec)
}

func (b *bench) resumeIn(ctx context.Context, spec string) *journal.State {
	b.t.Helper()
	state, err := journal.Fold(b.store.events)
	if err != nil {
		b.t.Fatal(err)
	}
	st, err := b.runner().Resume(ctx, b.program(spec), state)
	if err != nil {
		b.t.Fatal(err)
	}
	return st
}

// dying runs and says whether the process died on the way.
func (b *bench) dying(spec string) bool { return b.dies(func() { b.run(spec) }) }

func (b *bench) want(st *journal.State, status journal.Status, values string) {
	b.t.Helper()
	if st.Status != status || fmt.Sprint(b.w.values) != "map["+values+"]" {
		b.t.Errorf("run %s with %v, want %s with map[%s]: %s", st.Status, b.w.values, status, values, st.End.Message)
	}
}
