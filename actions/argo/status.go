package argo

import (
	"context"
	"fmt"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/kube"
)

type statusIn struct {
	Rollout string `json:"rollout" doc:"name of the Rollout"`
}

type statusOut struct {
	Phase       string `json:"phase" doc:"phase in the words of the controller: Progressing, Paused, Degraded, Healthy"`
	Message     string `json:"message" doc:"what the controller says besides"`
	Progressing bool   `json:"progressing" doc:"whether a version that is not the stable one is being rolled out, an aborted one included"`
	Aborted     bool   `json:"aborted" doc:"whether it is aborted"`
	Paused      bool   `json:"paused" doc:"whether it is paused, by a step or by somebody"`
	Step        *int   `json:"step" doc:"index of the step it is at, counted from 0; unknown without steps"`
	Steps       int    `json:"steps" doc:"number of steps"`
	Weight      *int   `json:"weight" doc:"share of the new version in percent, where weights share the traffic"`
	Desired     int    `json:"desired" doc:"number of pods that are wanted"`
	Image       string `json:"image" doc:"image of the template in the spec"`
	Hash        string `json:"hash" doc:"pod-template hash of the new version"`
	StableImage string `json:"stable_image" doc:"image of the stable version"`
	StableHash  string `json:"stable_hash" doc:"pod-template hash of the stable version"`
	StableReady int    `json:"stable_ready" doc:"number of available pods of the stable version"`
	Restored    bool   `json:"restored" doc:"whether the template in the spec is the stable one, the controller has seen it, and as many stable pods are available as are wanted; never at 0"`
}

func statusAction(f family) actions.Action {
	return actions.Define(actions.Def[statusIn, struct{}, statusOut]{
		Name:    "argo.status",
		Summary: "Tell how far a Rollout is, and what its stable version is.",
		Effect:  actions.Observe,
		Run: func(ctx context.Context, c *actions.Call, in statusIn, _ struct{}) (statusOut, error) {
			cl, err := f.cluster(ctx, c)
			if err != nil {
				return statusOut{}, err
			}
			r, err := read(ctx, cl, in.Rollout)
			if err != nil {
				return statusOut{}, err
			}
			return r.out(), nil
		},
		Tell: func(o statusOut) string {
			return fmt.Sprintf("%s, stable %s with %d of %d pods, template %s", o.Phase, o.StableImage, o.StableReady, o.Desired, o.Image)
		},
		Examples: []actions.Example{{Title: "Assess a canary", YAML: "uses: argo.status\nwith: {rollout: app}"}},
	})
}

func (r *rollout) out() statusOut {
	out := statusOut{
		Phase: r.phase(), Message: kube.Text(r.obj, "status", "message"),
		Progressing: r.progressing(), Aborted: r.aborted(),
		Paused: kube.True(r.obj, "spec", "paused") || kube.At(r.obj, "status", "pauseConditions") != nil,
		Steps:  r.steps(), Desired: r.desired(),
		Image: imageOf(r.obj), Hash: r.current(),
		StableImage: imageOf(r.set(r.stable())), StableHash: r.stable(), StableReady: r.available(r.stable()),
	}
	if n, known := kube.Number(r.obj, "status", "currentStepIndex"); known {
		out.Step = &n
	}
	if n, known := kube.Number(r.obj, "status", "canary", "weights", "canary", "weight"); known {
		out.Weight = &n
	}
	out.Restored = r.seen() && !r.progressing() && r.stable() != "" && !r.aborted() && r.desired() > 0 && out.StableReady >= r.desired()
	return out
}
