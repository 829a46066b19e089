package k8s

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/runbackhq/runback/actions"
)

type describeIn struct {
	Kind string `json:"kind" doc:"kind of the object: deployment, statefulset, daemonset, replicaset, pod, service, ingress, node, or any other, of which conditions and events are told"`
	Name string `json:"name" doc:"name of the object"`
}

type describeOut struct {
	Found      bool              `json:"found" doc:"whether there is such an object"`
	Kind       string            `json:"kind" doc:"kind of the object"`
	Name       string            `json:"name" doc:"name of the object"`
	UID        string            `json:"uid" doc:"UID of the object"`
	Created    string            `json:"created" doc:"when it was made"`
	Deleting   bool              `json:"deleting" doc:"whether it is being deleted"`
	Owner      string            `json:"owner" doc:"object that made it, like replicaset/app-stable-xxx; empty when nobody did"`
	Labels     map[string]string `json:"labels" doc:"labels of the object"`
	Conditions []condition       `json:"conditions" doc:"conditions of its status"`
	Replicas   *replicaCounts    `json:"replicas" doc:"numbers of its pods; unknown when it has none, or its controller has not come to it yet"`
	Paused     bool              `json:"paused" doc:"whether its rollout is paused"`
	Images     []string          `json:"images" doc:"images of its containers"`
	Missing    []string          `json:"missing" doc:"config maps and secrets that its pods need and that are not there"`
	Containers []containerState  `json:"containers" doc:"containers of a pod, those for its start included"`
	Pods       []podState        `json:"pods" doc:"its pods, those with troubles first, 50 at most"`
	Causes     causes            `json:"causes" doc:"number of its pods by what keeps them from serving"`
	Restarts   int               `json:"restarts" doc:"number of restarts of the containers of its pods"`
	Capacity   map[string]string `json:"capacity" doc:"what a node can give to pods, by resource"`
	Events     []event           `json:"events" doc:"events about it and about its pods, the newest first, 50 at most; a cluster keeps them for an hour"`
	Problems   []string          `json:"problems" doc:"what is wrong with it, in words; empty when nothing is seen to be"`
	Text       string            `json:"text" doc:"all of it for people, 16 KiB at most"`

	now time.Time
}

type condition struct {
	Type    string `json:"type" doc:"what it is about: Available, Progressing, Ready"`
	Status  string `json:"status" doc:"True, False or Unknown"`
	Reason  string `json:"reason" doc:"reason in one word"`
	Message string `json:"message" doc:"message, 500 characters at most"`
	Since   string `json:"since" doc:"when it became so"`
}

type replicaCounts struct {
	Desired   int `json:"desired" doc:"pods that are wanted"`
	Current   int `json:"current" doc:"pods that there are"`
	Updated   int `json:"updated" doc:"pods of the present template"`
	Ready     int `json:"ready" doc:"pods that are ready"`
	Available int `json:"available" doc:"pods that have been ready long enough"`
}

// Bounds of what goes into a journal.
const (
	mostDescribed = 50
	mostText      = 16 << 10
)

type description struct{ family }

func describeAction(f family) actions.Action {
	return actions.Define(actions.Def[describeIn, struct{}, describeOut]{
		Name:    "k8s.describe",
		Summary: "Tell how an object is: conditions, pods and why they do not serve, what it needs and is missing, and its events; no environment and no values of a Secret.",
		Effect:  actions.Observe,
		Run:     description{f}.run,
		Tell:    tellDescribe,
		Examples: []actions.Example{
			{Title: "See why a rollout is stuck", YAML: "uses: k8s.describe\nwith: {kind: deployment, name: app-stable}"},
			{Title: "See that a node is well", YAML: "uses: k8s.describe\nwith: {kind: node, name: node-1}\nexpect: len(outputs.problems) == 0"},
		},
	})
}

func (a description) run(ctx context.Context, c *actions.Call, in describeIn, _ struct{}) (describeOut, error) {
	out := newDescription()
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return out, err
	}
	if out.now, err = cl.now(ctx); err != nil {
		return out, err
	}
	if isNode(in.Kind) {
		err = a.node(ctx, cl, &out, in.Name)
	} else {
		err = a.object(ctx, cl, &out, in)
	}
	if err != nil {
		return out, err
	}
	out.finish()
	return out, nil
}

func newDescription() describeOut {
	return describeOut{
		Labels: map[string]string{}, Capacity: map[string]string{}, Conditions: []condition{}, Images: []string{}, Missing: []string{},
		Containers: []containerState{}, Pods: []podState{}, Events: []event{}, Problems: []string{},
	}
}

// object describes what lives in the namespace.
func (a description) object(ctx context.Context, cl *Cluster, out *describeOut, in describeIn) error {
	k, err := cl.kindOf(ctx, in.Kind)
	if err != nil {
		return err
	}
	obj, err := cl.find(ctx, k, in.Name)
	if err != nil || obj == nil {
		return err
	}
	out.meta(k.Name, obj)
	out.conditions(obj)
	about, err := a.special(ctx, cl, out, k, obj)
	if err != nil {
		return err
	}
	if out.Events, err = cl.eventsOf(ctx, out.now, about...); err != nil && actions.KindOf(err) == actions.KindInvalid {
		out.Problems, err = append(out.Problems, "its events may not be read"), nil
	}
	return err
}

func (out *describeOut) meta(kind string, m metav1.Object) {
	out.Found, out.Kind, out.Name, out.UID = true, kind, m.GetName(), string(m.GetUID())
	out.Created, out.Deleting = stamp(m.GetCreationTimestamp().Time), m.GetDeletionTimestamp() != nil
	if m.GetLabels() != nil {
		out.Labels = m.GetLabels()
	}
	if owner := metav1.GetControllerOf(m); owner != nil {
		out.Owner = lower(owner.Kind) + "/" + owner.Name
	}
	if out.Deleting {
		out.Problems = append(out.Problems, "it is being deleted")
	}
}

// conditions reads them of any kind: they have one form everywhere.
func (out *describeOut) conditions(obj *object) {
	list, _, _ := unstructured.NestedSlice(obj.Object, "status", "conditions")
	for _, it := range list {
		m, ok := it.(map[string]any)
		if !ok {
			continue
		}
		field := func(name string) string { s, _ := m[name].(string); return s }
		out.Conditions = append(out.Conditions, condition{field("type"), field("status"), field("reason"),
			shorten(field("message"), mostMessage), field("lastTransitionTime")})
	}
}
