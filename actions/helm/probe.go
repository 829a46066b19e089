package helm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/supervise"
	"github.com/runbackhq/runback/internal/tool"
)

// probe says what became of a rollback that was announced.
func (f family) probe(ctx context.Context, c *actions.Call, _ rollbackIn, st prepared) (actions.Verdict, rollbackOut, error) {
	if st.Done {
		return actions.Applied, st.out(), nil
	}
	end, unseen := f.room.Look(st.Job)
	if unseen == nil && end.State == supervise.Running {
		return actions.InFlight, rollbackOut{}, end.AtWork()
	}
	cl, err := f.cluster(ctx, c)
	if err != nil {
		return actions.Unknown, rollbackOut{}, err
	}
	h, err := cl.history(ctx, st.Release)
	if err != nil {
		return actions.Unknown, rollbackOut{}, err
	}
	if unseen != nil {
		// Helm may be at work, or about to be, where it cannot be seen from here.
		if made, ok := h.find(st.next()); ok && len(h) > 0 && h.last().Version == made.Version && made.Info.Status == deployed && st.named(made, c.Key) {
			return actions.Applied, st.out(), nil
		}
		return actions.Unknown, rollbackOut{}, unseen
	}
	return st.judge(ctx, cl, h, c.Key, end)
}

// judge says what is stored of the rollback, when its child is at work no more.
// Helm writes the new revision before it touches an object, so where there is
// none, nothing was changed.
func (st prepared) judge(ctx context.Context, cl Cluster, h history, key string, e tool.End) (actions.Verdict, rollbackOut, error) {
	none := rollbackOut{}
	if len(h) == 0 {
		return actions.Foreign, none, fmt.Errorf("release %s is gone: nothing is stored of it", st.Release)
	}
	last := h.last()
	made, found := h.find(st.next())
	switch {
	case last.remembered() == st.From && e.Success():
		return actions.Unknown, none, fmt.Errorf("helm says that it rolled back, and the last revision stored is %d", last.Version)
	case last.remembered() == st.From:
		return actions.NotApplied, none, nil
	case !found || !st.made(made, key, e):
		return actions.Foreign, none, foreign(st, last)
	case last.Version != made.Version:
		return actions.Foreign, none, fmt.Errorf("the rollback is revision %d of release %s, and somebody made revision %d (%s) since", made.Version, st.Release, last.Version, last.Info.Status)
	case made.Info.Status == deployed:
		return actions.Applied, st.out(), nil
	case made.Info.Status == failed:
		return actions.Partial, none, actions.Ended(st.repair(cl, e), "rolling release %s back to revision %d failed: %s; %s",
			st.Release, st.To.Number, clip(made.Info.Description), st.left(ctx, cl, h))
	default:
		return actions.Partial, none, st.killed(ctx, cl, h, made, e)
	}
}

func foreign(st prepared, last record) error {
	return fmt.Errorf("release %s is at revision %d, %s (%s), which this step did not make; it was at %d, %s",
		st.Release, last.Version, last.Info.Status, clip(last.Info.Description), st.From.Number, st.From.Status)
}

// made says whether the revision is that of this attempt.
func (st prepared) made(r record, key string, e tool.End) bool {
	if e.State == supervise.NotStarted {
		return false
	}
	to, _ := r.rollsBack()
	if r.Info.Status == failed { // what it said of itself is replaced by the reason
		return to == st.To.Number || to == 0 && r.digest() == st.To.SHA256
	}
	return st.named(r, key)
}

// named says whether the revision says of itself that it is of this step. Helm 3
// takes no description, so there it is told by where it goes back to.
func (st prepared) named(r record, key string) bool {
	to, _ := r.rollsBack()
	return to == st.To.Number && r.digest() == st.To.SHA256 && (major(st.Version) < 4 || r.ours(key))
}

// killed is the true account for the person who decides.
func (st prepared) killed(ctx context.Context, cl Cluster, h history, made record, e tool.End) error {
	what := fmt.Sprintf("revision %d of release %s is %s and nobody works on it any more: %s. %s",
		made.Version, st.Release, made.Info.Status, how(e), st.left(ctx, cl, h))
	kind := actions.KindFailed
	if e.State == supervise.Exited && e.Signal == "" && e.Stopped == "" {
		kind = actions.KindEnded // a hook that fails leaves the revision pending (action/rollback.go)
	}
	return &actions.Error{Kind: kind, Hint: st.repair(cl, e), Err: errors.New(what)}
}

// repair names the way out. Without a revision helm would go to the last but one,
// which is what was to be rolled back.
func (st prepared) repair(cl Cluster, e tool.End) string {
	hint := fmt.Sprintf("go on to the same revision: decide the step with redo, or by hand: helm rollback %s %d -n %s --kube-context %s, never without the revision",
		st.Release, st.To.Number, cl.Namespace, cl.Context)
	if e.State == supervise.Exited || e.State == supervise.Lost {
		hint += "; " + e.Hint()
	}
	return hint
}

// left tells which objects are not as the target revision says.
func (st prepared) left(ctx context.Context, cl Cluster, h history) string {
	from, okFrom := h.find(st.From.Number)
	to, okTo := h.find(st.To.Number)
	if !okFrom || !okTo {
		return "which objects it changed is not known: the history lacks a revision"
	}
	found, err := cl.compare(ctx, from, to, st.ServerSide)
	if err != nil {
		return "which objects it changed is not known: " + err.Error()
	}
	var objects []string
	for _, ch := range found.changes {
		if !slices.Contains(objects, ch.Object) {
			objects = append(objects, ch.Object)
		}
	}
	objects = append(objects, found.refusals...)
	if len(objects) == 0 {
		return fmt.Sprintf("The objects are as revision %d says; whether they are ready is not", st.To.Number)
	}
	return fmt.Sprintf("Not as revision %d says: %s", st.To.Number, strings.Join(objects, ", "))
}
