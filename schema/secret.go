package schema

import (
	"fmt"
	"maps"
	"slices"
)

// SecretSource says where the value of a secret is. It is read when a run
// begins, and again when it is resumed; it is never recorded.
type SecretSource struct {
	Env        string     `json:"env,omitempty" doc:"variable of the environment of runback"`
	File       string     `json:"file,omitempty" doc:"file that holds it and nothing else, a last newline aside; at most 64 KiB"`
	Kubernetes *SecretKey `json:"kubernetes,omitempty" doc:"key of a Secret in the namespace of the target"`
}

// SecretKey is one key of a Kubernetes Secret.
type SecretKey struct {
	Secret string `json:"secret" doc:"name of the Secret"`
	Key    string `json:"key" doc:"key of its data"`
}

// String says where the value is, without it.
func (s SecretSource) String() string {
	switch {
	case s.Env != "":
		return "variable " + s.Env
	case s.File != "":
		return "file " + s.File
	case s.Kubernetes != nil:
		return fmt.Sprintf("key %s of Secret %s", s.Kubernetes.Key, s.Kubernetes.Secret)
	default:
		return "nowhere"
	}
}

func (c *checker) secrets(sources map[string]SecretSource, t Target) {
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		s, at := sources[name], c.at("spec", "secrets", name)
		given := 0
		for _, there := range []bool{s.Env != "", s.File != "", s.Kubernetes != nil} {
			if there {
				given++
			}
		}
		switch {
		case !isID(name):
			c.fail(at, "use lower-case letters, digits and underscores", "secret name %q cannot be used", name)
		case given != 1:
			c.fail(at, "write one of env, file, kubernetes", "secret %q has %d places where its value is", name, given)
		case s.Kubernetes != nil && t.Kubernetes == nil:
			c.fail(at, "name a namespace under spec.target.kubernetes", "secret %q is in Kubernetes, and the target has none", name)
		}
	}
}
