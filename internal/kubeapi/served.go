package kubeapi

import (
	"context"
	"encoding/json"
	"fmt"

	discovery "k8s.io/api/apidiscovery/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
)

// asked asks for everything at once, which API servers give since 1.27
// (kubernetes.io/docs/concepts/overview/kubernetes-api, aggregated discovery);
// older ones answer in the old form, which names the groups only.
const asked = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList," +
	"application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList," +
	"application/json"

// version is a version of a group with the kinds in it.
type version struct {
	schema.GroupVersion
	kinds []metav1.APIResource
}

// versions asks the API server for all versions of all groups: the core group
// first, the groups in the order of the API server, which is that of its
// preference, and so the versions of a group.
func versions(ctx context.Context, c rest.Interface) ([]version, error) {
	var out []version
	for _, root := range []string{"/api", "/apis"} {
		body, err := raw(c.Get().AbsPath(root).SetHeader("Accept", asked).Do(ctx))
		if apierrors.IsNotFound(err) {
			continue // it serves none of these
		}
		if err != nil {
			return nil, err
		}
		var kind metav1.TypeMeta
		if err := json.Unmarshal(body, &kind); err != nil {
			return nil, fmt.Errorf("list of %s cannot be read: %w", root, err)
		}
		var found []version
		switch kind.Kind {
		case "APIGroupDiscoveryList":
			found, err = atOnce(body)
		case "APIVersions", "APIGroupList":
			found, err = oneByOne(ctx, c, body)
		default:
			err = fmt.Errorf("the answer of the API server is of kind %q", kind.Kind)
		}
		if err != nil {
			return nil, fmt.Errorf("kinds under %s: %w", root, err)
		}
		out = append(out, found...)
	}
	return out, nil
}

func raw(answer rest.Result) ([]byte, error) {
	if err := answer.Error(); err != nil {
		return nil, err
	}
	return answer.Raw()
}

// atOnce reads the new form. A group whose own server does not answer has no
// kinds in it, or old ones: what is behind it cannot be reached anyway.
func atOnce(body []byte) ([]version, error) {
	var list discovery.APIGroupDiscoveryList
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, err
	}
	var out []version
	for _, group := range list.Items {
		for _, v := range group.Versions {
			if v.Freshness == discovery.DiscoveryFreshnessStale {
				continue
			}
			next := version{GroupVersion: schema.GroupVersion{Group: group.Name, Version: v.Version}}
			for _, r := range v.Resources {
				if r.ResponseKind == nil || r.ResponseKind.Kind == "" {
					continue // only its subresources are served
				}
				next.kinds = append(next.kinds, metav1.APIResource{
					Name: r.Resource, SingularName: r.SingularResource, Namespaced: r.Scope == discovery.ScopeNamespace,
					Kind: r.ResponseKind.Kind, ShortNames: r.ShortNames,
				})
			}
			out = append(out, next)
		}
	}
	return out, nil
}

// oneByOne reads the old form, of the core group or of the others, and asks for
// each version. A group whose own server does not answer is left out.
func oneByOne(ctx context.Context, c rest.Interface, body []byte) ([]version, error) {
	var root struct {
		Versions []string // of the core group
		Groups   []metav1.APIGroup
	}
	if err := json.Unmarshal(body, &root); err != nil {
		return nil, err
	}
	var out []version
	for _, v := range root.Versions {
		out = append(out, version{GroupVersion: schema.GroupVersion{Version: v}})
	}
	for _, group := range root.Groups {
		for _, v := range preferredFirst(group) {
			out = append(out, version{GroupVersion: schema.GroupVersion{Group: group.Name, Version: v}})
		}
	}
	kept := out[:0]
	for _, v := range out {
		path := "/apis/" + v.String()
		if v.Group == "" {
			path = "/api/" + v.Version
		}
		list, err := read[metav1.APIResourceList](c.Get().AbsPath(path).Do(ctx))
		switch {
		case err == nil:
			v.kinds = list.APIResources
			kept = append(kept, v)
		case ctx.Err() != nil, v.Group == "":
			return nil, err
		case !apierrors.IsNotFound(err) && !apierrors.IsServiceUnavailable(err):
			return nil, err
		}
	}
	return kept, nil
}

func preferredFirst(group metav1.APIGroup) []string {
	first := group.PreferredVersion.Version
	out := []string{}
	if first != "" {
		out = append(out, first)
	}
	for _, v := range group.Versions {
		if v.Version != first {
			out = append(out, v.Version)
		}
	}
	return out
}
