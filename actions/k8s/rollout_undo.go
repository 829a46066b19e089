package k8s

import (
	"cmp"
	"context"
	"fmt"

	"github.com/runbackhq/runback/actions"
)

type undoIn struct {
	Deployment    string `json:"deployment,omitempty" doc:"name of a Deployment; one of deployment, statefulset and daemonset is needed"`
	StatefulSet   string `json:"statefulset,omitempty" doc:"name of a StatefulSet"`
	DaemonSet     string `json:"daemonset,omitempty" doc:"name of a DaemonSet"`
	Revision      int    `json:"revision,omitempty" minimum:"0" doc:"revision to go back to; 0, and no image, means the newest other one that was not rolled back from and is proven"`
	Image         string `json:"image,omitempty" doc:"image to go back to, of a revision that exists"`
	AllowUnproven bool   `json:"allow_unproven" default:"false" doc:"whether to go back to a revision without proof that it works: a ready pod, or the mark of the pipeline"`
}

type undoState struct {
	Write    write    `json:"write"`
	Done     string   `json:"done,omitempty"` // why there is nothing to do
	Hash     string   `json:"hash"`
	FromHash string   `json:"from_hash"`
	UID      string   `json:"uid,omitempty"`    // of the ReplicaSet or ControllerRevision that is gone back to
	Digest   string   `json:"digest,omitempty"` // of the template in a ControllerRevision
	Revision int      `json:"revision"`
	Image    string   `json:"image"`
	From     string   `json:"from_image"`
	Proof    string   `json:"proof,omitempty"`
	Paused   bool     `json:"paused,omitempty"`
	Notes    []string `json:"notes,omitempty"`
}

type undoOut struct {
	Changed   bool   `json:"changed" doc:"whether the template was changed"`
	Image     string `json:"image" doc:"image of the template gone back to"`
	FromImage string `json:"from_image" doc:"image of the template before"`
	Hash      string `json:"hash" doc:"pod-template hash of the template gone back to; of a StatefulSet or DaemonSet the name of its ControllerRevision"`
	FromHash  string `json:"from_hash" doc:"the same of the template before"`
	Revision  int    `json:"revision" doc:"number that the revision had; Kubernetes gives it a new one when it is used again"`
}

type rolloutUndo struct{ family }

func rolloutUndoAction(f family) actions.Action {
	a := rolloutUndo{f}
	return actions.Define(actions.Def[undoIn, undoState, undoOut]{
		Name:    "k8s.rollout_undo",
		Summary: "Put a workload back to an earlier pod template that is known to work; k8s.wait waits for the pods.",
		Effect:  actions.Change,
		Prepare: a.prepare, Preview: a.preview, Run: a.run, Probe: a.probe, Undo: a.undo,
		Differs: differs[undoIn, undoState](f),
		Examples: []actions.Example{
			{Title: "Go back to the last version that worked", YAML: "uses: k8s.rollout_undo\nwith: {deployment: app}"},
			{Title: "Go back to a certain image", YAML: "uses: k8s.rollout_undo\nwith: {deployment: app, image: \"myapp:1.4.2\"}"},
			{Title: "Put a StatefulSet back", YAML: "uses: k8s.rollout_undo\nwith: {statefulset: queue}"},
		},
	})
}

func (a rolloutUndo) prepare(ctx context.Context, c *actions.Call, in undoIn) (undoState, error) {
	if in.Revision > 0 && in.Image != "" {
		return undoState{}, actions.Invalid("leave one of them out", "revision and image cannot be used together")
	}
	k, name, err := pick(in.Deployment, in.StatefulSet, in.DaemonSet)
	if err != nil {
		return undoState{}, err
	}
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return undoState{}, err
	}
	w, err := cl.workload(ctx, k, name)
	if err != nil {
		return undoState{}, err
	}
	h, _, err := cl.historyOf(ctx, w)
	if err != nil {
		return undoState{}, err
	}
	target, done, err := h.choose(in, c.Key)
	if err != nil {
		return undoState{}, err
	}
	if done != "" {
		return h.nothingToDo(done), nil
	}
	st, err := h.goTo(target)
	if err != nil {
		return undoState{}, err
	}
	st.Write.Guards = append(st.Write.Guards, w.strategyGuards()...)
	if st.Notes, err = cl.checkReferences(ctx, target); err != nil {
		return undoState{}, err
	}
	st.Notes = append(append(st.Notes, w.strategyNotes()...), brokenNotes(w, h)...)
	if !k.is(deployments) {
		// The data of a revision is what a controller made of the template,
		// perhaps one of an older version.
		st.Write, err = cl.settle(ctx, c, st.Write, w.obj)
	}
	return st, err
}

func (a rolloutUndo) preview(ctx context.Context, c *actions.Call, _ undoIn, st undoState) (actions.Preview, error) {
	if st.Done != "" {
		return actions.Preview{Label: actions.Exact, Object: st.Write.object(), Summary: "nothing to do: " + st.Done}, nil
	}
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return actions.Preview{}, err
	}
	p, err := st.Write.preview(ctx, cl, c)
	if err != nil {
		return p, err
	}
	p.Summary = fmt.Sprintf("revision %d again: %s → %s", st.Revision, st.From, st.Image)
	p.Notes = append(p.Notes, st.Notes...)
	p.Notes = append(p.Notes, "proof that it works: "+cmp.Or(st.Proof, "none"),
		"only the pod template goes back: replicas, strategy, config maps and secrets stay as they are")
	p.Notes = pausedNote(p.Notes, st.Paused)
	return p, nil
}

func (a rolloutUndo) run(ctx context.Context, c *actions.Call, _ undoIn, st undoState) (undoOut, error) {
	if st.Done != "" {
		return st.out(false), nil
	}
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return undoOut{}, err
	}
	if err := cl.still(ctx, st); err != nil {
		return undoOut{}, err
	}
	_, changed, err := st.Write.apply(ctx, cl, c)
	return st.out(changed), err
}

func (st undoState) out(changed bool) undoOut {
	return undoOut{changed, st.Image, st.From, st.Hash, st.FromHash, st.Revision}
}

func (a rolloutUndo) probe(ctx context.Context, c *actions.Call, _ undoIn, st undoState) (actions.Verdict, undoOut, error) {
	if st.Done != "" {
		return actions.Applied, st.out(false), nil
	}
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return actions.Unknown, undoOut{}, err
	}
	verdict, _, err := st.Write.probe(ctx, cl, c)
	return verdict, st.out(verdict == actions.Applied), err
}

func (a rolloutUndo) undo(_ undoIn, st undoState, out undoOut) ([]actions.Step, error) {
	if !out.Changed {
		return nil, nil
	}
	return st.Write.inverse(fmt.Sprintf("Put the template of %s back to %s", st.Write.Name, st.From)), nil
}
