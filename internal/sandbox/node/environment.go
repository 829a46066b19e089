package node

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubernetes/pkg/fieldpath"
	"k8s.io/kubernetes/third_party/forked/golang/expansion"
)

// environment resolves a container's variables in the order in which they are
// written, so that a later one can refer to an earlier one as $(NAME).
func (c *container) environment(ctx context.Context) ([]string, error) {
	values := map[string]string{}
	for _, from := range c.spec.EnvFrom {
		if err := c.importAll(ctx, from, values); err != nil {
			return nil, err
		}
	}
	expand := expansion.MappingFuncFor(values)
	for _, v := range c.spec.Env {
		value, ok, err := c.value(ctx, v)
		if err != nil {
			return nil, fmt.Errorf("variable %s: %w", v.Name, err)
		}
		if ok && v.ValueFrom == nil {
			value = expansion.Expand(value, expand)
		}
		if ok {
			values[v.Name] = value
		}
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		out = append(out, name+"="+values[name])
	}
	return out, nil
}

// expandAll replaces $(NAME) in the words of a command.
func expandAll(words, env []string) []string {
	values := map[string]string{}
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		values[name] = value
	}
	mapping := expansion.MappingFuncFor(values)
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = expansion.Expand(w, mapping)
	}
	return out
}

// value reports false for an optional source that does not exist.
func (c *container) value(ctx context.Context, v corev1.EnvVar) (string, bool, error) {
	from := v.ValueFrom
	switch {
	case from == nil:
		return v.Value, true, nil
	case from.FieldRef != nil:
		value, err := c.field(from.FieldRef.FieldPath)
		return value, err == nil, err
	case from.ConfigMapKeyRef != nil:
		ref := from.ConfigMapKeyRef
		data, err := c.configMap(ctx, ref.Name)
		return pick(data, ref.Key, ref.Optional, err)
	case from.SecretKeyRef != nil:
		ref := from.SecretKeyRef
		data, err := c.secret(ctx, ref.Name)
		return pick(data, ref.Key, ref.Optional, err)
	default:
		return "", false, fmt.Errorf("this kind of valueFrom is not supported by the sandbox")
	}
}

func pick(data map[string]string, key string, optional *bool, err error) (string, bool, error) {
	value, found := data[key]
	if found && err == nil {
		return value, true, nil
	}
	if optional != nil && *optional && (err == nil || apierrors.IsNotFound(err)) {
		return "", false, nil
	}
	if err == nil {
		err = fmt.Errorf("couldn't find key %s", key)
	}
	return "", false, err
}

func (c *container) field(path string) (string, error) {
	switch path {
	case "status.podIP", "status.podIPs":
		return c.pod.ip, nil
	case "status.hostIP", "status.hostIPs":
		return "127.0.0.1", nil
	case "spec.nodeName":
		return c.pod.object().Spec.NodeName, nil
	case "spec.serviceAccountName":
		return c.pod.object().Spec.ServiceAccountName, nil
	default:
		return fieldpath.ExtractFieldPathAsString(c.pod.object(), path)
	}
}

func (c *container) importAll(ctx context.Context, from corev1.EnvFromSource, into map[string]string) error {
	var data map[string]string
	var err error
	var optional *bool
	switch {
	case from.ConfigMapRef != nil:
		data, err = c.configMap(ctx, from.ConfigMapRef.Name)
		optional = from.ConfigMapRef.Optional
	case from.SecretRef != nil:
		data, err = c.secret(ctx, from.SecretRef.Name)
		optional = from.SecretRef.Optional
	}
	if err != nil {
		if apierrors.IsNotFound(err) && optional != nil && *optional {
			return nil
		}
		return err
	}
	for k, v := range data {
		into[from.Prefix+k] = v
	}
	return nil
}

func (c *container) configMap(ctx context.Context, name string) (map[string]string, error) {
	cm, err := c.pod.host.client.CoreV1().ConfigMaps(c.pod.namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	return cm.Data, nil
}

func (c *container) secret(ctx context.Context, name string) (map[string]string, error) {
	s, err := c.pod.host.client.CoreV1().Secrets(c.pod.namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	data := make(map[string]string, len(s.Data))
	for k, v := range s.Data {
		data[k] = string(v)
	}
	return data, nil
}
