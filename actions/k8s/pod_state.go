package k8s

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// podState is a pod as it is told among others.
type podState struct {
	Name     string `json:"name" doc:"name of the pod"`
	Node     string `json:"node" doc:"node that it runs on; empty while it has none"`
	Phase    string `json:"phase" doc:"phase: Pending, Running, Succeeded, Failed, Unknown"`
	Ready    bool   `json:"ready" doc:"whether it is ready and not being ended"`
	Cause    string `json:"cause" doc:"what keeps it from serving: unscheduled, image, config, crash, not_ready, starting, ending, failed; empty when nothing does"`
	Reason   string `json:"reason" doc:"the same in the words of the cluster"`
	Restarts int    `json:"restarts" doc:"number of restarts of its containers"`
	Age      int    `json:"age_s" doc:"seconds since it was made"`
	Image    string `json:"image" doc:"image of its first container"`
}

// containerState is a container of a pod.
type containerState struct {
	Name     string `json:"name" doc:"name of the container"`
	Image    string `json:"image" doc:"image that was asked for"`
	Init     bool   `json:"init" doc:"whether it runs before the others and ends"`
	Ready    bool   `json:"ready" doc:"whether it is ready"`
	State    string `json:"state" doc:"waiting, running or terminated; empty when nothing is known of it yet"`
	Reason   string `json:"reason" doc:"why it waits or ended, in the words of the cluster"`
	Restarts int    `json:"restarts" doc:"number of restarts"`

	LastReason string `json:"last_reason" doc:"how the run before ended: Error, OOMKilled, Completed; empty when there was none"`
	LastExit   *int   `json:"last_exit_code" doc:"exit code of the run before; unknown when there was none"`
	LastEnded  string `json:"last_ended" doc:"when the run before ended"`
}

// causes counts pods by what keeps them from serving.
type causes struct {
	Unscheduled int `json:"unscheduled" doc:"pods that no node takes"`
	Image       int `json:"image" doc:"pods whose image cannot be pulled"`
	Config      int `json:"config" doc:"pods whose container cannot be made: a config map, secret or command is missing"`
	Crash       int `json:"crash" doc:"pods whose container ended with an error within the last ten minutes, or waits to be started again"`
	NotReady    int `json:"not_ready" doc:"pods that run and do not pass their readiness probe"`
	Starting    int `json:"starting" doc:"pods that are being started"`
	Ending      int `json:"ending" doc:"pods that are being ended"`
	Failed      int `json:"failed" doc:"pods that are over: evicted, or ended with an error for good"`
}

func (n *causes) add(cause string) {
	switch cause {
	case "unscheduled":
		n.Unscheduled++
	case "image":
		n.Image++
	case "config":
		n.Config++
	case "crash":
		n.Crash++
	case "not_ready":
		n.NotReady++
	case "starting":
		n.Starting++
	case "ending":
		n.Ending++
	case "failed":
		n.Failed++
	}
}

// recently is how long ago a container may have ended with an error to count as
// one that crashes, although it runs now: between two crashes it looks well.
const recently = 10 * time.Minute

func stateOf(p *corev1.Pod, now time.Time) podState {
	st := podState{
		Name: p.Name, Node: p.Spec.NodeName, Phase: string(p.Status.Phase), Ready: serving(p), Restarts: restarts(p),
		Age: ago(now, p.CreationTimestamp.Time), Image: p.Spec.Containers[0].Image,
	}
	if st.Cause = causeOf(p, now); st.Cause == "" {
		return st
	}
	st.Reason = shorten(reason(p), mostMessage)
	if st.Cause == "crash" && st.Phase == string(corev1.PodRunning) {
		if last := lastFailure(p, now); last != "" {
			st.Reason = last
		}
	}
	return st
}

// causeOf sorts a pod by what keeps it from serving. A pod that is over and
// came out well needs no cause.
func causeOf(p *corev1.Pod, now time.Time) string {
	switch {
	case p.DeletionTimestamp != nil:
		return "ending"
	case p.Status.Phase == corev1.PodFailed:
		return "failed"
	case p.Status.Phase == corev1.PodSucceeded:
		return ""
	}
	for _, s := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
		if cause := waitCause(s); cause != "" {
			return cause
		}
	}
	switch {
	case lastFailure(p, now) != "":
		return "crash"
	case ready(p):
		return ""
	case p.Spec.NodeName == "":
		return "unscheduled"
	case p.Status.Phase == corev1.PodRunning:
		return "not_ready"
	}
	return "starting"
}

// waitCause reads the words that the kubelet has for a container that does not
// run.
func waitCause(s corev1.ContainerStatus) string {
	if t := s.State.Terminated; t != nil && t.ExitCode != 0 {
		return "crash"
	}
	if s.State.Waiting == nil {
		return ""
	}
	switch why := s.State.Waiting.Reason; {
	case why == "CrashLoopBackOff", why == "RunContainerError", why == "StartError":
		return "crash"
	case strings.Contains(why, "Image"), why == "RegistryUnavailable":
		return "image"
	case strings.HasPrefix(why, "CreateContainer"), why == "PreStartHookError":
		return "config"
	}
	return ""
}

// lastFailure says how a container that runs now ended a moment ago, or "".
func lastFailure(p *corev1.Pod, now time.Time) string {
	for _, s := range p.Status.ContainerStatuses {
		t := s.LastTerminationState.Terminated
		if t == nil || t.ExitCode == 0 || now.Sub(t.FinishedAt.Time) > recently {
			continue
		}
		return fmt.Sprintf("%s: exit code %d %ds ago, %d restarts", t.Reason, t.ExitCode, ago(now, t.FinishedAt.Time), s.RestartCount)
	}
	return ""
}

// pod describes one pod with its containers.
func (out *describeOut) pod(p *corev1.Pod) {
	out.Images = imagesOf(&p.Spec)
	st := stateOf(p, out.now)
	out.Pods, out.Restarts = []podState{st}, st.Restarts
	out.Causes.add(st.Cause)
	if st.Cause != "" {
		out.Problems = append(out.Problems, st.Reason)
	}
	for i, list := range [][]corev1.Container{p.Spec.InitContainers, p.Spec.Containers} {
		statuses := [][]corev1.ContainerStatus{p.Status.InitContainerStatuses, p.Status.ContainerStatuses}[i]
		for _, c := range list {
			out.Containers = append(out.Containers, containerOf(c, statuses, i == 0))
		}
	}
}

func containerOf(c corev1.Container, statuses []corev1.ContainerStatus, isInit bool) containerState {
	st := containerState{Name: c.Name, Image: c.Image, Init: isInit}
	for _, s := range statuses {
		if s.Name != c.Name {
			continue
		}
		st.Ready, st.Restarts = s.Ready, int(s.RestartCount)
		switch {
		case s.State.Waiting != nil:
			st.State, st.Reason = "waiting", shorten(text(s.State.Waiting.Reason, s.State.Waiting.Message), mostMessage)
		case s.State.Running != nil:
			st.State = "running"
		case s.State.Terminated != nil:
			t := s.State.Terminated
			st.State, st.Reason = "terminated", text(t.Reason, fmt.Sprintf("exit code %d", t.ExitCode))
		}
		if t := s.LastTerminationState.Terminated; t != nil {
			st.LastReason, st.LastExit, st.LastEnded = t.Reason, ptr(int(t.ExitCode)), stamp(t.FinishedAt.Time)
		}
	}
	return st
}
