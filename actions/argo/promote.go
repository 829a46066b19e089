package argo

import (
	"context"
	"fmt"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/kube"
)

type promoteIn struct {
	Rollout string `json:"rollout" doc:"name of the Rollout"`
	ToStep  *int   `json:"to_step,omitempty" minimum:"0" doc:"index of the step to go on with, counted from 0; the number of steps ends them. One of to_step and full is needed"`
	Full    bool   `json:"full" default:"false" doc:"whether to skip all steps, pauses and analyses"`
}

type promoteState struct {
	Write kube.Write `json:"write"`
	Done  string     `json:"done,omitempty"`
	Step  *int       `json:"step"`
	Steps int        `json:"steps"`
	Hash  string     `json:"hash"`
	Image string     `json:"image"`
}

type promoteOut struct {
	Changed bool   `json:"changed" doc:"whether something was promoted"`
	Hash    string `json:"hash" doc:"pod-template hash of the version that was promoted"`
	Step    *int   `json:"step" doc:"index of the step it was at before"`
}

type promote struct{ family }

func promoteAction(f family) actions.Action {
	a := promote{f}
	return actions.Define(actions.Def[promoteIn, promoteState, promoteOut]{
		Name:    "argo.promote",
		Summary: "Let a Rollout go on with a certain step, or promote it fully; never with the next one, which is another one when it is done again.",
		Effect:  actions.Change,
		Prepare: a.prepare, Preview: a.preview, Run: a.run, Probe: a.probe,
		NoUndo: "steps are not walked backwards; argo.abort takes the traffic back",
		Examples: []actions.Example{
			{Title: "Go on with the third step", YAML: "uses: argo.promote\nwith: {rollout: app, to_step: 2}"},
			{Title: "Promote without further steps", YAML: "uses: argo.promote\nwith: {rollout: app, full: true}"},
		},
	})
}

func (a promote) prepare(ctx context.Context, c *actions.Call, in promoteIn) (promoteState, error) {
	if (in.ToStep == nil) == !in.Full {
		return promoteState{}, actions.Invalid("write it like to_step: 2", "exactly one of to_step and full is needed")
	}
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return promoteState{}, err
	}
	r, err := read(ctx, cl, in.Rollout)
	if err != nil {
		return promoteState{}, err
	}
	st := promoteState{Step: r.out().Step, Steps: r.steps(), Hash: r.current(), Image: imageOf(r.obj)}
	if !r.seen() {
		return st, actions.Refuse("wait a moment, then run it again", "the controller has not seen the last change of rollout %s", in.Rollout)
	}
	if !r.progressing() {
		st.Done = "nothing is under way"
		return st, nil
	}
	if err := r.promotable(in, st); err != nil {
		return promoteState{}, err
	}
	change := kube.Change{Kind: rollouts(), Object: r.obj, Subresource: "status",
		Relies: append(pinned(), []string{"status", "abort"}, []string{"status", "currentStepHash"}, []string{"status", "promoteFull"})}
	if in.Full {
		change.Relies = change.Relies[:len(change.Relies)-1]
		change.Edits = []kube.Edit{{Path: []string{"status", "promoteFull"}, Value: true}}
	} else {
		change.Edits = []kube.Edit{{Path: []string{"status", "currentStepIndex"}, Value: *in.ToStep}, {Path: []string{"status", "pauseConditions"}}, {Path: []string{"status", "controllerPause"}}}
	}
	if st.Write, err = cl.Prepare(ctx, change); err == nil && !st.Write.Changes {
		st.Done = "it is there already"
	}
	return st, err
}

func (r *rollout) promotable(in promoteIn, st promoteState) error {
	switch {
	case r.aborted():
		return actions.Refuse("deploy a version that works, or put the template back: argo.undo", "rollout %s is aborted: to promote it would go forward with what was aborted", r.name())
	case kube.True(r.obj, "spec", "paused"):
		return actions.Refuse("set spec.paused to false first, with k8s.patch", "rollout %s is paused by its spec", r.name())
	case in.Full:
		return nil
	case st.Steps == 0 || st.Step == nil:
		return actions.Refuse("use full: true", "rollout %s has no steps", r.name())
	case *in.ToStep > st.Steps:
		return actions.Invalid(fmt.Sprintf("the last one is %d, and %d ends them", st.Steps-1, st.Steps), "rollout %s has no step %d", r.name(), *in.ToStep)
	case *in.ToStep < *st.Step:
		return actions.Refuse("to take traffic back: argo.abort", "rollout %s is at step %d, which is after step %d: steps are not walked backwards", r.name(), *st.Step, *in.ToStep)
	}
	return nil
}

func (a promote) preview(ctx context.Context, c *actions.Call, in promoteIn, st promoteState) (actions.Preview, error) {
	if st.Done != "" {
		return actions.Preview{Label: actions.Exact, Object: "rollout/" + in.Rollout, Summary: "nothing to do: " + st.Done}, nil
	}
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return actions.Preview{}, err
	}
	p, err := cl.Preview(ctx, c, st.Write)
	if err != nil || len(p.Changes) == 0 {
		return p, err
	}
	if in.Full {
		p.Summary = "promotes " + st.Image + " fully"
		p.Notes = append(p.Notes, "all steps, pauses and analyses that are left are skipped, and an abort is ignored from then on")
		return p, nil
	}
	p.Summary = fmt.Sprintf("promotes %s from step %d to step %d of %d", st.Image, *st.Step, *in.ToStep, st.Steps)
	if skipped := *in.ToStep - *st.Step - 1; skipped > 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("%d steps between are skipped", skipped))
	}
	return p, nil
}

func (a promote) run(ctx context.Context, c *actions.Call, _ promoteIn, st promoteState) (promoteOut, error) {
	out := promoteOut{Hash: st.Hash, Step: st.Step}
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

// probe takes a later step, or the end of the update, for the effect: the
// controller goes on at once with what it is given.
func (a promote) probe(ctx context.Context, c *actions.Call, in promoteIn, st promoteState) (actions.Verdict, promoteOut, error) {
	out := promoteOut{Changed: st.Done == "", Hash: st.Hash, Step: st.Step}
	if st.Done != "" {
		return actions.Applied, out, nil
	}
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return actions.Unknown, out, err
	}
	r, err := read(ctx, cl, in.Rollout)
	if err != nil {
		return actions.Unknown, out, err
	}
	now := r.out()
	switch {
	case r.current() != st.Hash || r.aborted():
		return actions.Foreign, out, nil
	case r.stable() == st.Hash, in.Full && kube.True(r.obj, "status", "promoteFull"):
		return actions.Applied, out, nil
	case in.ToStep != nil && now.Step != nil && *now.Step >= *in.ToStep:
		return actions.Applied, out, nil
	case in.ToStep == nil || now.Step != nil && st.Step != nil && *now.Step == *st.Step:
		return actions.NotApplied, out, nil
	}
	return actions.Foreign, out, nil
}
