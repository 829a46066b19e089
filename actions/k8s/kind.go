package k8s

import (
	"context"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/runbackhq/runback/actions"
)

// kind is a kind of object as the API server serves it.
type kind struct {
	Name     string `json:"name"` // as people write it: deployment
	Group    string `json:"group,omitempty"`
	Version  string `json:"version"`
	Resource string `json:"resource"` // deployments
}

// The kinds that actions name themselves; the rest is looked up.
//
//nolint:gochecknoglobals // constants in all but name
var (
	deployments = kind{"deployment", "apps", "v1", "deployments"}
	replicaSets = kind{"replicaset", "apps", "v1", "replicasets"}
	services    = kind{"service", "", "v1", "services"}
	secrets     = kind{"secret", "", "v1", "secrets"}
	podKind     = kind{"pod", "", "v1", "pods"}
	httpRoutes  = kind{"httproute", "gateway.networking.k8s.io", "v1", "httproutes"}
)

func (k kind) gvr() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: k.Group, Version: k.Version, Resource: k.Resource}
}

func (k kind) is(other kind) bool { return k.Group == other.Group && k.Resource == other.Resource }

// kindOf finds the kind that people call by this name: deployment,
// Deployments, deploy, deployments.apps.
func (cl *Cluster) kindOf(ctx context.Context, name string) (kind, error) {
	for _, k := range []kind{deployments, replicaSets, services, secrets, podKind} {
		if lower := strings.ToLower(name); lower == k.Name || lower == k.Resource {
			return k, nil
		}
	}
	gr := schema.ParseGroupResource(strings.ToLower(name))
	gvr, err := cl.Mapper.ResourceForWithContext(ctx, gr.WithVersion(""))
	if err != nil {
		return kind{}, explain(ctx, err, "looking up kind "+name)
	}
	gvk, err := cl.Mapper.KindForWithContext(ctx, gvr)
	if err != nil {
		return kind{}, explain(ctx, err, "looking up kind "+name)
	}
	mapping, err := cl.Mapper.RESTMappingWithContext(ctx, gvk.GroupKind(), gvk.Version)
	if err != nil {
		return kind{}, explain(ctx, err, "looking up kind "+name)
	}
	if mapping.Scope.Name() != meta.RESTScopeNameNamespace {
		return kind{}, actions.Invalid("a playbook acts in its namespace and nowhere else",
			"%s belongs to the whole cluster, not to a namespace", strings.ToLower(gvk.Kind))
	}
	return kind{strings.ToLower(gvk.Kind), gvr.Group, gvr.Version, gvr.Resource}, nil
}
