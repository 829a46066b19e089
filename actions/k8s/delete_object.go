package k8s

import (
	"context"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/runbackhq/runback/actions"
)

// live gives the object, which must hold what Prepare saw, or nil when that very
// object is gone.
func (st removeState) live(ctx context.Context, cl *Cluster) (*object, error) {
	obj, err := cl.find(ctx, st.Kind, st.Name)
	if err != nil || obj == nil || string(obj.GetUID()) != st.UID {
		return nil, err
	}
	moved, err := st.moved(obj)
	if err != nil || len(moved) == 0 {
		return obj, err
	}
	return nil, actions.Conflict(prepareAgain, "%s was changed by someone else: %s", st.label(), strings.Join(moved, "; "))
}

// moved names the fields that are not as Prepare saw them: they would be lost
// without having been looked at. An object that is ending is past that.
func (st removeState) moved(obj *object) ([]string, error) {
	if obj.GetDeletionTimestamp() != nil {
		return nil, nil
	}
	fields, err := st.fields()
	if err != nil {
		return nil, err
	}
	d := &differ{}
	d.walk("", fields, captured(st.Kind, obj))
	var out []string
	for _, ch := range d.changes {
		out = append(out, fmt.Sprintf("%s: expected %s, found %s", ch.Path, short(ch.Before), short(ch.After)))
	}
	return out, nil
}

// ask asks for the end of the object, of exactly that one and as it was looked
// at. What it owns goes first, so that when it is gone all of it is.
func (st removeState) ask(ctx context.Context, cl *Cluster, live *object, dry bool) error {
	first, uid, version := metav1.DeletePropagationForeground, live.GetUID(), live.GetResourceVersion()
	o := metav1.DeleteOptions{PropagationPolicy: &first, Preconditions: &metav1.Preconditions{UID: &uid, ResourceVersion: &version}}
	if dry {
		o.DryRun = []string{metav1.DryRunAll}
		o.Preconditions.ResourceVersion = nil // a status may be written at any time
	}
	return cl.API.Dynamic.Resource(st.Kind.gvr()).Namespace(cl.Namespace).Delete(ctx, st.Name, o)
}

func (a remove) run(ctx context.Context, c *actions.Call, _ removeIn, st removeState) (removeOut, error) {
	cl, err := a.cluster(ctx, c)
	if err != nil || st.UID == "" {
		return removeOut{}, err
	}
	asked, err := st.end(ctx, cl)
	if err != nil || !asked {
		return removeOut{UID: st.UID}, err
	}
	err = actions.Until(ctx, c, pause, func(ctx context.Context) (bool, string, error) {
		obj, err := cl.find(ctx, st.Kind, st.Name)
		if err != nil || obj == nil || string(obj.GetUID()) != st.UID {
			return err == nil, "", err
		}
		return false, st.label() + " is ending, held by " + strings.Join(obj.GetFinalizers(), ", "), nil
	})
	if err != nil {
		return removeOut{}, written(fmt.Errorf("deleting %s: %w", st.label(), err))
	}
	return removeOut{Deleted: true, UID: st.UID}, nil
}

// end asks once more when a status was written in between. Nothing is asked of
// an object that is gone, and asked is false then. The client sends a request
// again by itself, and the second one runs into the first: the object is ending
// by then, or gone.
func (st removeState) end(ctx context.Context, cl *Cluster) (asked bool, err error) {
	for range 5 {
		live, err := st.live(ctx, cl)
		if err != nil || live == nil {
			return asked && err == nil, err
		}
		if live.GetDeletionTimestamp() != nil {
			return true, nil
		}
		asked = true
		err = st.ask(ctx, cl, live, false)
		switch {
		case err == nil, apierrors.IsNotFound(err):
			return true, nil
		case !apierrors.IsConflict(err):
			return false, explain(ctx, err, "deleting "+st.label())
		}
	}
	return false, actions.Conflict(prepareAgain, "%s changes faster than it can be deleted", st.label())
}

// probe: the deletion is of one UID. Whoever deleted it, it is gone; one that
// was made since is another one.
func (a remove) probe(ctx context.Context, c *actions.Call, _ removeIn, st removeState) (actions.Verdict, removeOut, error) {
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return actions.Unknown, removeOut{}, err
	}
	if st.UID == "" {
		return actions.Applied, removeOut{}, nil
	}
	out := removeOut{UID: st.UID}
	obj, err := cl.find(ctx, st.Kind, st.Name)
	switch {
	case err != nil:
		return actions.Unknown, out, err
	case obj == nil || string(obj.GetUID()) != st.UID:
		out.Deleted = true
		return actions.Applied, out, nil
	case obj.GetDeletionTimestamp() != nil:
		return actions.InFlight, out, nil
	}
	moved, err := st.moved(obj)
	switch {
	case err != nil:
		return actions.Unknown, out, err
	case len(moved) > 0:
		return actions.Foreign, out, nil
	}
	return actions.NotApplied, out, nil
}
