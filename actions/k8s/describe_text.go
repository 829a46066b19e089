package k8s

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// references notes config maps and secrets that pods need and that are gone.
// What may not be read is no problem that is seen, so it is left out.
func (out *describeOut) references(ctx context.Context, cl *Cluster, spec *corev1.PodSpec) error {
	for _, ref := range references(spec) {
		kind, name, _ := strings.Cut(ref, "/")
		var err error
		if kind == "configmap" {
			_, err = cl.API.ConfigMaps(cl.Namespace).Get(ctx, name)
		} else {
			_, err = cl.API.Secrets(cl.Namespace).Get(ctx, name)
		}
		switch {
		case apierrors.IsNotFound(err):
			out.Missing = append(out.Missing, ref)
			out.Problems = append(out.Problems, ref+" is needed and is not there")
		case apierrors.IsForbidden(err):
			out.Problems = append(out.Problems, ref+" is needed and may not be read, so it was not checked")
		case err != nil:
			return explain(ctx, err, "reading "+ref)
		}
	}
	return nil
}

// judgeWorkload says what is wrong with a workload. A condition that once was
// true says little of now (Progressing keeps NewReplicaSetAvailable when pods
// fail later), so the numbers of the pods are what counts.
func (out *describeOut) judgeWorkload() {
	if out.Paused {
		out.Problems = append(out.Problems, "its rollout is paused, so nothing of it goes on")
	}
	if r := out.Replicas; r != nil {
		switch {
		case r.Desired == 0:
			out.Problems = append(out.Problems, "it is scaled to 0: conditions say that it is available, and nobody serves")
		case r.Ready < r.Desired:
			out.Problems = append(out.Problems, fmt.Sprintf("%d of %d pods are ready", r.Ready, r.Desired))
		}
		if r.Updated < r.Desired || r.Current > r.Updated {
			out.Problems = append(out.Problems, fmt.Sprintf("the rollout is not over: %d of %d pods are of the present template, %d are older", r.Updated, r.Desired, r.Current-r.Updated))
		}
	}
	for _, c := range out.Conditions {
		if c.Type == "Progressing" && c.Status == "False" || c.Type == "ReplicaFailure" && c.Status == "True" {
			out.Problems = append(out.Problems, text(c.Reason, c.Message))
		}
	}
	for _, p := range out.Pods {
		if p.Cause != "" && p.Cause != "ending" && p.Cause != "starting" {
			out.Problems = append(out.Problems, fmt.Sprintf("pod %s: %s", p.Name, p.Reason))
		}
	}
}

// finish keeps the bounds and writes the text.
func (out *describeOut) finish() {
	if len(out.Problems) > mostDescribed {
		out.Problems = append(out.Problems[:mostDescribed], "there are more")
	}
	out.Events = out.Events[:min(len(out.Events), mostDescribed)]
	if out.Events == nil {
		out.Events = []event{}
	}
	if out.Found {
		out.Text = shorten(out.write(), mostText)
	}
}

func (out *describeOut) write() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%s/%s, made %s", out.Kind, out.Name, out.Created)
	if out.Owner != "" {
		line("  made by %s", out.Owner)
	}
	if r := out.Replicas; r != nil {
		line("  pods: %d wanted, %d there, %d updated, %d ready, %d available", r.Desired, r.Current, r.Updated, r.Ready, r.Available)
	}
	for _, image := range out.Images {
		line("  image %s", image)
	}
	for _, p := range out.Problems {
		line("  PROBLEM %s", p)
	}
	for _, c := range out.Conditions {
		line("  condition %s is %s since %s: %s", c.Type, c.Status, c.Since, text(c.Reason, c.Message))
	}
	for _, c := range out.Containers {
		line("  container %s: %s %s, %d restarts%s", c.Name, c.State, c.Reason, c.Restarts, c.lastRun())
	}
	for _, p := range out.Pods {
		line("  pod %s on %s: %s, ready %t, %d restarts %s", p.Name, p.Node, p.Phase, p.Ready, p.Restarts, p.Reason)
	}
	for _, e := range out.Events {
		line("  event %ds ago ×%d %s %s: %s", e.Age, e.Count, e.Object, e.Reason, e.Message)
	}
	if len(out.Events) == 0 {
		line("  no events; they are kept for an hour only")
	}
	return b.String()
}

func (c containerState) lastRun() string {
	if c.LastExit == nil {
		return ""
	}
	return fmt.Sprintf(", before that %s with exit code %d at %s", c.LastReason, *c.LastExit, c.LastEnded)
}

func tellDescribe(o describeOut) string {
	switch {
	case !o.Found:
		return "there is none"
	case len(o.Problems) == 0 && o.Replicas != nil:
		return fmt.Sprintf("%d of %d pods are ready, nothing is seen to be wrong", o.Replicas.Ready, o.Replicas.Desired)
	case len(o.Problems) == 0:
		return "nothing is seen to be wrong"
	}
	const most = 3
	said := strings.Join(o.Problems[:min(len(o.Problems), most)], "; ")
	if n := len(o.Problems) - most; n > 0 {
		said += fmt.Sprintf("; and %d more", n)
	}
	return said
}
