package k8s

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/runbackhq/runback/actions"
)

// historyOf gives what a workload ran, with all its pods.
func (cl *Cluster) historyOf(ctx context.Context, w *workload) (history, []corev1.Pod, error) {
	if w.kind.is(deployments) {
		d, err := asDeployment(w.obj)
		if err != nil {
			return history{}, nil, err
		}
		sets, pods, err := cl.replicaSets(ctx, d)
		if err != nil {
			return history{}, nil, err
		}
		return historyOf(d, sets), pods, nil
	}
	return cl.revisionHistory(ctx, w)
}

// revisionHistory reads the ControllerRevisions of a StatefulSet or DaemonSet:
// what ReplicaSets are to a Deployment. They are told in the same words.
func (cl *Cluster) revisionHistory(ctx context.Context, w *workload) (history, []corev1.Pod, error) {
	pods, err := cl.podsUnder(ctx, w.obj)
	if err != nil {
		return history{}, nil, err
	}
	items, err := cl.list(ctx, revisions, metav1.ListOptions{LabelSelector: metav1.FormatLabelSelector(w.Spec.Selector)})
	if err != nil {
		return history{}, nil, err
	}
	d := &deployment{w.obj, &appsv1.Deployment{ObjectMeta: w.ObjectMeta}}
	d.Spec.Template = w.Spec.Template
	var sets []*replicaSet
	for i := range items {
		if !metav1.IsControlledBy(&items[i], w.obj) {
			continue
		}
		rs, err := asRevision(&items[i])
		if err != nil {
			return history{}, nil, err
		}
		rs.marked = marked(d, rs)
		for j := range pods {
			if rs.made(&pods[j]) {
				rs.pods = append(rs.pods, pods[j])
			}
		}
		sets = append(sets, rs)
	}
	slices.SortFunc(sets, func(a, b *replicaSet) int { return b.revision - a.revision })
	h := historyOf(d, sets)
	h.kind = w.kind
	return h, pods, nil
}

// asRevision reads a ControllerRevision. Its name holds the hash of its data, and
// its data is a strategic merge patch of the template alone; kubectl applies that
// patch, we take the template out of it.
func asRevision(obj *object) (*replicaSet, error) {
	cr, err := typed[appsv1.ControllerRevision](obj)
	if err != nil {
		return nil, err
	}
	template, ok := lookup(obj.Object, path{"data", "spec", "template"}).(map[string]any)
	if !ok {
		return nil, fmt.Errorf("controllerrevision %s holds no pod template", cr.Name)
	}
	template = runtime.DeepCopyJSON(template)
	delete(template, "$patch")
	rs := &appsv1.ReplicaSet{ObjectMeta: cr.ObjectMeta}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(template, &rs.Spec.Template); err != nil {
		return nil, fmt.Errorf("template of controllerrevision %s: %w", cr.Name, err)
	}
	whole := &object{Object: map[string]any{"spec": map[string]any{"template": template}}}
	return &replicaSet{obj: whole, ReplicaSet: rs, revision: int(cr.Revision), hash: cr.Name, digest: digest(template)}, nil
}

// digest identifies a template by all that it says.
func digest(template any) string {
	b, err := json.Marshal(template)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// made says whether a pod is of this revision. Pods of a StatefulSet carry the
// name of the revision, those of a DaemonSet its hash.
func (rs *replicaSet) made(p *corev1.Pod) bool {
	label := p.Labels[appsv1.ControllerRevisionHashLabelKey]
	return label != "" && (label == rs.Name || label == rs.Labels[appsv1.ControllerRevisionHashLabelKey])
}

// still finds the revision that Prepare chose. Its number may have changed; what
// it holds must not.
func (cl *Cluster) still(ctx context.Context, st undoState) error {
	if st.Digest == "" || st.Done != "" {
		return nil
	}
	obj, err := cl.find(ctx, revisions, st.Hash)
	if err != nil {
		return err
	}
	if obj == nil || string(obj.GetUID()) != st.UID {
		return nil // it was pruned meanwhile; the template is in the journal
	}
	rs, err := asRevision(obj)
	if err != nil {
		return err
	}
	if rs.digest != st.Digest {
		return actions.Conflict(prepareAgain, "controllerrevision %s holds another template than when it was chosen", st.Hash)
	}
	return nil
}

// brokenNotes tells of pods that hold up a StatefulSet which goes back: with
// ordered pods its controller goes on waiting for the broken one, although the
// template is right again (kubernetes.io, StatefulSets, "Forced rollback").
func brokenNotes(w *workload, h history) []string {
	if !w.kind.is(statefulSets) || w.onDelete() || h.current == nil || w.Spec.PodManagementPolicy == appsv1.ParallelPodManagement {
		return nil
	}
	var notes []string
	for i := range h.current.pods {
		if p := &h.current.pods[i]; exists(p) && !ready(p) {
			notes = append(notes, fmt.Sprintf("pod %s is of the template that is left and is not ready: a StatefulSet may wait for it for ever, remove it afterwards with k8s.delete_pods", p.Name))
		}
	}
	return notes
}
