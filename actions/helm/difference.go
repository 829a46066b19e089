package helm

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/runbackhq/runback/actions"
)

// difference tells field by field what is not the same in two states of an
// object, list items by their name. It leaves out what the API server and
// controllers keep for themselves. Of a Secret it tells which keys differ, not
// what they hold.
func difference(before, after *object) []actions.FieldChange {
	d := &differ{secret: before.GetKind() == "Secret" && before.GroupVersionKind().Group == ""}
	d.walk("", bare(before), bare(after))
	return d.changes
}

func bare(obj *object) map[string]any {
	out := obj.DeepCopy().Object
	for _, field := range []string{"managedFields", "resourceVersion", "generation"} {
		unstructured.RemoveNestedField(out, "metadata", field)
	}
	// What a client-side apply of kubectl remembers repeats all of the object.
	unstructured.RemoveNestedField(out, "metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration")
	delete(out, "status")
	return out
}

type differ struct {
	secret  bool
	changes []actions.FieldChange
}

func (d *differ) walk(at string, before, after any) {
	if reflect.DeepEqual(before, after) {
		return
	}
	b, bIsMap := before.(map[string]any)
	a, aIsMap := after.(map[string]any)
	if (bIsMap || before == nil) && (aIsMap || after == nil) && len(b)+len(a) > 0 {
		for _, k := range keysOf(b, a) {
			d.walk(at+step(at, k), b[k], a[k])
		}
		return
	}
	listB, bIsList := before.([]any)
	listA, aIsList := after.([]any)
	if bIsList && aIsList && d.items(at, listB, listA) {
		return
	}
	d.add(at, before, after)
}

func (d *differ) add(at string, before, after any) {
	if d.secret && (strings.HasPrefix(at, "data") || strings.HasPrefix(at, "stringData")) {
		before, after = hidden(before, "(secret)"), hidden(after, "(another secret)")
	}
	d.changes = append(d.changes, actions.FieldChange{Path: at, Before: before, After: after})
}

func hidden(v any, word string) any {
	if v == nil {
		return nil
	}
	return word
}

// items compares two lists whose items all have names of their own, or, when
// none is added or taken away, item by item.
func (d *differ) items(at string, before, after []any) bool {
	b, okB := byName(before)
	a, okA := byName(after)
	if okB && okA {
		seen := len(d.changes)
		for _, name := range keysOf(b, a) {
			d.walk(at+"["+name+"]", b[name], a[name])
		}
		return len(d.changes) > seen // otherwise it is the order that differs
	}
	if len(before) != len(after) {
		return false
	}
	for i := range before {
		d.walk(fmt.Sprintf("%s[%d]", at, i), before[i], after[i])
	}
	return true
}

func byName(list []any) (map[string]any, bool) {
	out := map[string]any{}
	for _, v := range list {
		m, _ := v.(map[string]any)
		name, _ := m["name"].(string)
		if name == "" || out[name] != nil {
			return nil, false
		}
		out[name] = v
	}
	return out, true
}

// step writes a key so that one with a dot in it is seen to be one.
func step(at, key string) string {
	switch {
	case strings.ContainsAny(key, ".[]"):
		return "[" + key + "]"
	case at == "":
		return key
	default:
		return "." + key
	}
}

func keysOf(a, b map[string]any) []string {
	keys := slices.Sorted(maps.Keys(a))
	for k := range b {
		if _, ok := a[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}
