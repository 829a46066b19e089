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
