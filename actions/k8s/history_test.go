package k8s

import (
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/runbackhq/runback/actions"
)

// rev is a revision of a Deployment under test; its hash is h and the number.
func rev(n int, image string, how ...string) *replicaSet {
	hash := "h" + strings.TrimPrefix(image, "app:")
	rs := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{
		Name: "app-" + hash, CreationTimestamp: metav1.NewTime(time.Unix(int64(n), 0)), Annotations: map[string]string{},
		Labels: map[string]string{appsv1.DefaultDeploymentUniqueLabelKey: hash},
	}}
	rs.Spec.Template = templateOf(image)
	rs.Spec.Template.Labels = map[string]string{"app": "app", appsv1.DefaultDeploymentUniqueLabelKey: hash}
	out := &replicaSet{ReplicaSet: rs, revision: n, hash: hash}
	for _, h := range how {
		switch h {
		case "marked":
			rs.Annotations[knownGood] = "true"
			out.marked = true
		case "ready":
			out.pods = append(out.pods, corev1.Pod{Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}})
		case "ending":
			now := metav1.Now()
			out.pods = append(out.pods, corev1.Pod{ObjectMeta: metav1.ObjectMeta{DeletionTimestamp: &now}, Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}})
		}
	}
	return out
}

func templateOf(image string) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "app"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: image}}},
	}
}

func TestChoice(t *testing.T) {
	for name, c := range map[string]struct {
		sets        []*replicaSet // newest first
		image       string
		annotations map[string]string
		in          undoIn
		want        string // image, "done: ...", or the kind of the error and words
	}{
		"newest other": {
			sets: []*replicaSet{rev(3, "app:3", "ready"), rev(2, "app:2", "marked"), rev(1, "app:1", "marked")}, image: "app:3", want: "app:2"},
		"ready pods of a rollout that never completed are no proof": {
			sets: []*replicaSet{rev(3, "app:3"), rev(2, "app:2", "ready"), rev(1, "app:1", "ready", "marked")}, image: "app:3", want: "refused: --set revision=1"},
		"ready pods are proof": {
			sets: []*replicaSet{rev(2, "app:2"), rev(1, "app:1", "ready")}, image: "app:2", want: "app:1"},
		"pods that end are none": {
			sets: []*replicaSet{rev(2, "app:2"), rev(1, "app:1", "ending")}, image: "app:2", want: "refused: no earlier revision is proven"},
		"unproven": {
			sets: []*replicaSet{rev(3, "app:3"), rev(2, "app:2"), rev(1, "app:1", "marked")}, image: "app:3", want: "refused: --set revision=1"},
		"unproven allowed": {
			sets: []*replicaSet{rev(3, "app:3"), rev(2, "app:2"), rev(1, "app:1", "marked")}, image: "app:3", in: undoIn{AllowUnproven: true}, want: "app:2"},
		"failed ones are passed over": {
			sets: []*replicaSet{rev(3, "app:3"), rev(2, "app:2", "marked"), rev(1, "app:1", "marked")}, image: "app:3",
			annotations: map[string]string{failedTemplates: "hx, h2"}, want: "app:1"},
		"all failed": {
			sets: []*replicaSet{rev(2, "app:2"), rev(1, "app:1", "marked")}, image: "app:2",
			annotations: map[string]string{failedTemplates: "h1"}, want: "refused: no earlier revision that was not rolled back from"},
		"rolled back already": {
			sets: []*replicaSet{rev(3, "app:1", "ready"), rev(2, "app:2", "marked")}, image: "app:1",
			annotations: map[string]string{rolledBackTo: "h1", rolledBackFrom: "h2", failedTemplates: "h2"}, want: "done: already rolled back to revision 3 (app:1) from h2"},
		"deployed anew since": {
			sets: []*replicaSet{rev(4, "app:3"), rev(3, "app:1", "ready"), rev(2, "app:2", "marked")}, image: "app:3",
			annotations: map[string]string{rolledBackTo: "h1", failedTemplates: "h2"}, want: "app:1"},
		"template not seen yet": {
			sets: []*replicaSet{rev(1, "app:1", "ready")}, image: "app:2", want: "app:1"},
		"by revision": {
			sets: []*replicaSet{rev(3, "app:3"), rev(2, "app:2"), rev(1, "app:1")}, image: "app:3", in: undoIn{Revision: 1}, want: "app:1"},
		"by revision, even a failed one": {
			sets: []*replicaSet{rev(3, "app:3"), rev(2, "app:2")}, image: "app:3", in: undoIn{Revision: 2},
			annotations: map[string]string{failedTemplates: "h2"}, want: "app:2"},
		"by image": {
			sets: []*replicaSet{rev(3, "app:3"), rev(2, "app:2"), rev(1, "app:1")}, image: "app:3", in: undoIn{Image: "app:1"}, want: "app:1"},
		"the image that runs": {
			sets: []*replicaSet{rev(3, "app:3")}, image: "app:3", in: undoIn{Image: "app:3"}, want: "done: image \"app:3\" is what runs already"},
		"no such revision": {
			sets: []*replicaSet{rev(3, "app:3"), rev(2, "app:2", "marked")}, image: "app:3", in: undoIn{Revision: 9}, want: "invalid: revision 2 (app:2), marked"},
	} {
		t.Run(name, func(t *testing.T) {
			d := &deployment{Deployment: &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "app", Annotations: c.annotations}}}
			d.Spec.Template = templateOf(c.image)
			target, done, err := historyOf(d, c.sets).choose(c.in, "key")
			var got string
			switch {
			case err != nil:
				got = actions.KindOf(err).String() + ": " + err.Error() + " " + actions.HintOf(err)
			case done != "":
				got = "done: " + done
			default:
				got = target.Spec.Template.Spec.Containers[0].Image
			}
			kind, words, _ := strings.Cut(c.want, ": ")
			if !strings.HasPrefix(got, kind) || !strings.Contains(got, words) {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestFailedTemplatesAreBounded(t *testing.T) {
	d := &deployment{Deployment: &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{failedTemplates: "a,b,c,d,e,f,g,h,i,j"}}}}
	h := historyOf(d, nil)
	if got := strings.Join(h.failedAfter("to", "z"), ","); got != "b,c,d,e,f,g,h,i,j,z" {
		t.Errorf("list is %s", got)
	}
	if got := strings.Join(h.failedAfter("c", "a"), ","); got != "b,d,e,f,g,h,i,j,a" {
		t.Errorf("list is %s", got)
	}
	if got := h.failedAfter("c", ""); len(got) != 9 {
		t.Errorf("list is %v", got)
	}
}

func TestReferences(t *testing.T) {
	yes := true
	ref := func(name string) corev1.LocalObjectReference { return corev1.LocalObjectReference{Name: name} }
	spec := &corev1.PodSpec{
		InitContainers: []corev1.Container{{EnvFrom: []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: ref("init")}}}}},
		Containers: []corev1.Container{{
			Env: []corev1.EnvVar{
				{ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: ref("env")}}},
				{ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: ref("key"), Optional: &yes}}},
			}}},
		Volumes: []corev1.Volume{
			{VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "tls"}}},
			{VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: ref("files")}}},
			{VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
				{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: ref("ca")}}}}}},
		},
	}
	if got := strings.Join(references(spec), " "); got != "configmap/ca configmap/env configmap/files secret/init secret/tls" {
		t.Errorf("references: %s", got)
	}
}
