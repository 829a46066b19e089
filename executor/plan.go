package executor

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/guard"
	"github.com/runbackhq/runback/internal/journal"
	"github.com/runbackhq/runback/internal/secret"
	"github.com/runbackhq/runback/schema"
)

// Plan is what a run would do to the world as it is now. Making it changes
// nothing: observations are made, changes are previewed.
type Plan struct {
	Playbook string           `json:"playbook"`
	Version  string           `json:"version"`
	Title    string           `json:"title,omitempty"`
	File     string           `json:"file"`
	Digest   string           `json:"digest"`
	Source   schema.Source    `json:"source"` // the text itself, so that a saved plan runs what was reviewed
	Project  *schema.Source   `json:"project,omitempty"`
	Created  time.Time        `json:"created"`
	By       string           `json:"by"`                  // who asked for it
	Approve  bool             `json:"approve,omitzero"`    // whether it may be run only when it was approved
	Guarded  bool             `json:"protected,omitempty"` // whether the approver must be somebody else
	Budget   schema.Duration  `json:"budget"`
	Inputs   map[string]any   `json:"inputs"`
	Target   actions.Target   `json:"target"`
	Identity journal.Identity `json:"identity,omitempty"`
	Steps    []Planned        `json:"steps"`
	// Lock says who holds the target now; a run would be refused or wait.
	Lock string `json:"lock,omitempty"`
	// Refused names the step at which the run would be refused as things are.
	Refused string `json:"refused,omitempty"`
}

// Decision says what would become of a step.
type Decision string

// The decisions of a plan. Later is for what cannot be known before earlier
// steps have run.
const (
	WillRun   Decision = "run"
	WillSkip  Decision = "skip"
	Later     Decision = "later"
	WouldStop Decision = "refused"
	NoReach   Decision = "not reached"
)

// Planned is one step of a plan.
type Planned struct {
	Path     string            `json:"path"`
	ID       string            `json:"id"`
	Name     string            `json:"name,omitempty"`
	Uses     string            `json:"uses,omitempty"` // empty for a block
	Section  string            `json:"section"`        // steps, rescue, success or finally
	Depth    int               `json:"depth"`
	Effect   string            `json:"effect,omitempty"`
	Decision Decision          `json:"decision"`
	Reason   string            `json:"reason,omitempty"`
	Hint     string            `json:"hint,omitempty"`
	Guard    *guard.Judgement  `json:"guard,omitempty"`
	Preview  *actions.Preview  `json:"preview,omitempty"`
	State    json.RawMessage   `json:"state,omitempty"`   // what Prepare resolved
	Outputs  actions.Outputs   `json:"outputs,omitempty"` // of an observation
	Told     string            `json:"told,omitempty"`    // the outputs in one line
	Expect   []guard.Judgement `json:"expect,omitempty"`
	Verify   *schema.Verify    `json:"verify,omitempty"`
	Timeout  schema.Duration   `json:"timeout,omitempty"`
	Undo     string            `json:"undo,omitempty"` // "yes", or why not; empty when nothing is changed
}

// Changes counts the steps that would or might change something.
func (p *Plan) Changes() int {
	n := 0
	for _, s := range p.Steps {
		if s.changes() && s.Section != "rescue" {
			n++
		}
	}
	return n
}

func (s Planned) changes() bool {
	if s.Uses == "" || s.Effect == actions.Observe.String() || s.Decision == WillSkip || s.Decision == NoReach || s.Decision == WouldStop {
		return false
	}
	return s.Preview == nil || s.Preview.Label == actions.Opaque || len(s.Preview.Changes) > 0
}

// waits says whether what an observation will see cannot be known now.
func (s Planned) waits() bool {
	return s.Effect == actions.Observe.String() && s.Preview != nil && s.Outputs == nil && (s.Decision == WillRun || s.Decision == Later)
}

// Plan previews a program.
func (r *Runner) Plan(ctx context.Context, p *Program, req Request) (*Plan, error) {
	m := p.Playbook.Metadata
	pl := &planner{Runner: *r, scope: newScope(), project: projection{}, target: req.Target, request: req, plan: &Plan{
		Playbook: m.Name, Version: m.Version, Title: m.Title, File: p.Source.File, Digest: p.Source.Digest(),
		Source: p.Source, Project: req.Project, By: r.Who.User, Approve: p.Playbook.Spec.Target.Protected, Guarded: p.Playbook.Spec.Target.Protected,
		Created: r.Clock.Now().UTC(), Budget: p.Playbook.Spec.Budget, Inputs: req.Inputs, Target: req.Target, Identity: req.Identity,
	}}
	var err error
	if pl.secrets, err = r.book(ctx, p, "plan", req.Target); err != nil {
		return nil, err
	}
	pl.scope.share("secrets", pl.secrets.Marks())
	if err := pl.scope.project(req.Project); err != nil {
		return nil, err
	}
	pl.scope.bind("", "inputs", scopeInputs(req.Inputs))
	// The clock of the run stands still in a plan.
	now := r.Clock.Now()
	pl.scope.clock(&journal.State{ID: "plan", At: now, Started: journal.Started{Reason: req.Reason, Deadline: now.Add(p.Playbook.Spec.Budget.Std())}}, now)
	ctx, cancel := context.WithTimeoutCause(ctx, planTime, &SpentError{Owner: "the plan", Allowed: planTime})
	defer cancel()
	if err := pl.body(ctx, p.Body, "steps", 0); err != nil {
		return nil, pl.secrets.Err(err)
	}
	pl.plan.Lock = r.holder(ctx, req.Target)
	return pl.plan, nil
}

// planTime bounds a plan: an on-call engineer does not wait longer for one.
const planTime = time.Minute

type planner struct {
	Runner
	plan    *Plan
	scope   *scope
	secrets *secret.Book
	target  actions.Target
	request Request
	project projection
	pending []string // steps that would have changed the world by now
	untold  []string // steps whose outputs cannot be known now
	maybe   bool     // inside a block whose guard is open, or in rescue
}

func (pl *planner) body(ctx context.Context, b Body, section string, depth int) error {
	steps := pl.nodes
	if b.AtOnce > 0 {
		steps = pl.abreast
	}
	if err := steps(ctx, b.Steps, section, depth); err != nil {
		return err
	}
	if len(b.Rescue) > 0 {
		// Rescue meets a world in which steps have failed: nothing is known.
		was, pending := pl.maybe, pl.pending
		pl.maybe, pl.pending = true, append(pl.pending, "steps that failed")
		err := pl.nodes(ctx, b.Rescue, "rescue", depth)
		pl.maybe, pl.pending = was, pending
		if err != nil {
			return err
		}
	}
	if err := pl.abreast(ctx, b.Success, "success", depth); err != nil {
		return err
	}
	return pl.nodes(ctx, b.Finally, "finally", depth)
}

func (pl *planner) nodes(ctx context.Context, nodes []*Node, section string, depth int) error {
	for _, n := range nodes {
		s := Planned{Path: n.Path, ID: n.Step.ID, Name: n.Step.Name, Uses: n.Step.Uses, Section: section, Depth: depth, Decision: WillRun, Verify: n.Step.Verify, Timeout: n.Step.Timeout}
		if n.Action != nil {
			s.Effect = n.Action.Spec.Effect.String()
		}
		if err := pl.node(ctx, n, &s); err != nil {
			return err
		}
	}
	return nil
}

func (pl *planner) node(ctx context.Context, n *Node, s *Planned) error {
	if d, left := pl.request.leftOut(n.Path); left {
		s.Decision, s.Reason = WillSkip, "left out by "+d.User
		pl.add(n, *s)
		return nil
	}
	pl.Watch.Say(n.Path, "is planned")
	pl.guard(n, s)
	if n.IsBlock() {
		return pl.block(ctx, n, s)
	}
	if s.Decision == WillRun || s.Decision == Later {
		if err := pl.step(ctx, n, s); err != nil {
			return err
		}
	}
	pl.add(n, *s)
	return nil
}

func (pl *planner) guard(n *Node, s *Planned) {
	switch {
	case pl.plan.Refused != "" && s.Section != "finally":
		s.Decision = NoReach
		return
	case pl.maybe:
		s.Decision = Later
	}
	if n.When == nil {
		return
	}
	j, err := n.When.Eval(pl.scope.view(n.Path, n.When.Reads()))
	s.Guard = &j
	switch {
	case err != nil:
		pl.refuse(s, err)
	case j.Truth == guard.False:
		s.Decision = WillSkip
	case j.Truth == guard.Unknown && len(pl.pending)+len(pl.untold) == 0 && !pl.maybe:
		pl.refuse(s, &RefusedError{Message: "the guard of " + owner(n) + " cannot be decided", Judgement: j})
	case j.Truth == guard.Unknown:
		s.Decision, s.Reason = Later, "decided after "+strings.Join(append(slices.Clip(pl.pending), pl.untold...), ", ")
	}
}

// refuse marks the step at which the run would be refused. After steps that
// change the world the present world says little, so it is only told.
func (pl *planner) refuse(s *Planned, err error) {
	s.Hint = actions.HintOf(err)
	if len(pl.pending) > 0 || pl.maybe {
		s.Decision = Later
		s.Reason = "as things are now: " + err.Error() + "; runs after " + strings.Join(pl.pending, ", ")
		return
	}
	s.Decision, s.Reason = WouldStop, err.Error()
	if pl.plan.Refused == "" {
		pl.plan.Refused = s.Path
	}
}

func (pl *planner) add(n *Node, s Planned) {
	s = pl.hidden(s)
	pl.plan.Steps = append(pl.plan.Steps, s)
	m := map[string]any{}
	if s.Decision == WillSkip {
		m["status"] = string(journal.Skip)
	}
	if s.Outputs != nil {
		m["status"], m["outputs"] = string(journal.Succeeded), map[string]any(s.Outputs)
	}
	pl.scope.put(n.Path, m)
	switch {
	case s.changes() || s.waits() && s.Preview.Acts:
		pl.pending = append(pl.pending, n.Step.ID)
	case s.waits():
		pl.untold = append(pl.untold, n.Step.ID)
	}
}
