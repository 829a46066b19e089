package executor

import (
	"context"
	"fmt"
	"path"
	"slices"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/journal"
	"github.com/runbackhq/runback/schema"
)

// Inverse is what takes a run back: steps of the language, the last effect
// first, and what cannot be taken back with the reason.
type Inverse struct {
	Draft schema.Draft
	Left  []LeftAsIs
}

// LeftAsIs is a step that is not undone.
type LeftAsIs struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// Inverse reads from a journal what took effect, asks the world whether it is
// still so, and gives the steps that put back what was there. With only, the
// other steps are left as they are. It changes nothing.
func (r *Runner) Inverse(ctx context.Context, p *Program, state *journal.State, only []string) (*Inverse, error) {
	started := state.Started
	u := &undoer{Runner: r, target: started.Target, run: state.ID, after: map[string]any{}, ids: map[string]int{}, out: &Inverse{Draft: schema.Draft{
		Name: "undo-" + state.ID, Version: "1.0.0", Title: "Undo run " + state.ID + " of " + started.Playbook,
		Description: "Puts back what was there before, field by field, where nobody else has changed it since.",
		Budget:      p.Playbook.Spec.Budget, Target: inverseTarget(started, p.Playbook.Spec.Target.Protected),
	}}}
	for _, at := range slices.Backward(state.Acted) {
		n, st := p.At(at), state.Steps[at]
		if len(only) > 0 && !slices.Contains(only, at) && !slices.Contains(only, path.Base(at)) {
			continue
		}
		why, err := u.step(ctx, n, st)
		if err != nil {
			return nil, err
		}
		if why != "" {
			u.out.Left = append(u.out.Left, LeftAsIs{at, why})
		}
	}
	return u.out, nil
}

// inverseTarget is the target of a run with all that was pinned, as it is
// written in a playbook.
func inverseTarget(started journal.Started, protected bool) map[string]any {
	t := started.Target
	if t.Kubernetes != (actions.KubernetesTarget{}) {
		t.Kubernetes.Cluster = started.Identity["cluster"]
	}
	out := map[string]any{}
	if t.Kubernetes != (actions.KubernetesTarget{}) {
		out["kubernetes"] = t.Kubernetes
	}
	if len(t.Databases) > 0 {
		out["databases"] = t.Databases
	}
	if len(t.Terraform) > 0 {
		out["terraform"] = t.Terraform
	}
	if protected {
		out["protected"] = true
	}
	return out
}

type undoer struct {
	*Runner
	target actions.Target
	run    string
	after  map[string]any // fields as the steps so far would leave them
	ids    map[string]int // how often each id was given
	out    *Inverse
}

// id gives an id that no other step of the inverse has: a step of a foreach
// took effect once for each turn.
func (u *undoer) id(n *Node) string {
	id := "undo_" + n.Step.ID
	u.ids[id]++
	if u.ids[id] > 1 {
		return fmt.Sprintf("%s_%d", id, u.ids[id])
	}
	return id
}

// step adds the inverse of one step, or says why there is none.
func (u *undoer) step(ctx context.Context, n *Node, st *journal.StepState) (why string, err error) {
	switch {
	case n == nil || n.Action == nil:
		return "the recorded playbook has no such step", nil
	case st.Intent == nil:
		return "what it left behind is not known (a person decided about it)", nil
	case st.Failure != nil && st.Status != journal.Succeeded && st.Outputs == nil && st.Failure.Effect != actions.Applied:
		return fmt.Sprintf("what it left behind is not known (%s)", st.Failure.Effect), nil
	case n.Action.Undo == nil:
		return n.Action.Spec.NoUndo, nil
	}
	in, err := decodeRecorded(n, st.Intent.In, nil)
	if err != nil {
		return "", err
	}
	if why, err = u.changedSince(ctx, n, st, in); why != "" || err != nil {
		return why, err
	}
	steps, err := n.Action.Undo(in, st.Intent.State, st.Outputs)
	switch {
	case actions.KindOf(err) == actions.KindRefused:
		return err.Error(), nil // this one; the rest of the run can be
	case err != nil:
		return "", err
	}
	for _, s := range steps {
		u.out.Draft.Steps = append(u.out.Draft.Steps, schema.DraftStep{ID: u.id(n), Name: s.Name, Uses: s.Uses, With: s.With, Timeout: n.Step.Timeout})
	}
	for _, c := range st.Intent.Preview.Changes {
		u.after[fieldName(st.Intent.Preview, c)] = c.Before
	}
	return "", nil
}

// changedSince says whether somebody else wrote what the step wrote. A field
// that a later step of the run wrote too is ours if undoing that step gives it
// the value that this one wrote.
func (u *undoer) changedSince(ctx context.Context, n *Node, st *journal.StepState, in any) (string, error) {
	call := &actions.Call{Key: u.run + "/" + n.Path, Target: u.target, Wait: u.Clock.Wait, Say: func(line string) { u.Watch.Say(n.Path, line) }}
	if n.Action.Differs == nil {
		verdict, _, err := n.Action.Probe(ctx, call, in, st.Intent.State)
		if (err == nil || atWork(verdict, err)) && verdict != actions.Applied {
			return fmt.Sprintf("it does not hold any more (%s)", verdict), nil
		}
		return "", err
	}
	differs, err := n.Action.Differs(ctx, call, in, st.Intent.State)
	for _, d := range differs {
		back, later := u.after[fieldName(st.Intent.Preview, d)]
		if !later || jsonWord(back) != jsonWord(d.Before) {
			return fmt.Sprintf("%s is %s by now, this run had left %s", fieldName(st.Intent.Preview, d), jsonWord(d.After), jsonWord(d.Before)), nil
		}
	}
	return "", err
}
