package k8s

import (
	"context"
	"strings"

	"github.com/runbackhq/runback/actions"
)

type restartIn struct {
	Deployment  string `json:"deployment,omitempty" doc:"name of a Deployment; one of deployment, statefulset and daemonset is needed"`
	StatefulSet string `json:"statefulset,omitempty" doc:"name of a StatefulSet"`
	DaemonSet   string `json:"daemonset,omitempty" doc:"name of a DaemonSet"`
}

type restartOut struct {
	Changed bool `json:"changed" doc:"whether a restart was started; it was not when this step had done it already"`
}

type restart struct{ family }

func restartAction(f family) actions.Action {
	a := restart{f}
	return actions.Define(actions.Def[restartIn, write, restartOut]{
		Name:    "k8s.restart",
		Summary: "Replace all pods of a workload, a few at a time, by new ones of the same template.",
		Effect:  actions.Change,
		Prepare: a.prepare, Preview: a.preview, Run: a.run, Probe: a.probe,
		Differs: differs[restartIn, write](f),
		NoUndo:  "pods that were replaced do not come back; the new ones are of the same template",
		Examples: []actions.Example{
			{Title: "Restart an application", YAML: "uses: k8s.restart\nwith: {deployment: app}"},
			{Title: "Restart what runs on every node", YAML: "uses: k8s.restart\nwith: {daemonset: agent}"},
		},
	})
}

// prepare marks the template with the key of the step and not with a time, so
// that doing the step again is not a second restart.
func (a restart) prepare(ctx context.Context, c *actions.Call, in restartIn) (write, error) {
	k, name, err := pick(in.Deployment, in.StatefulSet, in.DaemonSet)
	if err != nil {
		return write{}, err
	}
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return write{}, err
	}
	d, err := cl.workload(ctx, k, name)
	if err != nil {
		return write{}, err
	}
	if d.Spec.Paused {
		return write{}, actions.Refuse("resume it first, if its template is the right one: k8s.rollout_resume",
			"deployment %s is paused, and nothing restarts until it is resumed", name)
	}
	if d.onDelete() || d.partition() > 0 {
		return write{}, actions.Refuse("remove the pods that shall be made anew: k8s.delete_pods",
			"%s would not replace all its pods: %s", d.label(), strings.Join(d.strategyNotes(), "; "))
	}
	at := path{"spec", "template", "metadata", "annotations", restartedBy}
	e := edit{at, lookup(d.obj.Object, at), c.Key}
	return newWrite(k, d.obj, []edit{e}, append(d.strategyGuards(), guard{path{"spec", "paused"}, nil})...), nil
}

func (a restart) preview(ctx context.Context, c *actions.Call, _ restartIn, w write) (actions.Preview, error) {
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return actions.Preview{}, err
	}
	p, err := w.preview(ctx, cl, c)
	if err == nil && len(p.Changes) > 0 {
		p.Summary = "replaces all pods by new ones of the same template"
	}
	return p, err
}

func (a restart) run(ctx context.Context, c *actions.Call, _ restartIn, w write) (restartOut, error) {
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return restartOut{}, err
	}
	_, changed, err := w.apply(ctx, cl, c)
	return restartOut{changed}, err
}

func (a restart) probe(ctx context.Context, c *actions.Call, _ restartIn, w write) (actions.Verdict, restartOut, error) {
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return actions.Unknown, restartOut{}, err
	}
	verdict, _, err := w.probe(ctx, cl, c)
	return verdict, restartOut{verdict == actions.Applied}, err
}
