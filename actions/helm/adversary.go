package helm

import (
	"context"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/runbackhq/runback/actions"
)

// adversaries names who deploys the objects by themselves, as their labels and
// annotations say, and will deploy again what Git says.
func (cl Cluster) adversaries(ctx context.Context, live []*object) (found []actions.Adversary, notes []string) {
	seen := map[string]bool{}
	for _, obj := range live {
		if name := obj.GetLabels()["helm.toolkit.fluxcd.io/name"]; name != "" {
			namespace := obj.GetLabels()["helm.toolkit.fluxcd.io/namespace"]
			if !seen["flux "+namespace+"/"+name] {
				seen["flux "+namespace+"/"+name] = true
				a, note := cl.flux(ctx, namespace, name)
				found, notes = append(found, a...), append(notes, note...)
			}
		}
		if app := argo(obj); app != "" && !seen["argo "+app] {
			seen["argo "+app] = true
			found = append(found, actions.Adversary{
				Controller: "Argo CD", Object: "application/" + app, Suspends: true,
				Effect: "applies what Git says, now or at the next change of it", Remedy: "hold it before: k8s.suspend {kind: argocd, name: " + app + "}",
			})
		}
	}
	return found, notes
}

// flux asks whether the HelmRelease is suspended; where it may not be read, it is
// taken for at work.
func (cl Cluster) flux(ctx context.Context, namespace, name string) ([]actions.Adversary, []string) {
	object, with := "helmrelease/"+name, "kind: flux-helmrelease, name: "+name
	if namespace != "" && namespace != cl.Namespace {
		object, with = "helmrelease/"+namespace+"/"+name, with+", namespace: "+namespace
	}
	at, err := cl.API.Kinds.Mapping(ctx, schema.GroupKind{Group: "helm.toolkit.fluxcd.io", Kind: "HelmRelease"})
	if err == nil {
		if obj, err := cl.API.Dynamic.Resource(at.Resource).Namespace(namespace).Get(ctx, name, metav1.GetOptions{}); err == nil {
			if on, _, _ := unstructured.NestedBool(obj.Object, "spec", "suspend"); on {
				return nil, []string{"Flux " + object + " is suspended"}
			}
		}
	}
	return []actions.Adversary{{
		Controller: "Flux", Object: object, Suspends: true,
		Effect: "upgrades the release to what Git says when it reconciles", Remedy: fmt.Sprintf("hold it before: k8s.suspend {%s}", with),
	}}, nil
}

// argo gives the application that an object is tracked by. The label
// app.kubernetes.io/instance is no sign of it: charts set it too.
func argo(obj *object) string {
	if id := obj.GetAnnotations()["argocd.argoproj.io/tracking-id"]; id != "" {
		app, _, _ := strings.Cut(id, ":")
		return app
	}
	return obj.GetLabels()["argocd.argoproj.io/instance"]
}
