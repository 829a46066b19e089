package k8s

import "github.com/runbackhq/runback/actions"

func rolloutPauseAction(f family) actions.Action {
	a := setPaused{
		family: f, paused: true, summary: "pauses the rollout", inverse: "k8s.rollout_resume",
		notes: []string{
			"pods that run already go on running; only their replacement stops",
			"while it is paused the progress deadline is not watched and a rollout is never complete",
		},
	}
	return actions.Define(actions.Def[pauseIn, pauseState, pauseOut]{
		Name:    "k8s.rollout_pause",
		Summary: "Pause the rollout of a Deployment, so that no further pod is replaced.",
		Effect:  actions.Change,
		Prepare: a.prepare, Preview: a.preview, Run: a.run, Probe: a.probe, Undo: a.undo,
		Differs: differs[pauseIn, pauseState](f),
		Owes: func(in pauseIn, st pauseState) []actions.Obligation {
			if !st.Write.changes() {
				return nil
			}
			return []actions.Obligation{{Key: pausedKey(in, st), What: "rollout of deployment/" + in.Deployment + " is paused",
				Until: "the pod template is the one that shall run"}}
		},
		Examples: []actions.Example{{Title: "Halt a rolling update", YAML: "uses: k8s.rollout_pause\nwith: {deployment: app}"}},
	})
}
