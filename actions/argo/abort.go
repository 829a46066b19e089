package argo

import (
	"context"
	"fmt"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/kube"
)

type abortIn struct {
	Rollout   string `json:"rollout" doc:"name of the Rollout"`
	MinStable int    `json:"min_stable,omitempty" minimum:"0" doc:"least number of available pods of the stable version, or the abort is refused; 0 means as many as are wanted where weights share the traffic, and 1 where numbers of pods do"`
	Wait      bool   `json:"wait" default:"true" doc:"whether to wait until the controller has taken all traffic to the stable version"`
}

type abortState struct {
	Write     kube.Write `json:"write"`
	Done      string     `json:"done,omitempty"` // why there is nothing to do
	Namespace string     `json:"namespace"`
	Hash      string     `json:"hash"` // that is aborted
	Stable    string     `json:"stable"`
	Image     string     `json:"image"`
	Back      string     `json:"back"` // image of the stable version
	Share     string     `json:"share"`
	Ready     int        `json:"ready"`
	Routed    bool       `json:"routed"`
}

type abortOut struct {
	Changed    bool   `json:"changed" doc:"whether it was aborted by this step"`
	Hash       string `json:"hash" doc:"pod-template hash of the version that was aborted"`
	StableHash string `json:"stable_hash" doc:"pod-template hash of the stable version"`
}

type abort struct{ family }

func abortAction(f family) actions.Action {
	a := abort{f}
	return actions.Define(actions.Def[abortIn, abortState, abortOut]{
		Name:    "argo.abort",
		Summary: "Abort a Rollout that is under way, so that all traffic goes back to its stable version; argo.undo then puts the template back.",
		Effect:  actions.Change,
		Prepare: a.prepare, Preview: a.preview, Run: a.run, Probe: a.probe,
		NoUndo: "to take an abort back is to roll the bad version out again; deploy a good one instead",
		Owes: func(in abortIn, st abortState) []actions.Obligation {
			if !st.Write.Changes {
				return nil
			}
			return []actions.Obligation{{Key: abortedKey(st.Namespace, in.Rollout), What: "rollout/" + in.Rollout + " is aborted and its template is still " + st.Image,
				Until: "the template is that of the stable version", Instead: "argo.undo with {rollout: " + in.Rollout + "}"}}
		},
		Examples: []actions.Example{{Title: "Abort a canary", YAML: "uses: argo.abort\nwith: {rollout: app}\ntimeout: 60s"}},
	})
}

// abortedKey names the obligation that an abort leaves and an undo settles.
func abortedKey(namespace, name string) string { return "aborted rollout/" + namespace + "/" + name }

func (a abort) prepare(ctx context.Context, c *actions.Call, in abortIn) (abortState, error) {
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return abortState{}, err
	}
	r, err := read(ctx, cl, in.Rollout)
	if err != nil {
		return abortState{}, err
	}
	st := abortState{
		Hash: r.current(), Stable: r.stable(), Image: imageOf(r.obj), Back: imageOf(r.set(r.stable())), Share: r.share(),
		Ready: r.available(r.stable()), Routed: r.routed(), Namespace: r.obj.GetNamespace(),
	}
	if r.aborted() && r.progressing() {
		st.Done = "it is aborted already"
		return st, nil
	}
	if err := r.abortable(in); err != nil {
		return abortState{}, err
	}
	st.Write, err = cl.Prepare(ctx, kube.Change{Kind: rollouts(), Object: r.obj, Subresource: "status",
		Edits:  []kube.Edit{{Path: []string{"status", "abort"}, Value: true}},
		Relies: append(pinned(), []string{"status", "promoteFull"})})
	return st, err
}

// abortable refuses an abort that is known to make things worse: without an
// update under way it scaled the stable version to zero or sent the controller
// into a loop (argo-rollouts#1292, #2982), after a full promotion it is ignored
// (#4461), and traffic must not go to a stable version that cannot carry it
// (#3020).
func (r *rollout) abortable(in abortIn) error {
	look := "look at: kubectl get rollout " + r.name() + " -o yaml"
	switch {
	case !r.seen():
		return actions.Refuse("wait a moment, then run it again", "the controller has not seen the last change of rollout %s, so what is under way is not known", r.name())
	case !r.progressing():
		return actions.Refuse("if the version that runs is the bad one: argo.undo with the hash of an earlier one", "rollout %s has nothing under way that could be aborted: its stable version is %q", r.name(), r.stable())
	case kube.True(r.obj, "status", "promoteFull"):
		return actions.Refuse("put the template back: argo.undo", "rollout %s is being fully promoted, and the controller ignores an abort then", r.name())
	case r.set(r.stable()) == nil:
		return actions.Refuse(look, "rollout %s has no ReplicaSet of its stable version %q any more", r.name(), r.stable())
	}
	least := in.MinStable
	if least == 0 {
		least = 1
		if r.routed() || r.blueGreen() {
			least = max(1, r.desired())
		}
	}
	if n := r.available(r.stable()); n < least {
		return actions.Refuse("scale it up first, or say how many are enough: min_stable", "rollout %s has %d available pods of its stable version, and %d are needed for all traffic to go to it", r.name(), n, least)
	}
	return nil
}

func (a abort) preview(ctx context.Context, c *actions.Call, in abortIn, st abortState) (actions.Preview, error) {
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
		p.Summary = fmt.Sprintf("aborts %s, all traffic goes to %s", st.Image, st.Back)
	}
	p.Notes = append(p.Notes,
		fmt.Sprintf("the new version has %s; the stable version has %d available pods", st.Share, st.Ready),
		"the template stays the bad one: until argo.undo, a retry or a sync of GitOps goes forward again",
		"the pods of the aborted version go after 30 s, or abortScaleDownDelaySeconds: keep their logs before")
	if !st.Routed {
		p.Notes = append(p.Notes, "numbers of pods share the traffic: it follows as the controller scales the stable version up; with an autoscaler, scale it up by hand")
	}
	return p, nil
}
