package crashtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	driver "modernc.org/sqlite"

	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
	"github.com/runbackhq/runback/internal/lock"
	"github.com/runbackhq/runback/internal/process"
	"github.com/runbackhq/runback/schema"
)

// jobVariable holds the job of a test binary that is to be an executor.
const jobVariable = "RUNBACK_CRASHTEST_JOB"

// job is what one executor is to do: begin the run, or go on with it.
type job struct {
	Dir      string // of the store
	Ledger   string // address
	Playbook string
	Run      string
	Decide   map[string]journal.Decision // what a person says of steps in doubt

	Kill     int64  // the point at which it kills itself; 0: none
	KillName string // the same by its name: the first such point
	Pause    int64  // the point at which it waits for the test; 0: none
	List     bool   // tell every point
	Blind    bool   // takes every other executor for dead

	Offset time.Duration // of its clock
	JumpAt int64         // the point at which its clock jumps
	Jump   time.Duration
}

// How an executor ends.
const (
	exitOver   = 0 // the run has a status; it may be one that can be resumed
	exitStore  = 8 // the journal cannot be written or read
	exitLocked = 6 // somebody else has the run or the target
	exitOther  = 9
)

// record is an event as the oracle compares it.
type record struct {
	Seq  int
	Hash string
	Type journal.Type
	Path string
	Time time.Time
}

func recordOf(e journal.Event) *record { return &record{e.Seq, e.Hash, e.Type, e.Path, e.Time} }

// line is one line of what an executor tells the test.
type line struct {
	Point string   `json:",omitempty"`
	Ack   *record  `json:",omitempty"` // this event was acknowledged
	Soon  bool     `json:",omitempty"` // it may be lost with the power until something rests on it
	Begin bool     `json:",omitempty"` // an effect begins, and rests on every event so far
	Found []record `json:",omitempty"` // these were there at the start
	End   *ending  `json:",omitempty"`
	Error string   `json:",omitempty"`
	Said  string   `json:",omitempty"`
}

// ending is how a run stands when its executor ends.
type ending struct {
	Status  journal.Status
	Message string
	Steps   map[string]stepEnd
	Events  []record // as the store gives them back
	Begun   time.Time
	Until   time.Time // deadline
}

type stepEnd struct {
	Status   journal.Status
	Verdict  string
	Decision journal.Decision
}

func say(l line) {
	b, err := json.Marshal(l)
	if err == nil {
		_, err = os.Stdout.Write(append(b, '\n')) // one write for each line
	}
	if err != nil {
		os.Exit(exitOther)
	}
}

// beExecutor is the main function of the tiny executor.
func beExecutor(text string) int {
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		say(line{Error: err.Error()})
		return exitOther
	}
	err := j.execute(context.Background())
	if err == nil {
		return exitOver
	}
	say(line{Error: err.Error()})
	var held *lock.HeldError
	var lost *lock.LostError
	switch {
	case errors.As(err, &held), errors.As(err, &lost), errors.Is(err, journal.ErrOvertaken):
		return exitLocked
	case errors.As(err, new(*driver.Error)), errors.As(err, new(*storeError)), errors.As(err, new(*journal.NotDurableError)), errors.As(err, new(*journal.DamagedError)):
		return exitStore
	default:
		return exitOther
	}
}

// storeError is an error of the store that is not one of an append.
type storeError struct{ error }

func (e *storeError) Unwrap() error { return e.error }

func (j job) file() string { return filepath.Join(j.Dir, "state", "runback.db") }

func (j job) execute(ctx context.Context) (err error) {
	w := newWorld(j)
	w.p.hit("before open")
	in, err := openOn(ctx, newThread(), j.file())
	if err != nil {
		return &storeError{err}
	}
	w.p.hit("after open")
	defer func() {
		w.p.hit("before close")
		if cerr := in.Close(); cerr != nil && err == nil {
			err = &storeError{cerr}
		}
		w.p.hit("after close")
	}()
	w.store = watchedStore{in, w.p}
	events, err := w.store.Events(ctx, j.Run)
	if err != nil && !errors.Is(err, journal.ErrNoRun) {
		return &storeError{err}
	}
	state, err := w.perform(ctx, events)
	if err != nil {
		return err
	}
	return w.tell(ctx, state)
}

// perform begins the run or goes on with it.
func (w *world) perform(ctx context.Context, events []journal.Event) (*journal.State, error) {
	reg, err := family{w.client, w.p.hit, func() { say(line{Begin: true}) }}.registry()
	if err != nil {
		return nil, err
	}
	runner := executor.Runner{Registry: reg, Store: w.store, World: w, Clock: w.clock(), Alive: w.alive, Watch: w, Who: executor.Who{User: "tester", Process: process.Self(), Tool: "test"}}
	if len(events) == 0 {
		p, bad := executor.Compile(schema.Source{File: w.Playbook + ".yaml", Text: []byte(playbookNamed(w.Playbook).text())}, reg)
		if err := bad.Err(); err != nil {
			return nil, err
		}
		inputs, err := p.Bind(nil, nil)
		if err != nil {
			return nil, err
		}
		return runner.Run(ctx, p, executor.Request{ID: w.Run, Inputs: inputs, Reason: "a test", Identity: w.identity()})
	}
	found := make([]record, len(events))
	for i, e := range events {
		found[i] = *recordOf(e)
	}
	say(line{Found: found})
	state, err := journal.Fold(events)
	if err != nil || !state.Status.Resumable() {
		return state, err
	}
	p, bad := executor.Compile(state.Started.Source, reg)
	if err := bad.Err(); err != nil {
		return nil, err
	}
	var rulings []executor.Ruling
	for path, d := range w.Decide {
		if st := state.Steps[path]; st != nil && st.Status == journal.InDoubt {
			rulings = append(rulings, executor.Ruling{Path: path, Decision: d, Reason: "the ledger was looked at"})
		}
	}
	return runner.Resume(ctx, p, state, rulings...)
}

// tell reads the journal back and tells how the run stands.
func (w *world) tell(ctx context.Context, state *journal.State) error {
	events, err := w.store.Events(ctx, w.Run)
	if err != nil {
		return &storeError{err}
	}
	again, err := journal.Fold(events)
	if err != nil {
		return err
	}
	if again.Status != state.Status {
		return fmt.Errorf("the run is %s and its journal says %s", state.Status, again.Status)
	}
	e := ending{Status: state.Status, Message: state.End.Message, Steps: map[string]stepEnd{}, Begun: state.At, Until: state.Started.Deadline}
	for _, ev := range events {
		e.Events = append(e.Events, *recordOf(ev))
	}
	for path, st := range state.Steps {
		s := stepEnd{Status: st.Status}
		if st.Probed != nil {
			s.Verdict = st.Probed.Verdict.String()
		}
		if st.Decision != nil {
			s.Decision = st.Decision.Decision
		}
		e.Steps[path] = s
	}
	say(line{End: &e})
	return nil
}
