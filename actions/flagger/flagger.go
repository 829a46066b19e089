package flagger

import (
	"context"
	"fmt"
	"strings"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/kube"
)

func canaries() kube.Kind {
	return kube.Kind{Name: "canary", Group: "flagger.app", Resource: "canaries"}
}

func deployments() kube.Kind {
	return kube.Kind{Name: "deployment", Group: "apps", Resource: "deployments"}
}

func replicaSets() kube.Kind {
	return kube.Kind{Name: "replicaset", Group: "apps", Resource: "replicasets"}
}

type family struct{ connect kube.Connector }

func (f family) cluster(ctx context.Context, c *actions.Call) (kube.Cluster, error) {
	return f.connect(ctx, c.Target.Kubernetes)
}

// Actions lists the family.
func Actions(connect kube.Connector) []actions.Action {
	f := family{connect}
	return []actions.Action{statusAction(f), rollbackAction(f)}
}

// release is a Canary with the two Deployments that it is about: the target,
// which people deploy, and the primary, which serves.
type release struct {
	canary, target, primary *kube.Object
}

func read(ctx context.Context, cl kube.Cluster, name string) (*release, error) {
	canary, err := cl.Must(ctx, canaries(), name)
	if err != nil {
		return nil, err
	}
	if kind := kube.Text(canary, "spec", "targetRef", "kind"); kind != "Deployment" {
		return nil, actions.Invalid("", "canary %s is about a %s, and only Deployments are known here", name, kind)
	}
	r := &release{canary: canary}
	target := kube.Text(canary, "spec", "targetRef", "name")
	if r.target, err = cl.Must(ctx, deployments(), target); err != nil {
		return nil, err
	}
	r.primary, err = cl.Must(ctx, deployments(), target+"-primary")
	return r, err
}

func (r *release) name() string    { return r.canary.GetName() }
func (r *release) phase() string   { return kube.Text(r.canary, "status", "phase") }
func (r *release) suspended() bool { return kube.True(r.canary, "spec", "suspend") }

func (r *release) weight() int {
	n, _ := kube.Number(r.canary, "status", "canaryWeight")
	return n
}

// apex is the name of the Service, and of the object that shares its traffic.
func (r *release) apex() string {
	if name := kube.Text(r.canary, "spec", "service", "name"); name != "" {
		return name
	}
	return r.target.GetName()
}

// images tells the images of a template by container.
func images(obj *kube.Object) map[string]string {
	out := map[string]string{}
	list, _ := kube.At(obj, "spec", "template", "spec", "containers").([]any)
	for _, c := range list {
		m, _ := c.(map[string]any)
		name, _ := m["name"].(string)
		out[name], _ = m["image"].(string)
	}
	return out
}

func image(obj *kube.Object) string {
	list, _ := kube.At(obj, "spec", "template", "spec", "containers").([]any)
	var all []string
	for _, c := range list {
		m, _ := c.(map[string]any)
		s, _ := m["image"].(string)
		all = append(all, s)
	}
	return strings.Join(all, ", ")
}

func ready(d *kube.Object) int {
	n, _ := kube.Number(d, "status", "readyReplicas")
	return n
}

type statusIn struct {
	Canary string `json:"canary" doc:"name of the Canary"`
}

type statusOut struct {
	Phase        string `json:"phase" doc:"phase in the words of Flagger: Progressing, Promoting, Succeeded, Failed and others"`
	Weight       int    `json:"weight" doc:"share of the new version in percent, as Flagger last set it"`
	Suspended    bool   `json:"suspended" doc:"whether Flagger leaves it alone"`
	FailedChecks int    `json:"failed_checks" doc:"number of checks that failed in this analysis"`
	Image        string `json:"image" doc:"images of the target"`
	PrimaryImage string `json:"primary_image" doc:"images of the primary, which serves"`
	PrimaryReady int    `json:"primary_ready" doc:"number of ready pods of the primary"`
	Same         bool   `json:"same" doc:"whether target and primary have the same images"`
}

func statusAction(f family) actions.Action {
	return actions.Define(actions.Def[statusIn, struct{}, statusOut]{
		Name:    "flagger.status",
		Summary: "Tell how far a release of Flagger is, and what its primary runs.",
		Effect:  actions.Observe,
		Run: func(ctx context.Context, c *actions.Call, in statusIn, _ struct{}) (statusOut, error) {
			cl, err := f.cluster(ctx, c)
			if err != nil {
				return statusOut{}, err
			}
			r, err := read(ctx, cl, in.Canary)
			if err != nil {
				return statusOut{}, err
			}
			failed, _ := kube.Number(r.canary, "status", "failedChecks")
			return statusOut{r.phase(), r.weight(), r.suspended(), failed, image(r.target), image(r.primary), ready(r.primary), r.same()}, nil
		},
		Tell: func(o statusOut) string {
			return fmt.Sprintf("%s, %d%% to %s; primary %s, %d ready", o.Phase, o.Weight, o.Image, o.PrimaryImage, o.PrimaryReady)
		},
		Examples: []actions.Example{{Title: "Assess a release", YAML: "uses: flagger.status\nwith: {canary: app}"}},
	})
}

func (r *release) same() bool { return sameImages(images(r.target), images(r.primary)) }

func sameImages(a, b map[string]string) bool {
	for name, image := range b {
		if a[name] != image {
			return false
		}
	}
	return len(a) == len(b)
}
