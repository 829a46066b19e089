package helm

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/runbackhq/runback/actions"
)

func (f family) preview(ctx context.Context, c *actions.Call, in rollbackIn, st prepared) (actions.Preview, error) {
	p := actions.Preview{Label: actions.Exact, Object: "release/" + st.Release}
	if st.Done {
		p.Summary = fmt.Sprintf("nothing to do: revision %d is what revision %d says", st.From.Number, st.To.Number)
		return p, nil
	}
	cl, err := f.cluster(ctx, c)
	if err != nil {
		return p, err
	}
	h, err := cl.must(ctx, st.Release)
	if err != nil {
		return p, err
	}
	from, to, err := st.unmoved(h)
	if err != nil {
		return p, err
	}
	found, err := cl.compare(ctx, from, to, st.ServerSide)
	if err != nil {
		return p, err
	}
	if len(found.refusals) > 0 {
		return p, actions.Refuse("settle it first: a rollback that fails in the middle leaves the release mixed", "the API server would refuse what revision %d says: %s",
			to.Version, strings.Join(found.refusals, "; "))
	}
	if !found.exact {
		p.Label = actions.Predicted
	}
	p.Summary = fmt.Sprintf("revision %d → %d, back to %d: %s → %s, %s", from.Version, st.next(), to.Version, from.chart(), to.chart(), counted(found.changes))
	p.Changes = append(st.ownChanges(), found.changes...)
	p.Notes = slices.Concat(found.notes, st.notes(from, to))
	if in.Stuck > 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("revision %d stays in the history as %s", from.Version, from.Info.Status))
	}
	if len(around(to)) > 0 {
		p.Assumes = append(p.Assumes, "no hook changes these objects")
	}
	rivals, notes := cl.adversaries(ctx, found.live)
	p.Adversaries, p.Notes = rivals, append(p.Notes, notes...)
	return p, nil
}

// ownChanges are those of the release itself.
func (st prepared) ownChanges() []actions.FieldChange {
	object := "release/" + st.Release
	out := []actions.FieldChange{{Object: object, Path: "revision", Before: st.From.Number, After: st.next()}}
	if st.From.Chart != st.To.Chart {
		out = append(out, actions.FieldChange{Object: object, Path: "chart", Before: st.From.Chart, After: st.To.Chart})
	}
	if st.From.AppVersion != st.To.AppVersion {
		out = append(out, actions.FieldChange{Object: object, Path: "app_version", Before: st.From.AppVersion, After: st.To.AppVersion})
	}
	return out
}

func (st prepared) notes(from, to record) (notes []string) {
	for _, h := range around(to) {
		notes = append(notes, fmt.Sprintf("hook %s/%s is run (%s); what it does cannot be previewed", strings.ToLower(h.Kind), h.Name, strings.Join(h.Events, ", ")))
	}
	if from.crds() || to.crds() {
		notes = append(notes, "custom resource definitions of the chart (its folder crds) are not rolled back: helm never changes them")
	}
	return notes
}

// around gives the hooks that a rollback runs: those of the revision it goes to.
func around(to record) (out []hook) {
	for _, h := range to.Hooks {
		if slices.Contains(h.Events, "pre-rollback") || slices.Contains(h.Events, "post-rollback") {
			out = append(out, h)
		}
	}
	return out
}

func (r record) crds() bool {
	for _, f := range r.Chart.Files {
		if strings.HasPrefix(f.Name, "crds/") || strings.Contains(f.Name, "/crds/") {
			return true
		}
	}
	return false
}

func counted(changes []actions.FieldChange) string {
	var objects []string
	for _, ch := range changes {
		if !slices.Contains(objects, ch.Object) {
			objects = append(objects, ch.Object)
		}
	}
	if len(objects) == 0 {
		return "no object changes"
	}
	return fmt.Sprintf("%d fields of %d objects", len(changes), len(objects))
}

// unmoved gives the two revisions, which must be those that were prepared.
func (st prepared) unmoved(h history) (from, to record, err error) {
	if len(h) == 0 {
		return from, to, actions.Conflict(again, "release %s is gone", st.Release)
	}
	from = h.last()
	if now := from.remembered(); now != st.From {
		return from, to, actions.Conflict(again, "release %s is at revision %d (%s) by now, it was at %d (%s)", st.Release, now.Number, now.Status, st.From.Number, st.From.Status)
	}
	to, ok := h.find(st.To.Number)
	if now := to.remembered(); !ok || now != st.To {
		return from, to, actions.Conflict(again, "revision %d of release %s is not what it was when the step was prepared", st.To.Number, st.Release)
	}
	return from, to, nil
}

const again = "see what changed with helm history, then run it again; nothing was written"
