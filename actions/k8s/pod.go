package k8s

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// serving says whether a pod is ready and will stay.
func serving(p *corev1.Pod) bool { return p.DeletionTimestamp == nil && ready(p) }

func ready(p *corev1.Pod) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// exists says whether a pod still holds anything: it runs, will run, or is
// being ended. A finished pod stays in the API as a record only.
func exists(p *corev1.Pod) bool {
	finished := p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
	return p.DeletionTimestamp != nil || !finished
}

func count(pods []corev1.Pod, is func(*corev1.Pod) bool) int {
	n := 0
	for i := range pods {
		if is(&pods[i]) {
			n++
		}
	}
	return n
}

func restarts(p *corev1.Pod) int {
	n := 0
	for _, s := range p.Status.ContainerStatuses {
		n += int(s.RestartCount)
	}
	return n
}

// reason says in the words of the cluster why a pod is not ready.
func reason(p *corev1.Pod) string {
	if p.DeletionTimestamp != nil {
		return "Terminating"
	}
	for _, list := range [][]corev1.ContainerStatus{p.Status.InitContainerStatuses, p.Status.ContainerStatuses} {
		for _, s := range list {
			if why := containerReason(s); why != "" {
				return why
			}
		}
	}
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return text(c.Reason, c.Message)
		}
	}
	if p.Status.Reason != "" {
		return p.Status.Reason
	}
	if p.Status.Phase == corev1.PodRunning {
		return "NotReady: readiness is not passed"
	}
	return string(p.Status.Phase)
}

func containerReason(s corev1.ContainerStatus) string {
	switch {
	case s.State.Waiting != nil && s.State.Waiting.Reason != "PodInitializing":
		return text(s.State.Waiting.Reason, lastExit(s))
	case s.State.Terminated != nil && s.State.Terminated.ExitCode != 0:
		return text(s.State.Terminated.Reason, fmt.Sprintf("exit code %d", s.State.Terminated.ExitCode))
	}
	return ""
}

func lastExit(s corev1.ContainerStatus) string {
	if t := s.LastTerminationState.Terminated; t != nil {
		return fmt.Sprintf("exit code %d", t.ExitCode)
	}
	return s.State.Waiting.Message
}

func text(reason, detail string) string {
	if detail == "" {
		return reason
	}
	return reason + ": " + detail
}
