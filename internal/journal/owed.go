package journal

import (
	"slices"
	"time"

	"github.com/runbackhq/runback/actions"
)

// Owed is an obligation that is open, and where it comes from.
type Owed struct {
	actions.Obligation
	Step  string    `json:"step"`
	Since time.Time `json:"since"`
}

// effect takes note of an effect: it may owe something, and may settle what
// earlier steps owed.
func (s *State) effect(st *StepState, at time.Time) {
	if !slices.Contains(s.Acted, st.Path) {
		s.Acted = append(s.Acted, st.Path)
	}
	for _, key := range st.Intent.Settles {
		s.settle(key)
	}
	for _, o := range st.Intent.Owes {
		s.settle(o.Key) // the newer one says where it comes from
		s.Open = append(s.Open, Owed{o, st.Path, at})
	}
}

func (s *State) settle(key string) {
	s.Open = slices.DeleteFunc(s.Open, func(o Owed) bool { return o.Key == key })
}

// tookEffect says whether the event tells of an effect, or leaves it possible.
func (st *StepState) tookEffect(e Event) bool {
	if st.Intent == nil {
		return false
	}
	return e.Type == StepActed || e.Type == StepFailed && touched(st.Failure.Effect)
}

// decide does what a person said of a doubtful step. A redo is another attempt,
// prepared anew: the person has looked, and what was prepared may be out of
// date.
func (st *StepState) decide(d Decided, at time.Time) {
	st.Decision, st.Open, st.Acted = &d, false, false
	if d.Decision == SkipIt {
		st.Status, st.End = Skip, at
		return
	}
	st.Intent, st.Failure = nil, &Failed{Attempt: st.Attempt, Status: InDoubt, Message: "decided to do it again"}
}
