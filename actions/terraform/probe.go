package terraform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/supervise"
	"github.com/runbackhq/runback/internal/tool"
)

// probe says what became of an apply that was announced.
func (f family) probe(ctx context.Context, c *actions.Call, in applyIn, st prepared) (actions.Verdict, applyOut, error) {
	if st.Attempt == nil {
		return actions.Unknown, applyOut{}, errors.New("what was prepared holds no saved plan")
	}
	if st.Plan.empty() {
		return actions.Applied, st.out(), nil
	}
	end, err := f.room.Look(st.Attempt.Job)
	if err != nil {
		return actions.Unknown, applyOut{}, err
	}
	switch {
	case end.State == supervise.NotStarted:
		return actions.NotApplied, applyOut{}, nil
	case end.State == supervise.Running:
		return actions.InFlight, applyOut{}, end.AtWork()
	case end.Success(0):
		f.forget(st.Attempt.Job)
		return actions.Applied, st.out(), nil
	case end.State == supervise.Lost || end.Signal != "" || accountOf(end, st.Plan).hard():
		return f.died(ctx, c, in, st, end)
	}
	a := accountOf(end, st.Plan)
	if a.untouched() {
		return actions.NotApplied, applyOut{}, nil
	}
	return actions.Partial, applyOut{}, f.ended(ctx, st, end, a)
}

// died finds out what an apply did that was killed. Terraform tells its state
// only from time to time, so what it created may be known to nobody.
func (f family) died(ctx context.Context, c *actions.Call, in applyIn, st prepared, end tool.End) (actions.Verdict, applyOut, error) {
	a := accountOf(end, st.Plan)
	now, err := st.Site.pull(ctx)
	if err != nil {
		return actions.Unknown, applyOut{}, st.doubt(end, a, fmt.Errorf("the state cannot be asked: %w", err))
	}
	if st.Lineage != "" && now.Lineage != st.Lineage {
		return actions.Foreign, applyOut{}, st.doubt(end, a, fmt.Errorf("the state has lineage %s by now, it was %s", orNone(now.Lineage), st.Lineage))
	}
	moved := now.Serial != st.Attempt.Serial || now.Lineage != st.Lineage
	if !moved && a.untouched() {
		return actions.NotApplied, applyOut{}, nil
	}
	left, err := f.remainder(ctx, c, st, in)
	if err != nil {
		return actions.Unknown, applyOut{}, st.doubt(end, a, fmt.Errorf("what is left to do cannot be found out: %w", err))
	}
	if left.empty() {
		f.forget(st.Attempt.Job)
		return actions.Applied, st.out(), nil
	}
	if lost := a.unseen(left); len(lost) > 0 {
		v := actions.Unknown
		if moved {
			v = actions.Partial
		}
		return v, applyOut{}, st.doubt(end, a, fmt.Errorf("may exist although the state does not know them: %s; left to do: %s", some(lost), left.named()))
	}
	if !moved && reflect.DeepEqual(left.Resources, st.Plan.Resources) && reflect.DeepEqual(left.Outputs, st.Plan.Outputs) {
		return actions.NotApplied, applyOut{}, nil // the objects were asked, and none of them was to be made
	}
	return actions.Partial, applyOut{}, st.doubt(end, a, fmt.Errorf("left to do: %s", left.named()))
}

// unseen lists what the killed child may have made: what is still to be made,
// unless it is proved that it was not begun.
func (a account) unseen(left planned) (out []string) {
	for _, r := range left.Resources {
		if r.makes() && (!a.whole || !slices.Contains(a.left, r.Address)) {
			out = append(out, r.Address)
		}
	}
	return out
}

// remainder makes a fresh plan with the same inputs. It does without the lock:
// it is not applied, and the lock may be held by the dead child.
func (f family) remainder(ctx context.Context, c *actions.Call, st prepared, in applyIn) (planned, error) {
	path, done, err := memory()
	if err != nil {
		return planned{}, err
	}
	defer done()
	m := made{site: st.Site}
	if _, err := f.runPlan(ctx, c, m.site, in.options, path, false); err != nil {
		return planned{}, err
	}
	if err := f.read(ctx, &m, in.options, path); err != nil {
		return planned{}, err
	}
	// Through JSON, as what was recorded went.
	return again(m.planned)
}

// again gives a plan as it comes back from the journal.
func again(p planned) (planned, error) {
	raw, err := json.Marshal(p)
	if err != nil {
		return planned{}, err
	}
	var back planned
	return back, json.Unmarshal(raw, &back)
}

// named lists what is left, each with what would be done to it.
func (p planned) named() string {
	var list []string
	for _, r := range p.Resources {
		list = append(list, r.Verb+" "+r.Address)
	}
	if len(p.Outputs) > 0 {
		list = append(list, fmt.Sprintf("%d outputs", len(p.Outputs)))
	}
	return some(list)
}

// doubt is the true account for the person who decides.
func (st prepared) doubt(e tool.End, a account, why error) error {
	how := "nobody saw how it ended"
	switch {
	case e.Signal != "":
		how = "signal: " + e.Signal
	case e.State == supervise.Exited:
		how = "it was ended hard"
	}
	hint := "look first: " + st.Site.name() + " -chdir=" + st.Site.Dir + " plan -refresh-only, and for objects that no state knows in the console of the provider; " +
		"import what exists, or delete it; then decide the step. " + e.Hint()
	if left := st.errored(e); left != "" {
		hint = left + "; " + hint
	}
	return &actions.Error{Kind: actions.KindFailed, Hint: hint, Err: fmt.Errorf("%s apply was killed (%s); %s; %w", st.Site.name(), how, a.tells(), why)}
}
