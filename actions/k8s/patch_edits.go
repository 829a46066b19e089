package k8s

import (
	"fmt"
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/runbackhq/runback/actions"
)

// edits turns any of the three forms of a patch into edits of the object.
func (in patchIn) edits(live map[string]any) ([]edit, []guard, error) {
	forms := 0
	for _, given := range []bool{in.Merge != nil, in.JSON != nil, in.Replace != nil} {
		if given {
			forms++
		}
	}
	if forms != 1 {
		return nil, nil, actions.Invalid("give exactly one of merge, json and replace", "patch has %d of the forms merge, json and replace", forms)
	}
	var edits []edit
	var guards []guard
	var err error
	switch {
	case in.Merge != nil:
		edits, guards, err = mergeEdits(live, in.Merge)
	case in.JSON != nil:
		edits, guards, err = jsonEdits(live, in.JSON)
	default:
		edits, err = replaceEdits(live, in.Replace)
	}
	if err != nil {
		return nil, nil, err
	}
	return edits, guards, allowed(edits)
}

// allowed keeps a patch off fields whose change is not the change of a field.
func allowed(edits []edit) error {
	for _, e := range edits {
		if !isField(e) {
			return actions.Invalid("patch fields under spec or data, or labels and annotations", "%s cannot be patched", e.Path.show(nil))
		}
	}
	return nil
}

// isField lets through what lies at the top of an object if it is no map: the
// rules of a Role, whether a ConfigMap is immutable.
func isField(e edit) bool {
	root := e.Path[0]
	switch {
	case root == "apiVersion", root == "kind", root == "status":
		return false
	case root == "metadata":
		return len(e.Path) > 1 && (e.Path[1] == "annotations" || e.Path[1] == "labels")
	case len(e.Path) > 1:
		return true
	}
	_, was := e.Before.(map[string]any)
	_, will := e.After.(map[string]any)
	return !was && !will
}

// mergeEdits follows RFC 7386: null removes, maps are merged, all else replaces.
func mergeEdits(live map[string]any, merge any) ([]edit, []guard, error) {
	v, err := plain(merge)
	if err != nil {
		return nil, nil, fmt.Errorf("merge: %w", err)
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, nil, actions.Invalid("write it as merge: {spec: {...}}", "merge is not a map")
	}
	edits, guards := editsBetween(live, merged(live, m))
	return edits, guards, nil
}

func merged(live any, with map[string]any) map[string]any {
	out := map[string]any{}
	if m, ok := live.(map[string]any); ok {
		out = runtime.DeepCopyJSON(m)
	}
	for k, v := range with {
		switch x := v.(type) {
		case nil:
			delete(out, k)
		case map[string]any:
			out[k] = merged(out[k], x)
		default:
			out[k] = v
		}
	}
	return out
}

func replaceEdits(live map[string]any, values map[string]any) ([]edit, error) {
	var edits []edit
	for _, written := range keysOf(values, nil) {
		p, err := parseDotted(written)
		if err == nil {
			p, err = locate(live, p)
		}
		if err != nil {
			return nil, actions.Invalid("", "replace: %w", err)
		}
		after, err := plain(values[written])
		if err != nil {
			return nil, fmt.Errorf("replace %s: %w", written, err)
		}
		edits = append(edits, edit{p, lookup(live, p), after})
	}
	return edits, nil
}

// jsonEdits does the operations to a copy of the object. The tests become
// guards, so that the API server makes them again in the moment of the write.
func jsonEdits(live map[string]any, ops []patchOp) ([]edit, []guard, error) {
	work := runtime.DeepCopyJSON(live)
	var tests []guard
	for i, o := range ops {
		p, err := parsePointer(o.Path)
		if err != nil {
			return nil, nil, actions.Invalid("", "operation %d: %w", i+1, err)
		}
		value, err := plain(o.Value)
		if err != nil {
			return nil, nil, fmt.Errorf("operation %d: %w", i+1, err)
		}
		if o.Op != "test" {
			if err := operate(work, o.Op, p, value); err != nil {
				return nil, nil, actions.Invalid("", "operation %d: %w", i+1, err)
			}
			continue
		}
		if found := lookup(work, p); !same(found, value) {
			return nil, nil, actions.Refuse("look at what changed it, then decide by hand",
				"%s is %s, not %s: someone else changed it", p.show(live), short(found), short(value))
		}
		if same(lookup(live, p), value) && lookup(live, p[:len(p)-1]) != nil {
			tests = append(tests, guard{p, value})
		}
	}
	edits, guards := editsBetween(live, work)
	return edits, append(tests, guards...), nil
}

// operate does one operation. Unlike in RFC 6902, maps that are missing on the
// way to an added field are made: the API server drops a map that became empty,
// and an undo must be able to fill it again.
func operate(work map[string]any, op string, p path, value any) error {
	parent, last := lookup(work, p[:len(p)-1]), p[len(p)-1]
	if list, ok := parent.([]any); ok && op != "replace" {
		changed, err := operateList(list, op, last, value)
		if err != nil {
			return fmt.Errorf("%s: %w", p.pointer(), err)
		}
		return assign(work, p[:len(p)-1], changed)
	}
	if op != "add" && lookup(work, p) == nil {
		return fmt.Errorf("%s is absent", p.pointer())
	}
	if op == "remove" {
		value = nil
	}
	return assign(work, p, value)
}

func operateList(list []any, op, at string, value any) ([]any, error) {
	if op == "add" && at == "-" {
		return append(slices.Clone(list), value), nil
	}
	n, err := strconv.Atoi(at)
	if err != nil || n < 0 || n > len(list) || (op == "remove" && n == len(list)) {
		return nil, fmt.Errorf("list of %d items has no place %q", len(list), at)
	}
	if op == "remove" {
		return slices.Delete(slices.Clone(list), n, n+1), nil
	}
	return slices.Insert(slices.Clone(list), n, value), nil
}
