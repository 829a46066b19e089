package guard

import "slices"

// Reads says which names below a name at the top an expression reads, or that
// it reads the whole. A caller with many of them need not give them all.
type Reads struct{ paths []path }

// Reads gives what the condition reads.
func (g *Guard) Reads() Reads { return Reads{g.names} }

// Reads gives what the expression reads.
func (v *Value) Reads() Reads {
	if v.condition != nil {
		return v.condition.Reads()
	}
	return Reads{append(v.needs[:len(v.needs):len(v.needs)], v.optional...)}
}

// Has says whether anything of a name at the top is read.
func (r Reads) Has(top string) bool {
	return slices.ContainsFunc(r.paths, func(p path) bool { return p[0] == top })
}

// Below lists the names read below one at the top. All says that the name at
// the top is read as a whole.
func (r Reads) Below(top string) (names []string, all bool) {
	for _, p := range r.paths {
		switch {
		case p[0] != top:
		case len(p) == 1:
			return nil, true
		default:
			names = append(names, p[1])
		}
	}
	return names, false
}

// And joins two readings.
func (r Reads) And(other Reads) Reads {
	return Reads{append(r.paths[:len(r.paths):len(r.paths)], other.paths...)}
}
