package k8s

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/runbackhq/runback/actions"
)

// manifest is an object that a step wants, checked: one of the namespace, with
// a name, and with nothing in it that is not for us to say.
type manifest struct {
	kind   kind
	name   string
	fields map[string]any
}

func (m manifest) label() string { return label(m.kind, "", m.name) }

const likeThis = "write it like {apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {…}}"

// manifestOf checks a manifest. Fields that are null count as left out, and so
// does an empty status: kubectl create --dry-run writes them.
func (cl *Cluster) manifestOf(ctx context.Context, written map[string]any) (manifest, error) {
	v, err := plain(withoutNulls(written))
	if err != nil {
		return manifest{}, actions.Invalid(likeThis, "manifest: %w", err)
	}
	m := manifest{fields: v.(map[string]any)}
	if _, isList := m.fields["items"].([]any); isList {
		return manifest{}, actions.Invalid("apply each of them in a foreach: with: {manifest: ${{ item }}}", "manifest is a list; a step applies one object")
	}
	text := func(p ...string) string { s, _ := lookup(m.fields, p).(string); return s }
	if m.name = text("metadata", "name"); m.name == "" {
		hint := likeThis
		if lookup(m.fields, path{"metadata", "generateName"}) != nil {
			hint = "give it a name: with generateName, a step that is done again makes another one"
		}
		return manifest{}, actions.Invalid(hint, "manifest has no metadata.name")
	}
	if wrong := content.IsPathSegmentName(m.name); len(wrong) > 0 {
		return manifest{}, actions.Invalid("", "metadata.name %q %s", m.name, strings.Join(wrong, ", "))
	}
	if m.kind, err = cl.exactKind(ctx, text("apiVersion"), text("kind")); err != nil {
		return manifest{}, err
	}
	if ns := lookup(m.fields, path{"metadata", "namespace"}); ns != nil && ns != cl.Namespace {
		return manifest{}, actions.Invalid("a playbook acts in its namespace and nowhere else", "manifest of %s is for namespace %q, the target is %q", m.label(), ns, cl.Namespace)
	}
	return m, m.modest()
}

// exactKind finds the kind of a manifest, in the version that it is written in.
func (cl *Cluster) exactKind(ctx context.Context, apiVersion, name string) (kind, error) {
	if apiVersion == "" || name == "" {
		return kind{}, actions.Invalid(likeThis, "manifest has no apiVersion or no kind")
	}
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		return kind{}, actions.Invalid(likeThis, "manifest: %w", err)
	}
	mapping, err := cl.API.Kinds.Mapping(ctx, schema.GroupKind{Group: gv.Group, Kind: name}, gv.Version)
	if err != nil {
		return kind{}, explain(ctx, err, fmt.Sprintf("looking up kind %s of %s", name, apiVersion))
	}
	if mapping.Scope.Name() != meta.RESTScopeNameNamespace {
		return kind{}, clusterWide(name)
	}
	k := kind{strings.ToLower(name), gv.Group, gv.Version, mapping.Resource.Resource}
	if k.is(secrets) {
		return kind{}, noSecrets("applied")
	}
	return k, nil
}

func noSecrets(done string) error {
	return actions.Invalid("change it with the tool that owns it",
		"secrets are not %s: their values would be kept in plans and journals", done)
}

// modest refuses what the API server and controllers write. Taken over from an
// object that was read, it would mean another one, or an older one.
func (m manifest) modest() error {
	if status, has := m.fields["status"]; has {
		if left, isMap := status.(map[string]any); !isMap || len(left) > 0 {
			return actions.Invalid("leave it out: controllers write it", "manifest of %s has a status", m.label())
		}
		delete(m.fields, "status")
	}
	about, _ := m.fields["metadata"].(map[string]any)
	for _, field := range keysOf(about, nil) {
		if !slices.Contains([]string{"name", "namespace", "labels", "annotations", "finalizers", "ownerReferences"}, field) {
			return actions.Invalid("leave it out: the API server writes it", "manifest of %s has metadata.%s", m.label(), field)
		}
	}
	if lookup(about, path{"annotations", receiptAnnotation}) != nil {
		return actions.Invalid("leave it out: each step writes its own", "manifest of %s has the annotation %s", m.label(), receiptAnnotation)
	}
	return nil
}

// withoutNulls gives a copy without the fields that are null, at any depth.
func withoutNulls(v any) any {
	switch x := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range x {
			if e != nil {
				out[k] = withoutNulls(e)
			}
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = withoutNulls(e)
		}
		return out
	}
	return v
}
