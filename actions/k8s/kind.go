package k8s

import (
	"context"
	"regexp"
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

	statefulSets = kind{"statefulset", "apps", "v1", "statefulsets"}
	daemonSets   = kind{"daemonset", "apps", "v1", "daemonsets"}
	revisions    = kind{"controllerrevision", "apps", "v1", "controllerrevisions"}

	services   = kind{"service", "", "v1", "services"}
	secrets    = kind{"secret", "", "v1", "secrets"}
	podKind    = kind{"pod", "", "v1", "pods"}
	claims     = kind{"persistentvolumeclaim", "", "v1", "persistentvolumeclaims"}
	jobs       = kind{"job", "batch", "v1", "jobs"}
	httpRoutes = kind{"httproute", "gateway.networking.k8s.io", "v1", "httproutes"}
	ingresses  = kind{"ingress", "networking.k8s.io", "v1", "ingresses"}

	virtualServices  = kind{"virtualservice", "networking.istio.io", "v1", "virtualservices"}
	destinationRules = kind{"destinationrule", "networking.istio.io", "v1", "destinationrules"}

	autoscalers    = kind{"horizontalpodautoscaler", "autoscaling", "v2", "horizontalpodautoscalers"}
	scaledObjects  = kind{"scaledobject", "keda.sh", "v1alpha1", "scaledobjects"}
	vertical       = kind{"verticalpodautoscaler", "autoscaling.k8s.io", "v1", "verticalpodautoscalers"}
	applications   = kind{"application", "argoproj.io", "v1alpha1", "applications"}
	appSets        = kind{"applicationset", "argoproj.io", "v1alpha1", "applicationsets"}
	kustomizations = kind{"kustomization", "kustomize.toolkit.fluxcd.io", "v1", "kustomizations"}
	helmReleases   = kind{"helmrelease", "helm.toolkit.fluxcd.io", "v2", "helmreleases"}
	canaries       = kind{"canary", "flagger.app", "v1beta1", "canaries"}
)

func (k kind) gvr() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: k.Group, Version: k.Version, Resource: k.Resource}
}

func (k kind) is(other kind) bool { return k.Group == other.Group && k.Resource == other.Resource }

// label names an object; the namespace stands in it when it is not that of the
// target.
func label(k kind, namespace, name string) string {
	if namespace != "" {
		name = namespace + "/" + name
	}
	return k.Name + "/" + name
}

// group names the resource so that it cannot be mistaken: deployments.apps.
func (k kind) group() string {
	return schema.GroupResource{Group: k.Group, Resource: k.Resource}.String()
}

// served gives the kind in the version that the API server prefers, or false
// when it does not know it. A version that the kind has in all clusters is kept.
func (cl *Cluster) served(ctx context.Context, k kind) (kind, bool, error) {
	if k.is(autoscalers) {
		return k, true, nil
	}
	gvr, err := cl.API.Kinds.Known(ctx, schema.GroupVersionResource{Group: k.Group, Resource: k.Resource})
	if meta.IsNoMatchError(err) {
		return k, false, nil
	}
	if err != nil {
		return k, false, explain(ctx, err, "looking up kind "+k.group())
	}
	k.Version = gvr.Version
	return k, true, nil
}

// withVersion is the form of kubectl that names a version too, as in
// horizontalpodautoscalers.v1.autoscaling.
var withVersion = regexp.MustCompile(`^([^.]+)\.(v[0-9]+(?:(?:alpha|beta)[0-9]+)?)\.(.+)$`)

// versioned names the kind in that form. The core group has one version.
func (k kind) versioned() string {
	if k.Group == "" || k.Group == "apps" {
		return k.Name
	}
	return k.Resource + "." + k.Version + "." + k.Group
}

func clusterWide(name string) error {
	return actions.Invalid("a playbook acts in its namespace and nowhere else",
		"%s belongs to the whole cluster, not to a namespace", strings.ToLower(name))
}

// kindOf finds the kind that people call by this name: deployment,
// Deployments, deploy, deployments.apps, deployments.v1.apps.
func (cl *Cluster) kindOf(ctx context.Context, name string) (kind, error) {
	for _, k := range []kind{deployments, statefulSets, daemonSets, replicaSets, services, secrets, podKind} {
		if lower := strings.ToLower(name); lower == k.Name || lower == k.Resource {
			return k, nil
		}
	}
	wanted := schema.ParseGroupResource(strings.ToLower(name)).WithVersion("")
	if m := withVersion.FindStringSubmatch(strings.ToLower(name)); m != nil {
		wanted = schema.GroupVersionResource{Resource: m[1], Version: m[2], Group: m[3]}
	}
	gvr, err := cl.API.Kinds.Resource(ctx, wanted)
	if err != nil {
		return kind{}, explain(ctx, err, "looking up kind "+name)
	}
	gvk, err := cl.API.Kinds.Kind(ctx, gvr)
	if err != nil {
		return kind{}, explain(ctx, err, "looking up kind "+name)
	}
	mapping, err := cl.API.Kinds.Mapping(ctx, gvk.GroupKind(), gvk.Version)
	if err != nil {
		return kind{}, explain(ctx, err, "looking up kind "+name)
	}
	if mapping.Scope.Name() != meta.RESTScopeNameNamespace {
		return kind{}, clusterWide(gvk.Kind)
	}
	return kind{strings.ToLower(gvk.Kind), gvr.Group, gvr.Version, gvr.Resource}, nil
}
