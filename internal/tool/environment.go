package tool

import (
	"os"
	"slices"
	"strings"
)

// Environment gives our own environment with some variables set, and without
// those whose names begin with one of drop. A name stands in it once: which of
// two counts would be up to the program.
func Environment(set map[string]string, drop ...string) []string {
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		_, ours := set[name]
		return ours || slices.ContainsFunc(drop, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
	})
	for name, value := range set {
		env = append(env, name+"="+value)
	}
	slices.Sort(env)
	return env
}

// Without leaves variables out of an environment: those that hold a secret which
// the program has no use for.
func Without(env []string, names ...string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return slices.Contains(names, name)
	})
}

// Minimal gives what any program needs and nothing that could hold a secret:
// where programs and the home folder are, and the language.
func Minimal(set map[string]string) []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "USER", "LANG", "TMPDIR", "XDG_CONFIG_HOME"} {
		if v, ok := os.LookupEnv(name); ok && set[name] == "" {
			env = append(env, name+"="+v)
		}
	}
	for name, value := range set {
		env = append(env, name+"="+value)
	}
	slices.Sort(env)
	return env
}
