package actions

import (
	"fmt"
	"maps"
	"slices"
)

// Registry is the set of known actions by name. It is a value: it is passed,
// and a test can make its own.
type Registry map[string]Action

// NewRegistry collects actions. Two actions of one name are a mistake.
func NewRegistry(lists ...[]Action) (Registry, error) {
	r := Registry{}
	for _, list := range lists {
		for _, a := range list {
			if _, dup := r[a.Spec.Name]; dup {
				return nil, fmt.Errorf("action %q is defined twice", a.Spec.Name)
			}
			r[a.Spec.Name] = a
		}
	}
	return r, nil
}

// Names lists the actions in alphabetical order.
func (r Registry) Names() []string { return slices.Sorted(maps.Keys(r)) }
