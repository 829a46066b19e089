package k8s

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/runtime"
)

// edit is one field that a write touches: what Prepare saw there and what shall
// be there. Nil stands for absent.
type edit struct {
	Path   path `json:"path"`
	Before any  `json:"before"`
	After  any  `json:"after"`
}

// guard is a field that a write does not touch but relies on: the name of the
// list item whose index it uses, for one.
type guard struct {
	Path  path `json:"path"`
	Value any  `json:"value"`
}

// same compares two values as JSON, since one may come from the API server and
// the other from a journal.
func same(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// editsBetween gives the smallest set of edits that makes one object of the
// other. Lists of items with names are compared item by item as long as the
// items are the same, and are one value otherwise.
func editsBetween(before, after any) ([]edit, []guard) {
	w := &editWalk{}
	w.walk(nil, before, after)
	return w.edits, w.guards
}

type editWalk struct {
	edits  []edit
	guards []guard
}

func (w *editWalk) walk(p path, before, after any) {
	if same(before, after) {
		return
	}
	b, bIsMap := before.(map[string]any)
	a, aIsMap := after.(map[string]any)
	if (bIsMap && aIsMap) || (before == nil && len(a) > 0) || (after == nil && len(b) > 0 && shared(p)) {
		for _, k := range keysOf(b, a) {
			w.walk(append(slices.Clip(p), k), b[k], a[k])
		}
		return
	}
	listB, _ := before.([]any)
	listA, _ := after.([]any)
	if !aligned(listB, listA) {
		w.edits = append(w.edits, edit{p, runtime.DeepCopyJSONValue(before), runtime.DeepCopyJSONValue(after)})
		return
	}
	for i := range listB {
		if same(listB[i], listA[i]) {
			continue
		}
		at := append(slices.Clip(p), strconv.Itoa(i))
		w.guards = append(w.guards, guard{append(slices.Clip(at), "name"), nameOf(listB[i])})
		w.walk(at, listB[i], listA[i])
	}
}

// shared says that others write to the same map, us included: the receipt is
// an annotation. Such a map is never replaced as a whole.
func shared(p path) bool {
	return len(p) == 2 && p[0] == "metadata" && (p[1] == "annotations" || p[1] == "labels")
}

// aligned says whether both lists hold items of the same names in the same
// order.
func aligned(a, b []any) bool {
	if len(a) == 0 || len(a) != len(b) {
		return false
	}
	for i := range a {
		if nameOf(a[i]) == "" || nameOf(a[i]) != nameOf(b[i]) {
			return false
		}
	}
	return true
}

func keysOf(a, b map[string]any) []string {
	all := maps.Clone(a)
	if all == nil {
		all = map[string]any{}
	}
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}
