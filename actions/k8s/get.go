package k8s

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/runbackhq/runback/actions"
)

// mostItems bounds what one step puts into a journal.
const mostItems = 200

type getIn struct {
	Kind     string  `json:"kind" doc:"kind of the object: deployment, service, httproute, configmap or any other that lives in a namespace"`
	Name     *string `json:"name,omitempty" doc:"name of one object; without it objects are listed"`
	Selector string  `json:"selector,omitempty" doc:"label selector of a list, as in app=myapp,version!=stable"`
}

type getOut struct {
	Found     bool  `json:"found" doc:"whether there is at least one"`
	Count     int   `json:"count" doc:"number of objects found"`
	Object    any   `json:"object" doc:"the object, when one was asked for by name; the values of a Secret are left out"`
	Items     []any `json:"items" doc:"the objects of a list, 200 at most"`
	Truncated bool  `json:"truncated" doc:"whether there are more objects than items"`
}

type get struct{ family }

func getAction(f family) actions.Action {
	return actions.Define(actions.Def[getIn, struct{}, getOut]{
		Name:    "k8s.get",
		Summary: "Read one object by its name, or list objects of a kind.",
		Effect:  actions.Observe,
		Run:     get{f}.run,
		Tell:    tellGet,
		Examples: []actions.Example{
			{Title: "Read a Service", YAML: "uses: k8s.get\nwith: {kind: service, name: app-service}\nexpect: outputs.found"},
			{Title: "List the canary's pods", YAML: "uses: k8s.get\nwith: {kind: pod, selector: \"app=myapp,version=canary\"}"},
		},
	})
}

func (a get) run(ctx context.Context, c *actions.Call, in getIn, _ struct{}) (getOut, error) {
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return getOut{}, err
	}
	switch {
	case in.Name != nil && *in.Name == "":
		return getOut{}, actions.Invalid("leave name out to list objects", "name is empty")
	case in.Name != nil && in.Selector != "":
		return getOut{}, actions.Invalid("leave one of them out", "name and selector cannot be used together")
	}
	k, err := cl.kindOf(ctx, in.Kind)
	if err != nil {
		return getOut{}, err
	}
	if in.Name != nil {
		return one(ctx, cl, k, *in.Name)
	}
	items, err := cl.list(ctx, k, metav1.ListOptions{LabelSelector: in.Selector})
	if err != nil {
		return getOut{}, err
	}
	out := getOut{Found: len(items) > 0, Count: len(items), Items: []any{}, Truncated: len(items) > mostItems}
	for i := range items[:min(len(items), mostItems)] {
		out.Items = append(out.Items, tidy(&items[i]))
	}
	return out, nil
}

func one(ctx context.Context, cl *Cluster, k kind, name string) (getOut, error) {
	out := getOut{Items: []any{}}
	obj, err := cl.find(ctx, k, name)
	if err != nil || obj == nil {
		return out, err
	}
	out.Found, out.Count, out.Object = true, 1, tidy(obj)
	return out, nil
}
