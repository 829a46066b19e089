package k8s

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/schema"
)

type setImageIn struct {
	Deployment  string `json:"deployment,omitempty" doc:"name of a Deployment; one of deployment, statefulset and daemonset is needed"`
	StatefulSet string `json:"statefulset,omitempty" doc:"name of a StatefulSet"`
	DaemonSet   string `json:"daemonset,omitempty" doc:"name of a DaemonSet"`
	Container   string `json:"container,omitempty" doc:"name of the container; may be left out when there is only one"`
	Image       string `json:"image" doc:"image with a tag or a digest"`
}

type setImageState struct {
	Write     write    `json:"write"`
	Container string   `json:"container"`
	Previous  string   `json:"previous"`
	Paused    bool     `json:"paused"`
	Notes     []string `json:"notes,omitempty"`
}

type setImageOut struct {
	Changed   bool   `json:"changed" doc:"whether the image was changed"`
	Image     string `json:"image" doc:"image of the container now"`
	Previous  string `json:"previous" doc:"image of the container before"`
	Container string `json:"container" doc:"name of the container"`
}

type setImage struct{ family }

func setImageAction(f family) actions.Action {
	a := setImage{f}
	return actions.Define(actions.Def[setImageIn, setImageState, setImageOut]{
		Name:    "k8s.set_image",
		Summary: "Set the image of one container of a workload, which starts a rollout.",
		Effect:  actions.Change,
		Prepare: a.prepare, Preview: a.preview, Run: a.run, Probe: a.probe, Undo: a.undo,
		Differs: differs[setImageIn, setImageState](f),
		Examples: []actions.Example{
			{Title: "Deploy a version that is known to work", YAML: "uses: k8s.set_image\nwith: {deployment: app, container: app, image: \"myapp:1.4.2\"}"},
		},
	})
}

func (a setImage) prepare(ctx context.Context, c *actions.Call, in setImageIn) (setImageState, error) {
	if !pinned(in.Image) {
		return setImageState{}, actions.Invalid("write it like myapp:1.4.2 or myapp@sha256:...",
			"image %q has neither tag nor digest, so nobody knows which version it is", in.Image)
	}
	k, workloadName, err := pick(in.Deployment, in.StatefulSet, in.DaemonSet)
	if err != nil {
		return setImageState{}, err
	}
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return setImageState{}, err
	}
	d, err := cl.workload(ctx, k, workloadName)
	if err != nil {
		return setImageState{}, err
	}
	at, name, err := containerPath(d.obj.Object, in.Container)
	if err != nil {
		return setImageState{}, err
	}
	field := append(slices.Clip(at), "image")
	previous, _ := lookup(d.obj.Object, field).(string)
	w := newWrite(k, d.obj, []edit{{field, previous, in.Image}}, guard{append(slices.Clip(at), "name"), name})
	return setImageState{w, name, previous, d.Spec.Paused, d.strategyNotes()}, nil
}

// pinned says whether an image names a version. A colon before the last slash
// is that of a port.
func pinned(image string) bool {
	return strings.ContainsAny(image[strings.LastIndex(image, "/")+1:], ":@")
}

// containerPath finds a container of the pod template, init containers
// included. The name may be left out when there is only one.
func containerPath(d map[string]any, name string) (path, string, error) {
	var names []string
	for _, field := range []string{"containers", "initContainers"} {
		at := path{"spec", "template", "spec", field}
		list, _ := lookup(d, at).([]any)
		if name == "" && field == "containers" && len(list) == 1 {
			return append(at, "0"), nameOf(list[0]), nil
		}
		for i, item := range list {
			if nameOf(item) == name {
				return append(at, fmt.Sprint(i)), name, nil
			}
			names = append(names, nameOf(item))
		}
	}
	hint := schema.DidYouMean(name, names)
	if hint == "" {
		hint = "there are: " + strings.Join(names, ", ")
	}
	if name == "" {
		return nil, "", actions.Invalid(hint, "container must be named, there are %d", len(names))
	}
	return nil, "", actions.Invalid(hint, "no container %q in the pod template", name)
}

func (a setImage) preview(ctx context.Context, c *actions.Call, in setImageIn, st setImageState) (actions.Preview, error) {
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return actions.Preview{}, err
	}
	p, err := st.Write.preview(ctx, cl, c)
	if err != nil {
		return p, err
	}
	p.Summary = fmt.Sprintf("image of %s %s → %s", st.Container, st.Previous, in.Image)
	if st.Previous == in.Image {
		p.Summary = fmt.Sprintf("nothing to do: image of %s is %s", st.Container, in.Image)
	}
	if len(p.Changes) > 0 {
		p.Notes = append(pausedNote(p.Notes, st.Paused), st.Notes...)
	}
	return p, nil
}

func pausedNote(notes []string, paused bool) []string {
	if !paused {
		return notes
	}
	return append(notes, "the Deployment is paused: no pod is replaced before it is resumed")
}

func (a setImage) run(ctx context.Context, c *actions.Call, in setImageIn, st setImageState) (setImageOut, error) {
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return setImageOut{}, err
	}
	_, changed, err := st.Write.apply(ctx, cl, c)
	return setImageOut{changed, in.Image, st.Previous, st.Container}, err
}

func (a setImage) probe(ctx context.Context, c *actions.Call, in setImageIn, st setImageState) (actions.Verdict, setImageOut, error) {
	out := setImageOut{in.Image != st.Previous, in.Image, st.Previous, st.Container}
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return actions.Unknown, out, err
	}
	verdict, _, err := st.Write.probe(ctx, cl, c)
	return verdict, out, err
}

func (a setImage) undo(_ setImageIn, st setImageState, out setImageOut) ([]actions.Step, error) {
	if !out.Changed {
		return nil, nil
	}
	return st.Write.inverse(fmt.Sprintf("Set the image of %s back to %s", st.Write.Name, st.Previous)), nil
}
