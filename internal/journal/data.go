package journal

import (
	"encoding/json"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/guard"
	"github.com/runbackhq/runback/internal/process"
	"github.com/runbackhq/runback/schema"
)

// Started opens a run and holds all that a resume needs: the text of the
// playbook as it was, never a path to a file that may have changed.
type Started struct {
	Playbook string         `json:"playbook"`
	Version  string         `json:"version"`
	Title    string         `json:"title,omitempty"`
	Digest   string         `json:"digest"`
	Source   schema.Source  `json:"source"`
	Inputs   map[string]any `json:"inputs"`
	Target   actions.Target `json:"target"`
	Identity Identity       `json:"identity,omitempty"`
	Project  *schema.Source `json:"project,omitempty"` // what expressions know as project
	Reason   string         `json:"reason"`
	User     string         `json:"user"`
	Deadline time.Time      `json:"deadline"` // absolute: a resume does not extend it
	Process  Process        `json:"process"`
	Tool     string         `json:"tool"`           // version of runback
	Epoch    int64          `json:"epoch,omitzero"` // of the claim that this executor wrote with
	Reviewed *Reviewed      `json:"reviewed,omitempty"`
	Undoes   string         `json:"undoes,omitempty"` // the run that this one undoes
	Left     []LeftOut      `json:"left_out,omitempty"`
}

// LeftOut is a step that a person left out of the run when it began. It stands
// in the first event, so that no crash can forget it.
type LeftOut struct {
	Path string `json:"path"`
	Decided
}

// Reviewed is the plan that was reviewed and that the run is held to.
type Reviewed struct {
	Hash      string                           `json:"hash"`
	By        string                           `json:"by"` // who made the plan
	At        time.Time                        `json:"at"`
	Approvals []Approval                       `json:"approvals,omitempty"`
	Steps     map[string][]actions.FieldChange `json:"steps"`
}

// Approval says that somebody agreed to one plan, for a while.
type Approval struct {
	Plan    string    `json:"plan"` // hash of the plan; of no other
	By      string    `json:"by"`
	At      time.Time `json:"at"`
	Expires time.Time `json:"expires"`
	Comment string    `json:"comment,omitempty"`
}

// Identity pins what the run acts on: cluster UID, server, user.
type Identity map[string]string

// Process identifies the executor.
type Process = process.ID

// Resumed says that another executor took over.
type Resumed struct {
	User     string   `json:"user"`
	Process  Process  `json:"process"`
	Identity Identity `json:"identity,omitempty"`
	Tool     string   `json:"tool"`
	Epoch    int64    `json:"epoch,omitzero"`
}

// Began opens a block or step.
type Began struct {
	Deadline time.Time      `json:"deadline,omitzero"` // absolute
	Items    []any          `json:"items,omitempty"`   // of a foreach: its elements
	Inputs   map[string]any `json:"inputs,omitempty"`  // of another playbook: what it was given
}

// Skipped says why a step or block was not run.
type Skipped struct {
	Guard guard.Judgement `json:"guard"`
}

// Intent announces an effect with everything needed to recognise or undo it.
type Intent struct {
	Attempt int             `json:"attempt"`
	In      json.RawMessage `json:"in"`
	State   json.RawMessage `json:"state"`
	Preview actions.Preview `json:"preview"`
	// Owes is what must be put right later if it takes effect, Settles what it
	// puts right itself.
	Owes    []actions.Obligation `json:"owes,omitempty"`
	Settles []string             `json:"settles,omitempty"`
}

// Probed is the answer of the world about an interrupted step.
type Probed struct {
	Verdict actions.Verdict `json:"verdict"`
	Error   string          `json:"error,omitempty"`
	// Found gives, of a verdict that stops the run, the fields that hold
	// something else than the step would have written.
	Found []actions.FieldChange `json:"found,omitempty"`
}

// Acted says that the effect took place.
type Acted struct {
	Attempt int             `json:"attempt"`
	Outputs actions.Outputs `json:"outputs"`
}

// Done closes a step.
type Done struct {
	Attempt  int              `json:"attempt"`
	Outputs  actions.Outputs  `json:"outputs"`
	Verified *guard.Judgement `json:"verified,omitempty"`
}

// Failed closes an attempt, or with Final the step.
type Failed struct {
	Attempt int    `json:"attempt"`
	Status  Status `json:"status"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	Final   bool   `json:"final"`
	// Effect says what is known about the effect of a change that failed:
	// Applied when it took place although the step failed.
	Effect actions.Verdict `json:"effect"`
}

// Decision is what a person says of a step whose effect is in doubt.
type Decision string

// Redo says that it did not take effect: it is prepared and done again. SkipIt
// says that it is not to be done, whether it took effect or not.
const (
	Redo   Decision = "redo"
	SkipIt Decision = "skip"
)

// Decided settles a doubt that the world could not settle.
type Decided struct {
	Decision Decision `json:"decision"`
	Reason   string   `json:"reason,omitempty"`
	User     string   `json:"user"`
}

// Closed says that an obligation of a run that has ended was put right.
type Closed struct {
	Key    string `json:"key"`
	Reason string `json:"reason,omitempty"`
	User   string `json:"user"`
	Run    string `json:"run,omitempty"` // that put it right, if one did
}

// Held says that a system does not answer and the run waits.
type Held struct {
	Message string `json:"message"`
}

// Ended closes a block or a run.
type Ended struct {
	Status  Status `json:"status"`
	Message string `json:"message,omitempty"`
	Hint    string `json:"hint,omitempty"`
	Step    string `json:"step,omitempty"` // the step that decided it
	// Outputs are what another playbook gives to the one that runs it.
	Outputs actions.Outputs `json:"outputs,omitempty"`
}
