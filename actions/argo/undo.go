package argo

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/kube"
)

type undoIn struct {
	Rollout string `json:"rollout" doc:"name of the Rollout"`
	Hash    string `json:"hash,omitempty" doc:"pod-template hash of the version to go back to, of a ReplicaSet that exists; empty means the stable version"`
}

type undoState struct {
	Write     kube.Write `json:"write"`
	Done      string     `json:"done,omitempty"`
	Namespace string     `json:"namespace"`
	Hash      string     `json:"hash"`
	UID       string     `json:"uid"` // of the ReplicaSet
	Image     string     `json:"image"`
	From      string     `json:"from"`
	Aborted   bool       `json:"aborted"`
	Fast      bool       `json:"fast"` // back to stable in the middle of an update
}

type undoOut struct {
	Changed   bool   `json:"changed" doc:"whether the template was changed"`
	Hash      string `json:"hash" doc:"pod-template hash of the version gone back to"`
	Image     string `json:"image" doc:"its image"`
	FromImage string `json:"from_image" doc:"image of the template before"`
}

type undo struct{ family }

func undoAction(f family) actions.Action {
	a := undo{f}
	return actions.Define(actions.Def[undoIn, undoState, undoOut]{
		Name:    "argo.undo",
		Summary: "Put the template of a Rollout back to that of its stable version, or of a version that is named by its hash.",
		Effect:  actions.Change,
		Prepare: a.prepare, Preview: a.preview, Run: a.run, Probe: a.probe,
		Undo: func(_ undoIn, st undoState, out undoOut) ([]actions.Step, error) {
			if !out.Changed {
				return nil, nil
			}
			return st.Write.Back, nil
		},
		Settles: func(in undoIn, st undoState) []string {
			if !st.Write.Changes {
				return nil
			}
			return []string{abortedKey(st.Namespace, in.Rollout)}
		},
		Differs: func(ctx context.Context, c *actions.Call, _ undoIn, st undoState) ([]actions.FieldChange, error) {
			if st.Done != "" {
				return nil, nil
			}
			cl, err := f.cluster(ctx, c)
			if err != nil {
				return nil, err
			}
			return cl.Differs(ctx, st.Write)
		},
		Examples: []actions.Example{{Title: "Put the template back to the stable version", YAML: "uses: argo.undo\nwith: {rollout: app}"}},
	})
}

func (a undo) prepare(ctx context.Context, c *actions.Call, in undoIn) (undoState, error) {
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return undoState{}, err
	}
	r, err := read(ctx, cl, in.Rollout)
	if err != nil {
		return undoState{}, err
	}
	if ref := kube.Text(r.obj, "spec", "workloadRef", "name"); ref != "" {
		return undoState{}, actions.Refuse("put that back: k8s.rollout_undo with {deployment: "+ref+"}", "rollout %s takes its template from %s", in.Rollout, ref)
	}
	hash := in.Hash
	if hash == "" {
		if hash = r.stable(); hash == "" {
			return undoState{}, actions.Refuse("wait until it was rolled out once", "rollout %s has no stable version", in.Rollout)
		}
	}
	set := r.set(hash)
	if set == nil {
		return undoState{}, actions.Invalid("there are: "+r.list(), "rollout %s has no ReplicaSet with the hash %q", in.Rollout, hash)
	}
	template, err := templateOf(set)
	if err != nil {
		return undoState{}, err
	}
	st := undoState{Hash: hash, UID: string(set.GetUID()), Image: imageOf(set), From: imageOf(r.obj), Namespace: r.obj.GetNamespace(),
		Aborted: r.aborted(), Fast: r.progressing() && hash == r.stable()}
	if reflect.DeepEqual(template, kube.At(r.obj, "spec", "template")) || r.seen() && r.current() == hash {
		st.Done = "the template is that of " + hash + " already"
		return st, nil
	}
	st.Write, err = cl.Prepare(ctx, kube.Change{Kind: rollouts(), Object: r.obj, Back: fmt.Sprintf("Put the template of %s back to %s", in.Rollout, st.From),
		Edits:  []kube.Edit{{Path: []string{"spec", "template"}, Value: template}},
		Relies: [][]string{{"status", "stableRS"}}})
	return st, err
}

// templateOf gives the template of a ReplicaSet without the label that the
// controller adds. The fields that the API server fills in for a ReplicaSet, and
// not for a custom resource, are written out in it; they make no other version,
// for the controller fills them in before it compares
// (argo-rollouts, utils/replicaset, PodTemplateEqualIgnoreHash).
func templateOf(set *kube.Object) (map[string]any, error) {
	template, ok := kube.At(set, "spec", "template").(map[string]any)
	if !ok {
		return nil, fmt.Errorf("replicaset %s has no template", set.GetName())
	}
	template = runtime.DeepCopyJSON(template)
	if meta, ok := template["metadata"].(map[string]any); ok {
		delete(meta, "creationTimestamp")
		if labels, ok := meta["labels"].(map[string]any); ok {
			delete(labels, hashLabel)
		}
	}
	return template, nil
}

func (r *rollout) list() string {
	var all []string
	for i := range r.sets {
		hash := r.sets[i].GetLabels()[hashLabel]
		line := hash + " (" + imageOf(&r.sets[i]) + ")"
		if hash == r.stable() {
			line += ", stable"
		}
		all = append(all, line)
	}
	return strings.Join(all, "; ")
}

func (a undo) preview(ctx context.Context, c *actions.Call, in undoIn, st undoState) (actions.Preview, error) {
	if st.Done != "" {
		return actions.Preview{Label: actions.Exact, Object: "rollout/" + in.Rollout, Summary: "nothing to do: " + st.Done}, nil
	}
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return actions.Preview{}, err
	}
	p, err := cl.Preview(ctx, c, st.Write)
	if err != nil {
		return p, err
	}
	if len(p.Changes) > 0 {
		p.Summary = fmt.Sprintf("template of %s: %s → %s", st.Hash, st.From, st.Image)
	}
	switch {
	case !st.Fast:
		p.Notes = append(p.Notes, "it is no longer the stable version: all steps and analyses run once more, unless rollbackWindow says otherwise")
	case !st.Aborted:
		p.Notes = append(p.Notes, "the update is under way and not aborted now: unless argo.abort comes before, which waits for that, traffic may go to a stable version that is too small for it")
	default:
		p.Notes = append(p.Notes, "it is the stable version: the controller skips the steps")
	}
	return p, nil
}

func (a undo) run(ctx context.Context, c *actions.Call, _ undoIn, st undoState) (undoOut, error) {
	out := undoOut{Hash: st.Hash, Image: st.Image, FromImage: st.From}
	if st.Done != "" {
		return out, nil
	}
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return out, err
	}
	out.Changed, err = cl.Apply(ctx, c, st.Write)
	return out, err
}

func (a undo) probe(ctx context.Context, c *actions.Call, _ undoIn, st undoState) (actions.Verdict, undoOut, error) {
	out := undoOut{Changed: st.Done == "", Hash: st.Hash, Image: st.Image, FromImage: st.From}
	if st.Done != "" {
		return actions.Applied, out, nil
	}
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return actions.Unknown, out, err
	}
	verdict, err := cl.Probe(ctx, c, st.Write)
	return verdict, out, err
}
