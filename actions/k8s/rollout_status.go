package k8s

import (
	"context"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/runbackhq/runback/actions"
)

type statusIn struct {
	Deployment  string `json:"deployment,omitempty" doc:"name of a Deployment; one of deployment, statefulset and daemonset is needed"`
	StatefulSet string `json:"statefulset,omitempty" doc:"name of a StatefulSet"`
	DaemonSet   string `json:"daemonset,omitempty" doc:"name of a DaemonSet"`
}

type statusOut struct {
	Desired     int  `json:"desired" doc:"number of pods that are wanted"`
	Updated     *int `json:"updated" doc:"number of pods of the present template; unknown while the controller has not seen the last change, as are ready and available"`
	Ready       *int `json:"ready" doc:"number of ready pods"`
	Available   *int `json:"available" doc:"number of pods that are ready long enough"`
	Old         int  `json:"old" doc:"number of pods of older templates, those being ended included"`
	Unavailable *int `json:"unavailable" doc:"number of pods that are wanted and not available"`

	Complete  bool     `json:"complete" doc:"whether all wanted pods are of the present template and ready, and no older one is left; never at 0"`
	Settled   bool     `json:"settled" doc:"whether the controller has nothing left to do: complete, or as far as the partition of a StatefulSet or the strategy OnDelete lets it go; never at 0"`
	Paused    bool     `json:"paused" doc:"whether the rollout is paused"`
	Partition int      `json:"partition" doc:"ordinal below which pods of a StatefulSet keep the older template; 0 holds none back"`
	OnDelete  bool     `json:"on_delete" doc:"whether pods are replaced only when somebody removes them"`
	Progress  *float64 `json:"progress" doc:"share of the wanted pods that are of the present template and ready, 0 to 1; unknown when none is wanted"`

	Image    string `json:"image" doc:"image of the present template"`
	Hash     string `json:"hash" doc:"pod-template hash of the present template, of a StatefulSet or DaemonSet the name of its ControllerRevision; empty while there is none of it"`
	Revision *int   `json:"revision" doc:"revision of the present template"`

	PreviousImage  string `json:"previous_image" doc:"image that k8s.rollout_undo would go back to; empty when there is none"`
	PreviousHash   string `json:"previous_hash" doc:"pod-template hash of that revision"`
	PreviousProven bool   `json:"previous_proven" doc:"whether there is proof that it works"`
	RolledBack     bool   `json:"rolled_back" doc:"whether the present template is one that was rolled back to"`

	Unhealthy []unhealthyPod `json:"unhealthy" doc:"pods that are not ready, those being ended left out"`
	Reason    string         `json:"reason" doc:"why the rollout does not go on, in the words of the controller; empty when it does"`
}

type unhealthyPod struct {
	Pod      string `json:"pod" doc:"name of the pod"`
	Image    string `json:"image" doc:"image of its first container"`
	Ready    bool   `json:"ready" doc:"whether it is ready"`
	Restarts int    `json:"restarts" doc:"number of restarts of its containers"`
	Reason   string `json:"reason" doc:"why it is not ready"`
}

type rolloutStatus struct{ family }

func rolloutStatusAction(f family) actions.Action {
	return actions.Define(actions.Def[statusIn, struct{}, statusOut]{
		Name:    "k8s.rollout_status",
		Summary: "Tell how far a rollout is, which pods are not ready, and what it could be rolled back to.",
		Effect:  actions.Observe,
		Run:     rolloutStatus{f}.run,
		Tell:    tellStatus,
		Examples: []actions.Example{
			{Title: "Assess a rollout", YAML: "uses: k8s.rollout_status\nwith: {deployment: app}"},
			{Title: "Assess a StatefulSet", YAML: "uses: k8s.rollout_status\nwith: {statefulset: queue}"},
		},
	})
}

func (a rolloutStatus) run(ctx context.Context, c *actions.Call, in statusIn, _ struct{}) (statusOut, error) {
	k, name, err := pick(in.Deployment, in.StatefulSet, in.DaemonSet)
	if err != nil {
		return statusOut{}, err
	}
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return statusOut{}, err
	}
	w, err := cl.workload(ctx, k, name)
	if err != nil {
		return statusOut{}, err
	}
	h, pods, err := cl.historyOf(ctx, w)
	if err != nil {
		return statusOut{}, err
	}
	out := statusOut{
		Desired: w.desired(), Old: count(pods, exists), Paused: w.Spec.Paused, Partition: w.partition(), OnDelete: w.onDelete(),
		Image: image(&w.Spec.Template, nil), RolledBack: h.rolledBack(),
		Unhealthy: unhealthy(pods), Reason: stuck(w),
	}
	if w.current() {
		out.Updated, out.Ready = ptr(w.updated()), ptr(w.ready())
		out.Available, out.Unavailable = ptr(w.available()), ptr(max(0, w.desired()-w.available()))
	}
	out.describeCurrent(w, h.current)
	out.Settled = out.Complete || w.asFarAsItGoes(pods, h.current)
	out.describePrevious(h)
	return out, nil
}

func (out *statusOut) describeCurrent(w *workload, now *replicaSet) {
	newReady := 0
	if now != nil {
		newReady = now.ready()
		out.Old -= count(now.pods, exists)
		out.Hash, out.Revision = now.hash, ptr(now.revision)
	}
	if w.desired() > 0 {
		out.Progress = ptr(min(float64(newReady)/float64(w.desired()), 1))
	}
	out.Complete = w.current() && w.desired() > 0 && newReady >= w.desired() && out.Old == 0
}

// describePrevious tells what an undo without further words would go back to.
func (out *statusOut) describePrevious(h history) {
	target, _, err := h.previous(true)
	if err != nil || target == nil {
		return
	}
	out.PreviousImage = image(&target.Spec.Template, &h.d.Spec.Template)
	out.PreviousHash, out.PreviousProven = target.hash, target.proven()
}

func unhealthy(pods []corev1.Pod) []unhealthyPod {
	out := []unhealthyPod{}
	for i := range pods {
		p := &pods[i]
		if ready(p) || p.DeletionTimestamp != nil || !exists(p) {
			continue
		}
		out = append(out, unhealthyPod{p.Name, p.Spec.Containers[0].Image, false, restarts(p), reason(p)})
	}
	return out
}

// stuck gives the words of the controller when it says that it cannot go on.
// That is all it does about it: a rollout past its deadline stays as it is.
// Controllers of other kinds than a Deployment say nothing; their strategy does.
func stuck(w *workload) string {
	if !w.kind.is(deployments) {
		return strings.Join(w.strategyNotes(), "; ")
	}
	d, err := asDeployment(w.obj)
	if err != nil {
		return err.Error()
	}
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue ||
			c.Type == appsv1.DeploymentProgressing && c.Status == corev1.ConditionFalse {
			return text(c.Reason, c.Message)
		}
	}
	return ""
}
