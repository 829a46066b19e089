package k8s

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/runbackhq/runback/actions"
)

// write is a change of some fields of one object, with what was there: it
// either finds the fields as Prepare saw them or changes nothing. It is the
// prepared state of every action that changes something, and is journaled.
type write struct {
	Kind        kind    `json:"kind"`
	Namespace   string  `json:"namespace,omitempty"` // "" is that of the target
	Name        string  `json:"name"`
	Subresource string  `json:"subresource,omitempty"` // "status", or "" for the object itself
	UID         string  `json:"uid"`
	Receipt     string  `json:"receipt,omitempty"` // that Prepare saw
	Edits       []edit  `json:"edits,omitempty"`
	Guards      []guard `json:"guards,omitempty"`
}

func newWrite(k kind, obj *object, edits []edit, guards ...guard) write {
	return write{
		Kind: k, Name: obj.GetName(), UID: string(obj.GetUID()),
		Receipt: obj.GetAnnotations()[receiptAnnotation], Edits: edits, Guards: guards,
	}
}

func (w write) object() string { return label(w.Kind, w.Namespace, w.Name) }

// apply makes the change and gives the object as it is then. An object that
// holds the wanted values already is left alone.
func (w write) apply(ctx context.Context, cl *Cluster, c *actions.Call) (obj *object, changed bool, err error) {
	live, err := w.live(ctx, cl)
	if err != nil {
		return nil, false, err
	}
	if w.holds(live) {
		return live, false, nil
	}
	if err := w.conflict(live); err != nil {
		return nil, false, err
	}
	obj, err = w.send(ctx, cl, live, c.Key, false)
	return obj, err == nil, err
}

// written gives an error that came after the write. That the world is another
// one by now, or may no longer be read, must not sound as if nothing was
// written.
func written(err error) error {
	switch actions.KindOf(err) {
	case actions.KindRefused, actions.KindConflict, actions.KindInvalid:
		return &actions.Error{Kind: actions.KindFailed, Hint: actions.HintOf(err), Err: err}
	default:
		return err
	}
}

// live gives the object, which must be the one that Prepare saw.
func (w write) live(ctx context.Context, cl *Cluster) (*object, error) {
	obj, err := w.where(cl).find(ctx, w.Kind, w.Name)
	if err != nil {
		return nil, err
	}
	return obj, w.identity(obj)
}

func (w write) identity(obj *object) error {
	if obj == nil {
		return actions.Conflict(prepareAgain, "%s is gone", w.object())
	}
	if uid := string(obj.GetUID()); uid != w.UID {
		return actions.Conflict(prepareAgain, "%s was deleted and made anew: expected uid %s, found %s", w.object(), w.UID, uid)
	}
	return nil
}

const prepareAgain = "see what changed, then run it again; nothing was written"

// holds says whether every field has the wanted value.
func (w write) holds(obj *object) bool {
	for _, e := range w.Edits {
		if !same(lookup(obj.Object, e.Path), e.After) {
			return false
		}
	}
	return true
}

// conflict names each field that is not as Prepare saw it.
func (w write) conflict(obj *object) error {
	var moved []string
	expect := func(p path, value any) {
		if found := lookup(obj.Object, p); !same(found, value) {
			moved = append(moved, fmt.Sprintf("%s: expected %s, found %s", p.show(obj.Object), short(value), short(found)))
		}
	}
	for _, g := range w.Guards {
		expect(g.Path, g.Value)
	}
	for _, e := range w.Edits {
		expect(e.Path, e.Before)
	}
	if len(moved) == 0 {
		return nil
	}
	return actions.Conflict(prepareAgain, "%s was changed by someone else: %s", w.object(), strings.Join(moved, "; "))
}

// send sends the patch. In a dry run the API server goes through all of it,
// admission included, but for storing the result.
//
// A patch that is refused although none of its fields moved was built against
// an object that lacked a map, most often its annotations, which is there now.
// It is built again; it compares the same values as before.
func (w write) send(ctx context.Context, cl *Cluster, live *object, key string, dry bool) (*object, error) {
	for range 3 {
		got, err := w.sendOnce(ctx, cl, live, key, dry)
		if !apierrors.IsInvalid(err) && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
			return got, explain(ctx, err, "patching "+w.object())
		}
		now, gone := w.live(ctx, cl)
		if gone != nil {
			return nil, gone
		}
		if !dry && w.verdict(now, key) == actions.Applied {
			// It is our own write that it ran into: the client sends a
			// request again when the answer was 5xx with a Retry-After.
			return now, nil
		}
		if moved := w.conflict(now); moved != nil {
			return nil, moved
		}
		if !testFailed(err) || now.GetResourceVersion() == live.GetResourceVersion() {
			return nil, explain(ctx, err, "patching "+w.object())
		}
		live = now
	}
	return nil, actions.Conflict(prepareAgain, "%s changes faster than it can be patched", w.object())
}

func (w write) sendOnce(ctx context.Context, cl *Cluster, live *object, key string, dry bool) (*object, error) {
	body, err := json.Marshal(w.operations(live.Object, key))
	if err != nil {
		return nil, fmt.Errorf("patch of %s: %w", w.object(), err)
	}
	o := metav1.PatchOptions{FieldManager: fieldManager, FieldValidation: metav1.FieldValidationStrict}
	if dry {
		o.DryRun = []string{metav1.DryRunAll}
	}
	return cl.API.Dynamic.Resource(w.Kind.gvr()).Namespace(w.where(cl).Namespace).Patch(ctx, w.Name, types.JSONPatchType, body, o, w.subresources()...)
}

// testFailed says whether the patch may have found another world than it was
// built for. The API server answers a failed test with a 422 that names neither
// path nor value; a value that is not valid is named.
func testFailed(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return false
	}
	details := status.Status().Details
	return apierrors.IsConflict(err) || details == nil || len(details.Causes) == 0
}

// operations builds the JSON patch against the object as it is: what it needs
// to know of it is which maps are missing on the way to a field.
func (w write) operations(live map[string]any, key string) []operation {
	b := &builder{work: runtime.DeepCopyJSON(live)}
	b.test(path{"metadata", "uid"}, w.UID)
	for _, g := range w.Guards {
		b.test(g.Path, g.Value)
	}
	for _, e := range w.Edits {
		b.replace(e.Path, e.Before, e.After)
	}
	if w.Subresource != "" {
		return b.operations // of a subresource nothing else is written, no annotation either
	}
	receipt := annotation(receiptAnnotation)
	b.makeParents(receipt)
	b.do("add", receipt, key)
	return b.operations
}
