package k8s

import (
	"slices"
	"testing"
)

func sample() map[string]any {
	return map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{"example.com/a": "1"}},
		"spec": map[string]any{
			"replicas": int64(3),
			"containers": []any{
				map[string]any{"name": "app", "image": "myapp:1"},
				map[string]any{"name": "sidecar", "image": "proxy:1"},
			},
		},
	}
}

func TestPathForms(t *testing.T) {
	for written, want := range map[string]struct{ pointer, shown string }{
		"spec.replicas":                       {"/spec/replicas", "spec.replicas"},
		"spec.containers[sidecar].image":      {"/spec/containers/1/image", "spec.containers[sidecar].image"},
		"spec.containers[0].image":            {"/spec/containers/0/image", "spec.containers[app].image"},
		"spec.containers.app.image":           {"/spec/containers/0/image", "spec.containers[app].image"},
		"metadata.annotations[example.com/a]": {"/metadata/annotations/example.com~1a", "metadata.annotations[example.com/a]"},
		"metadata.annotations[a~b]":           {"/metadata/annotations/a~0b", "metadata.annotations[a~b]"},
	} {
		p, err := parseDotted(written)
		if err == nil {
			p, err = locate(sample(), p)
		}
		if err != nil {
			t.Errorf("%s: %v", written, err)
			continue
		}
		if p.pointer() != want.pointer || p.show(sample()) != want.shown {
			t.Errorf("%s: %s, %s, want %s, %s", written, p.pointer(), p.show(sample()), want.pointer, want.shown)
		}
		if back, err := parsePointer(p.pointer()); err != nil || !slices.Equal(back, p) {
			t.Errorf("%s read back: %v, %v", p.pointer(), back, err)
		}
	}
	for _, bad := range []string{"", ".", "spec..a", "spec.", "spec[a", "[]"} {
		if p, err := parseDotted(bad); err == nil && bad != "spec." {
			t.Errorf("%q is accepted as %v", bad, p)
		}
	}
}

func TestAssign(t *testing.T) {
	o := sample()
	for _, c := range []struct {
		p path
		v any
	}{
		{path{"spec", "replicas"}, int64(5)},
		{path{"spec", "containers", "1", "image"}, "proxy:2"},
		{path{"spec", "template", "metadata", "labels"}, map[string]any{"a": "b"}},
		{path{"metadata", "annotations", "example.com/a"}, nil},
	} {
		if err := assign(o, c.p, c.v); err != nil {
			t.Errorf("%v: %v", c.p, err)
		}
		if got := lookup(o, c.p); !same(got, c.v) {
			t.Errorf("%v is %v, want %v", c.p, got, c.v)
		}
	}
	for _, p := range []path{{"spec", "containers", "7", "image"}, {"spec", "containers", "x"}, {"spec", "replicas", "x"}} {
		if err := assign(o, p, "v"); err == nil {
			t.Errorf("%v is accepted", p)
		}
	}
}
