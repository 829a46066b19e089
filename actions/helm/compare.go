package helm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/runbackhq/runback/actions"
)

// comparison is what a rollback would change of the objects of a release.
type comparison struct {
	changes  []actions.FieldChange
	notes    []string
	exact    bool      // whether the API server was asked about every object
	live     []*object // those that are there
	refusals []string  // why the API server would refuse
}

// keep is the annotation with which helm leaves an object alone (kube/resource_policy.go).
const keep = "helm.sh/resource-policy"

// compare asks what a rollback from one revision to another would change.
func (cl Cluster) compare(ctx context.Context, from, to record, serverSide bool) (comparison, error) {
	out := comparison{exact: true}
	before, err := cl.objects(ctx, from)
	if err != nil {
		return out, err
	}
	after, err := cl.objects(ctx, to)
	if err != nil {
		return out, err
	}
	was, wanted := map[string]placed{}, map[string]bool{}
	for _, p := range before {
		was[p.key()] = p
	}
	for _, p := range after {
		wanted[p.key()] = true
		if err := out.object(ctx, cl, was[p.key()], p, to.Name, serverSide); err != nil {
			return out, err
		}
	}
	for _, p := range before {
		if !wanted[p.key()] {
			if err := out.gone(ctx, cl, p); err != nil {
				return out, err
			}
		}
	}
	return out, nil
}

func (out *comparison) note(format string, args ...any) {
	out.notes = append(out.notes, fmt.Sprintf(format, args...))
}

// object asks about an object that the target revision has.
func (out *comparison) object(ctx context.Context, cl Cluster, was, p placed, release string, serverSide bool) error {
	label := p.label(cl.Namespace)
	if p.at == nil {
		out.exact = false
		out.note("%s cannot be previewed: %s", label, p.unknown)
		return nil
	}
	live, err := cl.live(ctx, p)
	if err != nil {
		return err
	}
	target := p.marked(release, cl.Namespace)
	if live == nil {
		out.changes = append(out.changes, actions.FieldChange{Object: label, Path: "exists", Before: false, After: true})
		return out.answered(ctx, cl, label, cl.create(ctx, p, target))
	}
	out.live = append(out.live, live)
	before := live
	if was.object != nil {
		before = was.object
	}
	got, err := cl.send(ctx, p, before, target, live, serverSide)
	if err != nil {
		return out.answered(ctx, cl, label, err)
	}
	changes := difference(live, got)
	for i := range changes {
		changes[i].Object = label
	}
	out.changes = append(out.changes, changes...)
	out.others(label, live)
	if serverSide && clientSide(live) {
		out.exact = false
		out.note("%s was written by helm with a client-side apply before: fields that it no longer sets are taken away, which is not shown", label)
	}
	return nil
}

// answered sorts what the API server says to a dry run: that it would refuse the
// real one as well, or that it cannot say.
func (out *comparison) answered(ctx context.Context, cl Cluster, label string, err error) error {
	switch {
	case err == nil:
		return nil
	case apierrors.IsBadRequest(err) && strings.Contains(err.Error(), "does not support dry run"):
		out.exact = false
		out.note("%s cannot be previewed: a webhook does not support dry run", label)
		return nil
	case apierrors.IsConflict(err) || apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) || apierrors.IsForbidden(err):
		out.refusals = append(out.refusals, label+": "+clip(refusal(err)))
		return nil
	default:
		return cl.Explain(ctx, err, "asking about "+label)
	}
}

// refusal gives the words of the API server, without the values that it quotes.
func refusal(err error) string {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil || len(status.Status().Details.Causes) == 0 {
		return string(apierrors.ReasonForError(err))
	}
	var parts []string
	for _, c := range status.Status().Details.Causes {
		words := string(c.Type) + " " + c.Field
		if apierrors.IsConflict(err) {
			words = c.Message + " on " + c.Field // names the other manager, no value
		}
		parts = append(parts, words)
	}
	return string(apierrors.ReasonForError(err)) + ": " + strings.Join(parts, ", ")
}

// gone asks about an object that only the current revision has.
func (out *comparison) gone(ctx context.Context, cl Cluster, p placed) error {
	if p.at == nil {
		return nil // what is not known to the API server is not there
	}
	live, err := cl.live(ctx, p)
	if err != nil || live == nil {
		return err
	}
	out.live = append(out.live, live)
	label := p.label(cl.Namespace)
	if live.GetAnnotations()[keep] == "keep" {
		out.note("%s stays: its annotation %s says keep", label, keep)
		return nil
	}
	out.changes = append(out.changes, actions.FieldChange{Object: label, Path: "exists", Before: true, After: false})
	return nil
}

// others names who else wrote fields of the object. What the manifest does not
// name stays as they set it; what it names is among the changes.
func (out *comparison) others(label string, live *object) {
	var names []string
	for _, m := range live.GetManagedFields() {
		mine := m.Manager == manager || m.Manager == "Helm" || strings.HasPrefix(m.Manager, "kube-controller-manager")
		if !mine && m.Subresource != "status" && !slices.Contains(names, m.Manager) {
			names = append(names, m.Manager)
		}
	}
	if len(names) > 0 {
		slices.Sort(names)
		out.note("%s was also written by %s: fields that the manifest does not name stay as they are", label, strings.Join(names, ", "))
	}
}

func clientSide(live *object) bool {
	for _, m := range live.GetManagedFields() {
		if m.Manager == manager && m.Operation == "Update" && m.Subresource == "" {
			return true
		}
	}
	return false
}
