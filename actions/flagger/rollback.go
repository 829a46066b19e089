package flagger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/kube"
)

type rollbackIn struct {
	Canary string `json:"canary" doc:"name of the Canary"`
}

// rollbackState is the writes in their order. Each is a compare-and-set, so a
// resume goes through them again and makes those that are missing.
type rollbackState struct {
	Writes    []kube.Write `json:"writes"`
	Namespace string       `json:"namespace"`
	From      string       `json:"from"`
	To        string       `json:"to"`
	Weight    int          `json:"weight"`
	Ready     int          `json:"ready"`
	Notes     []string     `json:"notes,omitempty"`
}

type rollbackOut struct {
	Changed   bool   `json:"changed" doc:"whether something was changed"`
	Image     string `json:"image" doc:"images that the primary serves and the target has again"`
	FromImage string `json:"from_image" doc:"images of the target before"`
}

type rollback struct{ family }

func rollbackAction(f family) actions.Action {
	a := rollback{f}
	return actions.Define(actions.Def[rollbackIn, rollbackState, rollbackOut]{
		Name:    "flagger.rollback",
		Summary: "Suspend a release of Flagger, send all traffic to the primary and put the template of the target back.",
		Effect:  actions.Change,
		Prepare: a.prepare, Preview: a.preview, Run: a.run, Probe: a.probe,
		NoUndo: "to take it back is to give traffic to the bad version again; deploy a good one instead",
		Owes: func(in rollbackIn, st rollbackState) []actions.Obligation {
			if len(st.Writes) == 0 || !st.Writes[0].Changes {
				return nil
			}
			return []actions.Obligation{{Key: "suspended canary/" + st.Namespace + "/" + in.Canary, What: "canary/" + in.Canary + " is suspended: Flagger releases nothing",
				Until:   "Git holds the version that runs",
				Instead: "k8s.patch with {kind: canaries.flagger.app, name: " + in.Canary + ", merge: {spec: {suspend: false, skipAnalysis: true}}}, and skipAnalysis back to false when it succeeded"}}
		},
		Examples: []actions.Example{{Title: "Take a release of Flagger back", YAML: "uses: flagger.rollback\nwith: {canary: app}"}},
	})
}

func (a rollback) preview(ctx context.Context, c *actions.Call, in rollbackIn, st rollbackState) (actions.Preview, error) {
	p := actions.Preview{Label: actions.Exact, Object: "canary/" + in.Canary, Summary: "nothing to do"}
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return p, err
	}
	for _, w := range st.Writes {
		one, err := cl.Preview(ctx, c, w)
		if err != nil {
			return p, err
		}
		if one.Label != actions.Exact {
			p.Label = one.Label
		}
		for _, ch := range one.Changes {
			if ch.Object == "" {
				ch.Object = w.Object
			}
			p.Changes = append(p.Changes, ch)
		}
		p.Notes = append(p.Notes, one.Notes...)
		for _, rival := range one.Adversaries {
			if rival.Controller != "Flagger" { // it is suspended before
				p.Adversaries = append(p.Adversaries, rival)
			}
		}
	}
	if len(p.Changes) == 0 {
		return p, nil
	}
	p.Summary = fmt.Sprintf("suspends Flagger, all traffic to the primary, target %s → %s", st.From, st.To)
	p.Notes = append(p.Notes, fmt.Sprintf("the new version has %d%% of the traffic; the primary runs %s with %d ready pods", st.Weight, st.To, st.Ready),
		"each write is previewed for itself, as if the ones before it were not made")
	p.Notes = append(p.Notes, st.Notes...)
	return p, nil
}

func (a rollback) run(ctx context.Context, c *actions.Call, _ rollbackIn, st rollbackState) (rollbackOut, error) {
	out := rollbackOut{Image: st.To, FromImage: st.From}
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return out, err
	}
	for i, w := range st.Writes {
		err := actions.Until(ctx, c, pause, func(ctx context.Context) (bool, string, error) {
			changed, err := cl.Apply(ctx, c, w)
			out.Changed = out.Changed || changed
			return err == nil, "", err
		})
		if err != nil {
			return out, halfway(ctx, i, fmt.Errorf("writing %s: %w", w.Object, err))
		}
	}
	return out, nil
}

// pause is the time between two tries of a write that got no answer.
const pause = time.Second

// halfway says what is known when a write fails. The first one changed nothing
// then. After it the step has ended with Flagger suspended; a run that was
// stopped goes on with the rest in its resume.
func halfway(ctx context.Context, writes int, err error) error {
	var spent interface{ Timeout() bool }
	stopped := ctx.Err() != nil && (!errors.As(context.Cause(ctx), &spent) || !spent.Timeout())
	if writes == 0 || stopped {
		return err
	}
	return actions.Ended("see what changed, then run it again: what is done already is left alone", "Flagger is suspended, but not all is put back: %w", err)
}

// probe asks about each write. Those that are missing may be made, as none of
// them can happen twice; that is NotApplied, unless somebody else was there.
func (a rollback) probe(ctx context.Context, c *actions.Call, _ rollbackIn, st rollbackState) (actions.Verdict, rollbackOut, error) {
	out := rollbackOut{Image: st.To, FromImage: st.From}
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return actions.Unknown, out, err
	}
	worst := actions.Applied
	for _, w := range st.Writes {
		verdict, err := cl.Probe(ctx, c, w)
		if err != nil {
			return actions.Unknown, out, err
		}
		out.Changed = out.Changed || w.Changes && verdict == actions.Applied
		switch {
		case verdict == actions.Foreign || verdict == actions.Partial:
			worst = verdict
		case verdict == actions.NotApplied && worst == actions.Applied:
			worst = verdict
		}
	}
	return worst, out, nil
}
