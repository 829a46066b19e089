package k8s

import "encoding/json"

// operation is one operation of a JSON patch (RFC 6902).
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// MarshalJSON leaves the value out where there is none, and only there: a test
// for null is the test for an absent field.
func (o operation) MarshalJSON() ([]byte, error) {
	if o.Op == "remove" {
		return json.Marshal(map[string]any{"op": o.Op, "path": o.Path})
	}
	return json.Marshal(map[string]any{"op": o.Op, "path": o.Path, "value": o.Value})
}

// builder collects operations, and does them to a working copy of the object
// so that it knows at each of them what is there.
type builder struct {
	work       map[string]any
	operations []operation
}

func (b *builder) do(op string, p path, value any) {
	b.operations = append(b.operations, operation{op, p.pointer(), value})
	if op == "test" {
		return
	}
	// The copy gets a value of its own, or later operations would change the
	// one that is sent. A path that cannot be assigned is one that the API
	// server refuses as well, and in better words.
	if own, err := plain(value); err == nil {
		_ = assign(b.work, p, own)
	}
}

func (b *builder) test(p path, value any) { b.do("test", p, value) }

// replace tests a field for its value before and gives it the value after.
func (b *builder) replace(p path, before, after any) {
	if before == nil && after != nil {
		b.makeParents(p)
	}
	if before != nil || lookup(b.work, p[:len(p)-1]) != nil {
		b.test(p, before)
	}
	switch {
	case same(before, after):
	case after == nil:
		b.do("remove", p, nil)
	case before == nil:
		b.do("add", p, after)
	default:
		b.do("replace", p, after)
	}
}

// makeParents adds the maps that are missing on the way to a field. That they
// are missing is tested, or what somebody put there meanwhile would be lost.
func (b *builder) makeParents(p path) {
	for i := 1; i < len(p); i++ {
		if lookup(b.work, p[:i]) == nil {
			b.test(p[:i], nil)
			b.do("add", p[:i], map[string]any{})
		}
	}
}

func (w write) subresources() []string {
	if w.Subresource == "" {
		return nil
	}
	return []string{w.Subresource}
}
