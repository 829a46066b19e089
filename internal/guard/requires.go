package guard

// Requires lists the paths that must be known for the condition to be true or
// false; those that may be absent are not among them.
func (g *Guard) Requires() []string { return texts(g.required) }

// Requires lists the paths that must be known for the expression to have a value.
func (v *Value) Requires() []string { return texts(v.needs) }

func texts(paths []path) []string {
	out := make([]string, len(paths))
	for i, p := range paths {
		out[i] = p.String()
	}
	return out
}
