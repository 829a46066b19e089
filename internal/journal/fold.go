package journal

import (
	"encoding/json"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/guard"
)

// State is what follows from the events of a run.
type State struct {
	ID       string
	Started  Started
	At       time.Time // when the run started
	Ended    time.Time // zero while it has not ended
	Status   Status
	End      Ended
	Process  Process // of the last executor
	Changed  bool    // whether any effect took place
	Steps    map[string]*StepState
	Order    []string  // paths in the order in which they were first met
	Acted    []string  // paths of changes in the order in which their effects took place
	Open     []Owed    // obligations that nobody has put right
	Aborting *Aborting // nil unless somebody asked for the end of the run
	Last     Event
	Latest   time.Time // the latest time of any event: a clock may have been set back since
}

// StepState is what is known of one step or block.
type StepState struct {
	Path     string
	Status   Status // "" while nothing final is known
	Start    time.Time
	End      time.Time
	Deadline time.Time
	Attempt  int
	Intent   *Intent         // the last announced effect
	Open     bool            // the effect was announced and its result is not known
	Acted    bool            // the effect took place and is not verified yet
	Outputs  actions.Outputs // of Acted or Done, or of another playbook
	Failure  *Failed
	Skipped  *guard.Judgement
	Probed   *Probed         // the last look, nil when nobody asked the target
	Decision *Decided        // of a person, about a doubt
	Asked    *Asked          // nil unless it asked a person
	Answer   *actions.Answer // nil while nobody answered

	Block *BlockState // nil of a step, and of a block without any of it
}

// BlockState is what blocks have. It is apart because a run has many steps, and
// what is known of each is kept to its end.
type BlockState struct {
	Items   []any          // of a foreach
	Inputs  map[string]any // of a block that is another playbook
	Decided string         // the step that decided how it ended
}

// Items are the elements of a foreach.
func (st *StepState) Items() []any { return st.ofBlock().Items }

// Inputs are those of a block that is another playbook.
func (st *StepState) Inputs() map[string]any { return st.ofBlock().Inputs }

// Decided names the step that decided how a block ended, "" when none did.
func (st *StepState) Decided() string { return st.ofBlock().Decided }

func (st *StepState) ofBlock() BlockState {
	if st.Block == nil {
		return BlockState{}
	}
	return *st.Block
}

// NewState is the state before the first event.
func NewState() *State { return &State{Steps: map[string]*StepState{}} }

// Fold computes the state. It proves the chain first: a damaged journal is
// never acted upon.
func Fold(events []Event) (*State, error) {
	if len(events) == 0 {
		return nil, ErrNoRun
	}
	if err := Verify(events); err != nil {
		return nil, err
	}
	s := NewState()
	for i, e := range events {
		if (i == 0) != (e.Type == RunStarted) {
			return nil, &DamagedError{Run: e.Run, Seq: e.Seq, Reason: "a run begins once, with its first event"}
		}
		if err := s.Apply(e); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Apply adds one event that follows the last one.
func (s *State) Apply(e Event) error {
	s.Last = e
	if e.Time.After(s.Latest) {
		s.Latest = e.Time
	}
	var err error
	switch e.Type {
	case RunStarted:
		s.ID, s.At, s.Status = e.Run, e.Time, Running
		s.Started, err = Decode[Started](e)
		s.Process = s.Started.Process
		for _, l := range s.Started.Left {
			s.step(l.Path).decide(l.Decided, e.Time)
		}
	case RunResumed:
		var r Resumed
		r, err = Decode[Resumed](e)
		s.Process, s.Status, s.Ended, s.End = r.Process, Running, time.Time{}, Ended{}
		s.reopen()
	case RunEnded:
		s.End, err = Decode[Ended](e)
		s.Status, s.Ended = s.End.Status, e.Time
	case RunAborting:
		var a Aborting
		a, err = Decode[Aborting](e)
		s.Aborting = &a
	case ObligationClosed:
		var c Closed
		c, err = Decode[Closed](e)
		s.settle(c.Key)
		if s.Status == Mitigated && len(s.Open) == 0 {
			s.Status, s.End.Message = Succeeded, ""
		}
	default:
		st := s.step(e.Path)
		err = st.apply(e)
		s.Changed = s.Changed || st.changed(e)
		if st.tookEffect(e) {
			s.effect(st, e.Time)
		}
	}
	return err
}

// reopen forgets the ends that a resume goes on from: a cancelled or doubtful
// step is not over.
func (s *State) reopen() {
	for _, st := range s.Steps {
		if st.Status == Cancelled || st.Status == InDoubt {
			st.Status, st.Failure = "", nil
		}
	}
}

func (s *State) step(path string) *StepState {
	st, ok := s.Steps[path]
	if !ok {
		st = &StepState{Path: path}
		s.Steps[path] = st
		s.Order = append(s.Order, path)
	}
	return st
}

func (st *StepState) apply(e Event) error {
	switch e.Type {
	case StepStart, BlockStart:
		return st.begin(e)
	case StepSkipped:
		k, err := Decode[Skipped](e)
		st.Status, st.Skipped, st.End = Skip, &k.Guard, e.Time
		return err
	case StepIntent:
		in, err := Decode[Intent](e)
		st.Intent, st.Open, st.Acted, st.Attempt = &in, true, false, in.Attempt
		return err
	case StepProbed:
		p, err := Decode[Probed](e)
		st.Probed = &p
		return err
	case StepAsked:
		a, err := Decode[Asked](e)
		st.Asked, st.Answer = &a, nil
		return err
	case StepAnswered:
		a, err := Decode[Answered](e)
		st.Answer = &a.Answer
		return err
	case StepActed:
		var err error
		st.Open, st.Acted = false, true
		st.Outputs, err = outputs(e)
		return err
	case StepDone:
		var err error
		st.Open, st.Acted, st.Status, st.End = false, false, Succeeded, e.Time
		st.Outputs, err = outputs(e)
		return err
	case StepFailed:
		f, err := Decode[Failed](e)
		st.Failure, st.Attempt = &f, f.Attempt
		// A doubtful or cancelled change stays open: a resume must ask.
		st.Open = st.Open && (f.Status == InDoubt || f.Status == Cancelled)
		st.Acted = st.Acted && f.Status == Cancelled
		if f.Final {
			st.Status, st.End = f.Status, e.Time
		}
		return err
	case StepDecided:
		d, err := Decode[Decided](e)
		st.decide(d, e.Time)
		return err
	case BlockEnd:
		b, err := Decode[Ended](e)
		if err == nil {
			st.Outputs, err = outputs(e)
		}
		st.Status, st.End = b.Status, e.Time
		if b.Step != "" {
			known := st.ofBlock()
			known.Decided = b.Step
			st.Block = &known
		}
		if b.Message != "" {
			st.Failure = &Failed{Status: b.Status, Message: b.Message, Hint: b.Hint, Final: true}
		}
		return err
	default:
		return nil // an event of a later version that does not bear on the state
	}
}

// begin reads what a step or block began with, with whole numbers as int, as
// they were when it began.
func (st *StepState) begin(e Event) error {
	b, err := Decode[Began](e)
	st.Start, st.Deadline = e.Time, b.Deadline
	if err != nil || len(b.Items)+len(b.Inputs) == 0 {
		return err
	}
	exact, err := actions.DecodeOutputs(e.Data)
	if err != nil {
		return err
	}
	known := st.ofBlock()
	known.Items, _ = exact["items"].([]any)
	known.Inputs, _ = exact["inputs"].(map[string]any)
	st.Block = &known
	return nil
}

// changed says whether the event tells of an effect on the world.
func (st *StepState) changed(e Event) bool {
	switch e.Type {
	case StepActed:
		return st.Intent.wouldChange()
	case StepFailed:
		return st.Failure != nil && (st.Failure.Status == InDoubt || touched(st.Failure.Effect) && st.Intent.wouldChange())
	default:
		return false
	}
}

func touched(v actions.Verdict) bool { return v != actions.NotApplied && v != actions.Unknown }

// wouldChange says whether an announced effect differs from what was there.
func (in *Intent) wouldChange() bool {
	return in != nil && (in.Preview.Label == actions.Opaque || len(in.Preview.Changes) > 0)
}

// outputs reads the outputs with whole numbers as int, as they were when the
// step ran.
func outputs(e Event) (actions.Outputs, error) {
	raw, err := Decode[struct {
		Outputs json.RawMessage `json:"outputs"`
	}](e)
	if err != nil || len(raw.Outputs) == 0 {
		return nil, err
	}
	return actions.DecodeOutputs(raw.Outputs)
}
