package k8s

import (
	"context"
	"fmt"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/schema"
)

type eventsIn struct {
	Kind  string          `json:"kind,omitempty" doc:"kind of the object whose events to read: deployment, pod, node; without it those of the whole namespace are read"`
	Name  string          `json:"name,omitempty" doc:"name of that object"`
	Type  string          `json:"type" enum:"all|Warning|Normal" default:"all" doc:"type of the events"`
	Since schema.Duration `json:"since" default:"1h" doc:"how old they may be; a cluster keeps events for one hour, unless it was set up otherwise, so longer ago there are none"`
	Most  int             `json:"most" default:"50" minimum:"1" maximum:"500" doc:"number of events to give, the newest"`
}

type eventsOut struct {
	Total    int            `json:"total" doc:"how often anything happened, counts added up; 0 means that no events are kept, not that nothing happened"`
	Warnings int            `json:"warnings" doc:"how often a warning happened"`
	ByReason map[string]int `json:"by_reason" doc:"how often it happened, by reason"`
	Events   []event        `json:"events" doc:"events, the newest first"`
	Dropped  int            `json:"dropped" doc:"number of events that were found and are not given"`
}

type events struct{ family }

func eventsAction(f family) actions.Action {
	return actions.Define(actions.Def[eventsIn, struct{}, eventsOut]{
		Name:    "k8s.events",
		Summary: "Read the events of an object, or of the namespace, before they expire: a cluster keeps them for one hour and adds up those that say the same.",
		Effect:  actions.Observe,
		Run:     events{f}.run,
		Tell:    tellEvents,
		Examples: []actions.Example{
			{Title: "Keep what went wrong in the namespace", YAML: "uses: k8s.events\nwith: {type: Warning, since: 15m}"},
			{Title: "See what happened to a Deployment", YAML: "uses: k8s.events\nwith: {kind: deployment, name: app-stable}"},
		},
	})
}

func (a events) run(ctx context.Context, c *actions.Call, in eventsIn, _ struct{}) (eventsOut, error) {
	out := eventsOut{ByReason: map[string]int{}, Events: []event{}}
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return out, err
	}
	if (in.Kind == "") != (in.Name == "") {
		return out, actions.Invalid("give both, or neither for the whole namespace", "kind and name belong together")
	}
	now, err := cl.now(ctx)
	if err != nil {
		return out, err
	}
	found, err := in.find(ctx, cl, now)
	if err != nil {
		return out, err
	}
	for _, e := range found {
		if in.Type != "all" && e.Type != in.Type || now.Sub(e.at) > in.Since.Std() {
			continue
		}
		out.add(e, in.Most)
	}
	return out, nil
}

func (in eventsIn) find(ctx context.Context, cl *Cluster, now time.Time) ([]event, error) {
	switch {
	case in.Kind == "":
		found, err := cl.listEvents(ctx, cl.Namespace, "", now)
		newestEventsFirst(found)
		return found, err
	case isNode(in.Kind):
		return cl.nodeEvents(ctx, in.Name, now)
	}
	k, err := cl.kindOf(ctx, in.Kind)
	if err != nil {
		return nil, err
	}
	obj, err := cl.must(ctx, k, in.Name)
	if err != nil {
		return nil, err
	}
	return cl.eventsOf(ctx, now, obj.GetUID())
}

func (out *eventsOut) add(e event, most int) {
	out.Total += e.Count
	out.ByReason[e.Reason] += e.Count
	if e.Type == "Warning" {
		out.Warnings += e.Count
	}
	if len(out.Events) < most {
		out.Events = append(out.Events, e)
		return
	}
	out.Dropped++
}

func tellEvents(o eventsOut) string {
	if o.Total == 0 {
		return "there are no events; they are kept for an hour only"
	}
	s := fmt.Sprintf("%d events, %d of them warnings", o.Total, o.Warnings)
	for _, e := range o.Events {
		if e.Type == "Warning" {
			return s + fmt.Sprintf("; last warning of %s: %s", e.Object, text(e.Reason, shorten(e.Message, 120)))
		}
	}
	return s
}
