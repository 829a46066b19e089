package helm

import (
	"context"
	"encoding/json"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/dynamic"
)

// manager is what helm calls itself (cmd/helm/helm.go).
const manager = "helm"

func (cl Cluster) resource(p placed) dynamic.ResourceInterface {
	if p.GetNamespace() == "" {
		return cl.API.Dynamic.Resource(p.at.Resource)
	}
	return cl.API.Dynamic.Resource(p.at.Resource).Namespace(p.GetNamespace())
}

// live gives the object as it is, nil when there is none.
func (cl Cluster) live(ctx context.Context, p placed) (*object, error) {
	obj, err := cl.resource(p).Get(ctx, p.GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return obj, cl.Explain(ctx, err, "reading "+p.label(cl.Namespace))
}

// marked gives the object with what helm adds to each (action/validate.go).
func (p placed) marked(release, namespace string) *object {
	obj := p.DeepCopy()
	labels, notes := obj.GetLabels(), obj.GetAnnotations()
	if labels == nil {
		labels = map[string]string{}
	}
	if notes == nil {
		notes = map[string]string{}
	}
	labels["app.kubernetes.io/managed-by"] = "Helm"
	notes["meta.helm.sh/release-name"], notes["meta.helm.sh/release-namespace"] = release, namespace
	obj.SetLabels(labels)
	obj.SetAnnotations(notes)
	return obj
}

// send has the API server do, as a dry run, what helm would do with an object
// that is there: server-side apply, or the patch that helm makes of three states
// of the object. Before is what the current revision says of it, or as it is.
func (cl Cluster) send(ctx context.Context, p placed, before, target, live *object, serverSide bool) (*object, error) {
	dry := metav1.PatchOptions{DryRun: []string{metav1.DryRunAll}, FieldManager: manager}
	if serverSide {
		body, err := json.Marshal(target)
		if err != nil {
			return nil, err
		}
		off := false
		dry.Force, dry.FieldValidation = &off, metav1.FieldValidationStrict
		return cl.resource(p).Patch(ctx, p.GetName(), types.ApplyPatchType, body, dry)
	}
	kinds, err := cl.kinds()
	if err != nil {
		return nil, err
	}
	body, kind, err := merge(kinds, before, target, live)
	if err != nil || string(body) == "{}" {
		return live, err
	}
	return cl.resource(p).Patch(ctx, p.GetName(), kind, body, dry)
}

// merge makes the patch that helm makes (kube/client.go, createPatch): for a kind
// that is built in, out of what was applied, what shall be, and what is; for any
// other, out of the first two.
func merge(kinds *runtime.Scheme, before, target, live *object) ([]byte, types.PatchType, error) {
	var texts [3][]byte
	for i, o := range []*object{before, target, live} {
		var err error
		if texts[i], err = json.Marshal(o); err != nil {
			return nil, "", err
		}
	}
	known, err := kinds.New(target.GroupVersionKind())
	if err != nil {
		// With the first twice, what is now does not count.
		body, err := jsonmergepatch.CreateThreeWayJSONMergePatch(texts[0], texts[1], texts[0])
		return body, types.MergePatchType, err
	}
	how, err := strategicpatch.NewPatchMetaFromStruct(known)
	if err != nil {
		return nil, "", fmt.Errorf("kind %s: %w", target.GetKind(), err)
	}
	body, err := strategicpatch.CreateThreeWayMergePatch(texts[0], texts[1], texts[2], how, true)
	return body, types.StrategicMergePatchType, err
}

// create has the API server make, as a dry run, an object that is not there.
func (cl Cluster) create(ctx context.Context, p placed, target *object) error {
	_, err := cl.resource(p).Create(ctx, target, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldManager: manager})
	if apierrors.IsNotFound(err) {
		return nil // its namespace may be made by the same rollback
	}
	return err
}
