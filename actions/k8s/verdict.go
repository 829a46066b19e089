package k8s

import (
	"context"

	"github.com/runbackhq/runback/actions"
)

// probe says whether the write took effect, and gives the object as it is, or
// nil when it is gone.
func (w write) probe(ctx context.Context, cl *Cluster, c *actions.Call) (actions.Verdict, *object, error) {
	obj, err := w.where(cl).find(ctx, w.Kind, w.Name)
	if err != nil {
		return actions.Unknown, nil, err
	}
	return w.verdict(obj, c.Key), obj, nil
}

// verdict reads the object. The receipt proves the write, unless Prepare saw it
// there already: a step keeps its key over its attempts, so an old receipt may
// be that of the attempt before.
func (w write) verdict(obj *object, key string) actions.Verdict {
	if w.identity(obj) != nil {
		return actions.Foreign
	}
	if w.Subresource == "" && w.Receipt != key && obj.GetAnnotations()[receiptAnnotation] == key {
		return actions.Applied
	}
	before, after := true, true
	for _, e := range w.Edits {
		value := lookup(obj.Object, e.Path)
		isBefore, isAfter := same(value, e.Before), same(value, e.After)
		if !isBefore && !isAfter {
			return actions.Foreign
		}
		before, after = before && isBefore, after && isAfter
	}
	switch {
	case after:
		return actions.Applied
	case before:
		return actions.NotApplied
	}
	return actions.Partial
}
