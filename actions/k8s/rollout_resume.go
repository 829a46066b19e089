package k8s

import "github.com/runbackhq/runback/actions"

func rolloutResumeAction(f family) actions.Action {
	a := setPaused{
		family: f, paused: false, summary: "resumes the rollout", inverse: "k8s.rollout_pause",
		notes: []string{"the rollout goes on with the pod template as it is then: put the template right before"},
	}
	return actions.Define(actions.Def[pauseIn, pauseState, pauseOut]{
		Name:    "k8s.rollout_resume",
		Summary: "Resume the rollout of a paused Deployment.",
		Effect:  actions.Change,
		Prepare: a.prepare, Preview: a.preview, Run: a.run, Probe: a.probe, Undo: a.undo,
		Differs: differs[pauseIn, pauseState](f),
		Settles: func(in pauseIn, st pauseState) []string {
			if !st.Write.changes() {
				return nil
			}
			return []string{pausedKey(in, st)}
		},
		Examples: []actions.Example{{Title: "Go on with a rollout", YAML: "uses: k8s.rollout_resume\nwith: {deployment: app}"}},
	})
}
