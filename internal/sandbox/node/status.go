package node

import (
	"context"
	"encoding/json"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
)

const statusTimeout = 10 * time.Second

// writeStatus reports whether the API server now knows the pod's status, or
// will never need to. It patches only what changed, so that labels and
// conditions of others stay as they are.
func (p *pod) writeStatus(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	p.mu.Lock()
	obj, old := p.obj, p.written
	p.mu.Unlock()
	next := p.status(obj, old)
	patch, err := statusPatch(p.uid, old, next)
	if err != nil {
		p.host.log.Error("cannot make status patch", "pod", p.name, "reason", err.Error())
		return true
	}
	if patch != nil {
		_, err = p.host.client.CoreV1().Pods(p.namespace).Patch(ctx, p.name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	}
	switch {
	case err == nil:
		p.mu.Lock()
		p.written = next
		p.mu.Unlock()
		return true
	case apierrors.IsNotFound(err) || apierrors.IsConflict(err):
		return true // gone, or another pod by now; the informer will tell
	default:
		p.host.log.Warn("cannot write status", "pod", p.name, "reason", err.Error())
		return false
	}
}

// statusPatch is nil when nothing changed. The UID in it makes the API server
// refuse the patch when a new pod took the name.
func statusPatch(uid types.UID, old, next corev1.PodStatus) ([]byte, error) {
	if equality.Semantic.DeepEqual(old, next) {
		return nil, nil
	}
	before, err := json.Marshal(corev1.Pod{Status: old})
	if err != nil {
		return nil, err
	}
	after, err := json.Marshal(corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: uid}, Status: next})
	if err != nil {
		return nil, err
	}
	return strategicpatch.CreateTwoWayMergePatch(before, after, corev1.Pod{})
}

func (p *pod) status(obj *corev1.Pod, old corev1.PodStatus) corev1.PodStatus {
	s := *old.DeepCopy()
	s.ObservedGeneration = obj.Generation
	s.HostIP = "127.0.0.1"
	s.HostIPs = []corev1.HostIP{{IP: s.HostIP}}
	s.PodIP = p.ip
	s.PodIPs = []corev1.PodIP{{IP: p.ip}}
	s.QOSClass = obj.Status.QOSClass
	if s.StartTime == nil {
		now := metav1.Now()
		s.StartTime = &now
	}
	s.ContainerStatuses = nil
	for _, c := range p.containers {
		s.ContainerStatuses = append(s.ContainerStatuses, c.status())
	}
	s.Phase = phase(obj.Spec.RestartPolicy, s.ContainerStatuses, p.stopping.isClosed())
	setConditions(obj, &s)
	return s
}

// phase follows the rules of a kubelet.
func phase(policy corev1.RestartPolicy, containers []corev1.ContainerStatus, stopping bool) corev1.PodPhase {
	var running, waiting, succeeded, failed int
	for _, c := range containers {
		switch {
		case c.State.Running != nil:
			running++
		case c.State.Terminated != nil && c.State.Terminated.ExitCode == 0:
			succeeded++
		case c.State.Terminated != nil:
			failed++
		case c.LastTerminationState.Terminated != nil:
			running++ // between two tries
		default:
			waiting++
		}
	}
	switch {
	case waiting > 0:
		return corev1.PodPending
	case running > 0:
		return corev1.PodRunning
	case stopping && failed > 0, policy != corev1.RestartPolicyAlways && failed > 0:
		return corev1.PodFailed
	case stopping, policy != corev1.RestartPolicyAlways:
		return corev1.PodSucceeded
	default:
		return corev1.PodRunning
	}
}

func setConditions(obj *corev1.Pod, s *corev1.PodStatus) {
	ready, reason := true, ""
	for _, c := range s.ContainerStatuses {
		if !c.Ready {
			ready, reason = false, "ContainersNotReady"
		}
	}
	if s.Phase == corev1.PodSucceeded {
		reason = "PodCompleted"
	}
	setCondition(s, obj.Generation, corev1.PodReadyToStartContainers, true, "")
	setCondition(s, obj.Generation, corev1.PodInitialized, true, "")
	setCondition(s, obj.Generation, corev1.ContainersReady, ready, reason)
	for _, gate := range obj.Spec.ReadinessGates {
		if !conditionTrue(obj.Status.Conditions, gate.ConditionType) && ready {
			ready, reason = false, "ReadinessGatesNotReady"
		}
	}
	setCondition(s, obj.Generation, corev1.PodReady, ready, reason)
}

func conditionTrue(all []corev1.PodCondition, kind corev1.PodConditionType) bool {
	for _, c := range all {
		if c.Type == kind {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// setCondition keeps the time of the last transition when nothing changed:
// others measure availability by it.
func setCondition(s *corev1.PodStatus, generation int64, kind corev1.PodConditionType, value bool, reason string) {
	status := corev1.ConditionFalse
	if value {
		status = corev1.ConditionTrue
	}
	next := corev1.PodCondition{
		Type: kind, Status: status, Reason: reason, LastTransitionTime: metav1.Now(), ObservedGeneration: generation,
	}
	for i, c := range s.Conditions {
		if c.Type != kind {
			continue
		}
		if c.Status == status {
			next.LastTransitionTime = c.LastTransitionTime
		}
		s.Conditions[i] = next
		return
	}
	s.Conditions = append(s.Conditions, next)
}
