package k8s

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/runbackhq/runback/actions"
)

// changeTo lets the API server merge a manifest into an object, in a dry run of
// a server-side apply, and makes a write of what would change. So lists are
// merged by the keys of their kind, and yet what is written is the patch that
// every write is: of the fields that were seen, if they still hold what was
// seen. An apply that is sent as such overwrites whatever came in between.
func (cl *Cluster) changeTo(ctx context.Context, m manifest, live *object, force bool) (*write, error) {
	for range 5 {
		if live.GetDeletionTimestamp() != nil {
			return nil, actions.Refuse("wait until it is gone, then run it again", "%s is being deleted", m.label())
		}
		after, err := cl.dryApply(ctx, m, live, force)
		if err == nil {
			return cl.changeFrom(ctx, m, live, after)
		}
		if actions.KindOf(err) != actions.KindConflict {
			return nil, err
		}
		if live, err = cl.find(ctx, m.kind, m.name); err != nil {
			return nil, err
		}
		if live == nil {
			return nil, actions.Conflict(prepareAgain, "%s was deleted while it was looked at", m.label())
		}
	}
	return nil, actions.Conflict(prepareAgain, "%s changes faster than it can be looked at", m.label())
}

func (cl *Cluster) changeFrom(ctx context.Context, m manifest, live, after *object) (*write, error) {
	edits, guards := editsBetween(bare(live), bare(after))
	if err := allowed(edits); err != nil {
		return nil, err
	}
	w := newWrite(m.kind, live, edits, guards...)
	return &w, cl.checkSelector(ctx, w, live)
}

// dryApply asks what an apply would make of the object as it was read: the
// difference between the two must not hold what somebody else wrote in between.
// That we set a field before, in whatever way, is no conflict: fields that a
// patch of ours set belong to another manager than those of an apply, although
// both have our name.
func (cl *Cluster) dryApply(ctx context.Context, m manifest, live *object, force bool) (*object, error) {
	after, err := cl.dryApplyOnce(ctx, m, live, force)
	theirs, conflict := rivalsIn(err)
	switch {
	case conflict && len(theirs) == 0:
		after, err = cl.dryApplyOnce(ctx, m, live, true)
	case conflict:
		return nil, actions.Refuse("leave these fields out of the manifest, or take them over: force: true",
			"%s has fields that somebody else set to something else: %s", m.label(), strings.Join(theirs, "; "))
	}
	doing := "applying " + m.label()
	switch {
	case dryRunForbidden(err):
		return nil, actions.Refuse("set single fields with k8s.patch", "%s: API server cannot say beforehand what would change: %w", doing, err)
	case err != nil && strings.Contains(err.Error(), "failed to create typed patch object"):
		return nil, actions.Invalid("look at: kubectl explain "+m.kind.Resource, "%s: %w", doing, err) // comes as a 500
	}
	return after, explain(ctx, err, doing)
}

func (cl *Cluster) dryApplyOnce(ctx context.Context, m manifest, live *object, force bool) (*object, error) {
	as := (&object{Object: m.fields}).DeepCopy()
	as.SetUID(live.GetUID())
	as.SetResourceVersion(live.GetResourceVersion())
	body, err := json.Marshal(as.Object)
	if err != nil {
		return nil, fmt.Errorf("manifest of %s: %w", m.label(), err)
	}
	return cl.API.Dynamic.Resource(m.kind.gvr()).Namespace(cl.Namespace).Patch(ctx, m.name, types.ApplyPatchType, body, metav1.PatchOptions{
		FieldManager: fieldManager, FieldValidation: metav1.FieldValidationStrict, Force: &force, DryRun: []string{metav1.DryRunAll},
	})
}

var otherManager = regexp.MustCompile(`^conflict with "([^"]*)"`)

// rivalsIn reads from a refused apply which fields others set, and who.
func rivalsIn(err error) (theirs []string, conflict bool) {
	var status apierrors.APIStatus
	if !apierrors.IsConflict(err) || !errors.As(err, &status) || status.Status().Details == nil {
		return nil, false
	}
	for _, cause := range status.Status().Details.Causes {
		if cause.Type != metav1.CauseTypeFieldManagerConflict {
			continue
		}
		conflict = true
		who := cause.Message
		if found := otherManager.FindStringSubmatch(cause.Message); found != nil {
			who = found[1]
		}
		if who != fieldManager {
			theirs = append(theirs, fmt.Sprintf("%s by %s", strings.TrimPrefix(cause.Field, "."), who))
		}
	}
	return theirs, conflict
}
