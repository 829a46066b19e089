package k8s

import (
	"context"
	"fmt"

	"github.com/runbackhq/runback/actions"
)

type waitIn struct {
	Kind     string `json:"kind" default:"deployment" doc:"kind of the object"`
	Name     string `json:"name" doc:"name of the object"`
	Until    string `json:"until" enum:"ready|complete|present|absent" doc:"ready: all wanted pods are ready, and min_ready at least; complete: besides, all are of the present template and no older pod is left, those being ended included; present, absent: the object is there, or gone"`
	MinReady int    `json:"min_ready" default:"1" minimum:"1" doc:"least number of ready pods; nothing counts as ready at 0"`
}

type waitState struct {
	Kind kind   `json:"kind"`
	UID  string `json:"uid"` // of the object that is waited for; an heir of its name is another one
}

type waitOut struct {
	Ready   *int   `json:"ready" doc:"number of ready pods; unknown for kinds that have none"`
	Desired *int   `json:"desired" doc:"number of pods that are wanted"`
	Updated *int   `json:"updated" doc:"number of pods of the present template"`
	Old     *int   `json:"old" doc:"number of pods of older templates, those being ended included"`
	UID     string `json:"uid" doc:"UID of the object"`
}

type wait struct{ family }

func waitAction(f family) actions.Action {
	a := wait{f}
	return actions.Define(actions.Def[waitIn, waitState, waitOut]{
		Name:    "k8s.wait",
		Summary: "Wait until an object is ready, completely rolled out, present or absent.",
		Effect:  actions.Observe,
		Prepare: a.prepare, Preview: a.preview, Run: a.run,
		Tell: tellWait,
		Examples: []actions.Example{
			{Title: "Wait for a rollout to end", YAML: "uses: k8s.wait\nwith: {name: app, until: complete}\ntimeout: 3m"},
			{Title: "Wait for three ready pods", YAML: "uses: k8s.wait\nwith: {name: app-stable, until: ready, min_ready: 3}\ntimeout: 60s"},
		},
	})
}

func (a wait) prepare(ctx context.Context, c *actions.Call, in waitIn) (waitState, error) {
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return waitState{}, err
	}
	k, err := cl.kindOf(ctx, in.Kind)
	if err != nil {
		return waitState{}, err
	}
	obj, err := cl.find(ctx, k, in.Name)
	if err != nil {
		return waitState{}, err
	}
	switch {
	case obj != nil:
		return waitState{k, string(obj.GetUID())}, nil
	case in.Until == "ready" || in.Until == "complete":
		return waitState{}, cl.missing(ctx, k, in.Name)
	}
	return waitState{Kind: k}, nil
}

func (a wait) preview(ctx context.Context, c *actions.Call, in waitIn, st waitState) (actions.Preview, error) {
	p := actions.Preview{Label: actions.Exact, Object: st.Kind.Name + "/" + in.Name}
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return p, err
	}
	seen, err := look(ctx, cl, in, st)
	if err != nil {
		return p, err
	}
	p.Summary = fmt.Sprintf("waits until %s; now: %s", in.Until, seen.text)
	return p, nil
}

func (a wait) run(ctx context.Context, c *actions.Call, in waitIn, st waitState) (waitOut, error) {
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return waitOut{}, err
	}
	var last sight
	err = actions.Until(ctx, c, pause, func(ctx context.Context) (bool, string, error) {
		seen, err := look(ctx, cl, in, st)
		if err == nil {
			last = seen
		}
		if st.UID == "" {
			st.UID = last.out.UID
		}
		return seen.done, seen.text, err
	})
	if err != nil {
		return last.out, fmt.Errorf("waiting until %s/%s is %s: %w", st.Kind.Name, in.Name, in.Until, err)
	}
	return last.out, nil
}
