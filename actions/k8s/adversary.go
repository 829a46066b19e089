package k8s

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/runbackhq/runback/actions"
)

// mostRivals bounds a look at a kind of controllers' objects.
const mostRivals = 500

// contest is a change as others see it: the object, the fields that would
// change, and who has other plans for them. Who is suspended is no adversary
// but a note: it will be one when it goes on.
type contest struct {
	cl      *Cluster
	live    *object
	touched []string
	after   map[string]any // by path

	found []actions.Adversary
	notes []string
	known map[string]bool // controllers that were found, suspended ones included
}

// adversaries looks for everybody who may change back what a write changes. It
// only reads. A kind that the API server does not know has no objects; what may
// not be read is noted.
func (cl *Cluster) adversaries(ctx context.Context, live *object, changes []actions.FieldChange) ([]actions.Adversary, []string, error) {
	q := cl.contest(live, changes)
	return q.ask(ctx, q.scalers, q.verticals, q.flagger, q.owner, q.argo, q.flux, q.helm, q.managers)
}

// makers looks for everybody who may make an object anew that is deleted.
func (cl *Cluster) makers(ctx context.Context, live *object, changes []actions.FieldChange) ([]actions.Adversary, []string, error) {
	q := cl.contest(live, changes)
	found, notes, err := q.ask(ctx, q.owner, q.argo, q.flux, q.helm, q.managers)
	for i := range found {
		found[i].Fights = nil // all of it, not some fields
	}
	return found, notes, err
}

func (cl *Cluster) contest(live *object, changes []actions.FieldChange) *contest {
	q := &contest{cl: cl, live: live, after: map[string]any{}, known: map[string]bool{}}
	for _, ch := range changes {
		if !strings.HasPrefix(ch.Path, "metadata.annotations[runback.dev/") {
			q.touched = append(q.touched, ch.Path)
			q.after[ch.Path] = ch.After
		}
	}
	return q
}

func (q *contest) ask(ctx context.Context, looks ...func(context.Context) error) ([]actions.Adversary, []string, error) {
	if len(q.touched) == 0 {
		return nil, nil, nil
	}
	for _, look := range looks {
		if err := look(ctx); err != nil {
			return nil, nil, err
		}
	}
	return q.found, q.notes, nil
}

func (q *contest) add(a actions.Adversary) {
	q.known[a.Controller] = true
	q.found = append(q.found, a)
}

// quiet notes somebody who would be an adversary and does nothing at present.
func (q *contest) quiet(controller, note string) {
	q.known[controller] = true
	q.notes = append(q.notes, note)
}

// touches gives the fields that would change at, below or above a path.
func (q *contest) touches(at string) []string {
	var out []string
	for _, p := range q.touched {
		if within(p, at) || within(at, p) {
			out = append(out, p)
		}
	}
	return out
}

func within(p, at string) bool {
	rest, ok := strings.CutPrefix(p, at)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// list gives the objects of a kind in the namespace of the object.
func (q *contest) list(ctx context.Context, k kind) ([]object, error) {
	k, served, err := q.cl.served(ctx, k)
	if err != nil || !served {
		return nil, q.unseen(ctx, k, err)
	}
	found, err := q.cl.API.Dynamic.Resource(k.gvr()).Namespace(q.live.GetNamespace()).List(ctx, metav1.ListOptions{Limit: mostRivals})
	if err != nil {
		return nil, q.unseen(ctx, k, err)
	}
	if found.GetContinue() != "" {
		q.notes = append(q.notes, fmt.Sprintf("there are more than %d %s; the rest was not looked at", mostRivals, k.Resource))
	}
	return found.Items, nil
}

// get gives an object, or nil when there is none; seen is false when that
// could not be read.
func (q *contest) get(ctx context.Context, k kind, namespace, name string) (obj *object, seen bool, err error) {
	k, served, err := q.cl.served(ctx, k)
	if err != nil {
		return nil, false, q.unseen(ctx, k, err)
	}
	if !served {
		return nil, true, nil
	}
	obj, err = q.cl.API.Dynamic.Resource(k.gvr()).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, true, nil
	}
	if err != nil {
		return nil, false, q.unseen(ctx, k, err)
	}
	return obj, true, nil
}

// unseen notes what could not be read. It is an error when it says nothing of
// this kind but of the API server or of who we are.
func (q *contest) unseen(ctx context.Context, k kind, err error) error {
	if err == nil || apierrors.IsNotFound(err) {
		return nil
	}
	why := err.Error()
	switch explained := explain(ctx, err, "listing "+k.Resource); {
	case ctx.Err() != nil, actions.KindOf(explained) == actions.KindUnreachable, apierrors.IsUnauthorized(err):
		return explained
	case apierrors.IsForbidden(err):
		why = "forbidden"
	}
	note := fmt.Sprintf("could not look for %s: %s", k.group(), why)
	if !slices.Contains(q.notes, note) {
		q.notes = append(q.notes, note)
	}
	return nil
}

// label names an object as the preview names its own.
func (q *contest) label(k kind, namespace, name string) string {
	if namespace == q.cl.Namespace {
		namespace = ""
	}
	return label(k, namespace, name)
}

// isTarget says whether a reference to a workload means the object.
func (q *contest) isTarget(ref any) bool {
	r, _ := ref.(map[string]any)
	text := func(field, otherwise string) string {
		if s, _ := r[field].(string); s != "" {
			return s
		}
		return otherwise
	}
	// KEDA lets out kind and apiVersion of a Deployment.
	gv, err := schema.ParseGroupVersion(text("apiVersion", "apps/v1"))
	own := q.live.GroupVersionKind()
	return err == nil && text("name", "") == q.live.GetName() && text("kind", "Deployment") == own.Kind && gv.Group == own.Group
}

// is says whether a reference or an owner is the object itself: a
// Kustomization may well apply itself.
func (q *contest) is(k kind, namespace, name string) bool {
	own := q.live.GroupVersionKind()
	return own.Group == k.Group && strings.EqualFold(own.Kind, k.Name) && q.live.GetNamespace() == namespace && q.live.GetName() == name
}

// suspendWith is the step that holds a controller.
func (q *contest) suspendWith(kind, namespace, name string) string {
	if namespace != "" && namespace != q.cl.Namespace {
		return fmt.Sprintf("hold it before: k8s.suspend {kind: %s, name: %s, namespace: %s}", kind, name, namespace)
	}
	return fmt.Sprintf("hold it before: k8s.suspend {kind: %s, name: %s}", kind, name)
}
