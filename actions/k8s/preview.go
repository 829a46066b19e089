package k8s

import (
	"context"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/runbackhq/runback/actions"
)

// preview has the API server do the very same patch as a dry run and tells
// what it would change.
func (w write) preview(ctx context.Context, cl *Cluster, c *actions.Call) (actions.Preview, error) {
	p := actions.Preview{Label: actions.Exact, Object: w.object()}
	live, err := w.live(ctx, cl)
	if err != nil {
		return p, err
	}
	p.Sets = w.sets(live)
	if w.holds(live) {
		p.Summary = summarise(nil)
		return p, nil
	}
	if err := w.conflict(live); err != nil {
		return p, err
	}
	after, err := w.send(ctx, cl, live, c.Key, true)
	if dryRunForbidden(err) {
		p.Label = actions.Predicted
		p.Notes = append(p.Notes, "API server cannot preview this write, the changes are computed: "+err.Error())
		after, err = w.predicted(live)
	}
	if err != nil {
		return p, err
	}
	p.Changes = hideKey(w.difference(live, after), c.Key)
	p.Summary = summarise(p.Changes)
	rivals, notes, err := cl.adversaries(ctx, live, p.Changes)
	p.Adversaries, p.Notes = rivals, append(p.Notes, notes...)
	return p, err
}

// sets lists the single fields that the write enforces. Whole maps and lists
// are left out: their parts are told by the changes.
func (w write) sets(live *object) []actions.FieldValue {
	var out []actions.FieldValue
	for _, e := range w.Edits {
		switch e.After.(type) {
		case map[string]any, []any:
		default:
			out = append(out, actions.FieldValue{Path: e.Path.show(live.Object), Value: e.After})
		}
	}
	return out
}

// dryRunForbidden says that a webhook declares side effects. Then the API
// server refuses the dry run, which says nothing of the real write.
func dryRunForbidden(err error) bool {
	return apierrors.IsBadRequest(err) && strings.Contains(err.Error(), "does not support dry run")
}

func (w write) predicted(live *object) (*object, error) {
	after := live.DeepCopy()
	for _, e := range w.Edits {
		value, err := plain(e.After)
		if err != nil {
			return nil, err
		}
		if err := assign(after.Object, e.Path, value); err != nil {
			return nil, err
		}
	}
	return after, nil
}
