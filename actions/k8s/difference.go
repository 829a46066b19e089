package k8s

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/runbackhq/runback/actions"
)

// difference tells field by field what is not the same in two states of an
// object, list items by their name. It leaves out what the API server and
// controllers keep for themselves, and our receipt.
func difference(before, after *object) []actions.FieldChange {
	d := &differ{}
	d.walk("", bare(before), bare(after))
	return d.changes
}

// difference is that of two states of the object of a write. A subresource is a
// status, in which controllers write all the time: only what the write touches
// is told.
func (w write) difference(before, after *object) []actions.FieldChange {
	if w.Subresource == "" {
		return difference(before, after)
	}
	d := &differ{}
	for _, e := range w.Edits {
		d.walk(e.Path.show(before.Object), lookup(before.Object, e.Path), lookup(after.Object, e.Path))
	}
	return d.changes
}

func bare(obj *object) map[string]any {
	out := obj.DeepCopy().Object
	for _, field := range []string{"managedFields", "resourceVersion", "generation"} {
		unstructured.RemoveNestedField(out, "metadata", field)
	}
	unstructured.RemoveNestedField(out, "metadata", "annotations", receiptAnnotation)
	if left, _ := lookup(out, path{"metadata", "annotations"}).(map[string]any); len(left) == 0 {
		unstructured.RemoveNestedField(out, "metadata", "annotations")
	}
	delete(out, "status")
	return out
}

type differ struct{ changes []actions.FieldChange }

func (d *differ) walk(at string, before, after any) {
	if same(before, after) {
		return
	}
	b, bIsMap := before.(map[string]any)
	a, aIsMap := after.(map[string]any)
	if (bIsMap || before == nil) && (aIsMap || after == nil) && len(b)+len(a) > 0 {
		for _, k := range keysOf(b, a) {
			d.walk(at+key(at, k), b[k], a[k])
		}
		return
	}
	listB, bIsList := before.([]any)
	listA, aIsList := after.([]any)
	if !bIsList || !aIsList || !d.items(at, listB, listA) {
		d.add(at, before, after)
	}
}

// items compares two lists whose items all have names of their own, or, when
// none is added or taken away, item by item.
func (d *differ) items(at string, before, after []any) bool {
	b, okB := byName(before)
	a, okA := byName(after)
	if !okB || !okA {
		if len(before) != len(after) {
			return false
		}
		for i := range before {
			d.walk(fmt.Sprintf("%s[%d]", at, i), before[i], after[i])
		}
		return true
	}
	seen := len(d.changes)
	for _, name := range keysOf(b, a) {
		where := at + "[" + name + "]"
		if b[name] == nil || a[name] == nil {
			d.add(where, b[name], a[name])
			continue
		}
		d.walk(where, b[name], a[name])
	}
	return len(d.changes) > seen // otherwise it is the order that differs
}

func byName(list []any) (map[string]any, bool) {
	out := map[string]any{}
	for _, v := range list {
		name := nameOf(v)
		if name == "" || out[name] != nil {
			return nil, false
		}
		out[name] = v
	}
	return out, true
}

func (d *differ) add(at string, before, after any) {
	d.changes = append(d.changes, actions.FieldChange{Path: at, Before: before, After: after})
}

// summarise tells the changes in one line.
func summarise(changes []actions.FieldChange) string {
	if len(changes) == 0 {
		return "nothing to do"
	}
	var parts []string
	for i, ch := range changes {
		if i == 3 {
			parts = append(parts, fmt.Sprintf("and %d more", len(changes)-i))
			break
		}
		parts = append(parts, fmt.Sprintf("%s %s → %s", ch.Path, short(ch.Before), short(ch.After)))
	}
	return strings.Join(parts, ", ")
}

// short writes a value for a line of text.
func short(v any) string {
	switch x := v.(type) {
	case nil:
		return "(absent)"
	case map[string]any, []any:
		b, err := plainText(x)
		if err == nil && len(b) <= 80 {
			return b
		}
		return "(…)"
	}
	s := fmt.Sprint(v)
	if r := []rune(s); len(r) > 80 {
		return string(r[:79]) + "…"
	}
	return s
}
