package k8s

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/runbackhq/runback/actions"
)

// checkReferences refuses a template whose config maps or secrets are gone: its
// pods would never start. What may not be read is noted.
func (cl *Cluster) checkReferences(ctx context.Context, rs *replicaSet) ([]string, error) {
	var gone, notes []string
	for _, ref := range references(&rs.Spec.Template.Spec) {
		resource, name, _ := strings.Cut(ref, "/")
		var err error
		if resource == "configmap" {
			_, err = cl.API.ConfigMaps(cl.Namespace).Get(ctx, name)
		} else {
			_, err = cl.API.Secrets(cl.Namespace).Get(ctx, name)
		}
		switch {
		case apierrors.IsNotFound(err):
			gone = append(gone, ref)
		case apierrors.IsForbidden(err):
			notes = append(notes, ref+" is needed and may not be read, so it was not checked")
		case err != nil:
			return nil, explain(ctx, err, "reading "+ref)
		}
	}
	if len(gone) > 0 {
		return nil, actions.Refuse("create them again, or choose another revision: --set revision=N",
			"%s needs what no longer exists: %s", describe(rs), strings.Join(gone, ", "))
	}
	return notes, nil
}

// references lists the config maps and secrets without which the pods of a
// template do not start.
func references(spec *corev1.PodSpec) []string {
	found := map[string]bool{}
	add := func(kind, name string, optional *bool) {
		if name != "" && (optional == nil || !*optional) {
			found[fmt.Sprintf("%s/%s", kind, name)] = true
		}
	}
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		for _, e := range c.EnvFrom {
			if e.ConfigMapRef != nil {
				add("configmap", e.ConfigMapRef.Name, e.ConfigMapRef.Optional)
			}
			if e.SecretRef != nil {
				add("secret", e.SecretRef.Name, e.SecretRef.Optional)
			}
		}
		for _, e := range c.Env {
			if e.ValueFrom == nil {
				continue
			}
			if r := e.ValueFrom.ConfigMapKeyRef; r != nil {
				add("configmap", r.Name, r.Optional)
			}
			if r := e.ValueFrom.SecretKeyRef; r != nil {
				add("secret", r.Name, r.Optional)
			}
		}
	}
	for _, v := range spec.Volumes {
		volumeReferences(v, add)
	}
	return slices.Sorted(maps.Keys(found))
}

func volumeReferences(v corev1.Volume, add func(kind, name string, optional *bool)) {
	if v.ConfigMap != nil {
		add("configmap", v.ConfigMap.Name, v.ConfigMap.Optional)
	}
	if v.Secret != nil {
		add("secret", v.Secret.SecretName, v.Secret.Optional)
	}
	if v.Projected == nil {
		return
	}
	for _, s := range v.Projected.Sources {
		if s.ConfigMap != nil {
			add("configmap", s.ConfigMap.Name, s.ConfigMap.Optional)
		}
		if s.Secret != nil {
			add("secret", s.Secret.Name, s.Secret.Optional)
		}
	}
}
