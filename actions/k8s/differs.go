package k8s

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/runbackhq/runback/actions"
)

// writer is a prepared state that holds one write.
type writer interface{ wrote() write }

func (w write) wrote() write          { return w }
func (st scaleState) wrote() write    { return st.Write }
func (st setImageState) wrote() write { return st.Write }
func (st undoState) wrote() write     { return st.Write }
func (st pauseState) wrote() write    { return st.Write }
func (st trafficState) wrote() write  { return st.Write }

// differs gives the Differs of an action whose effect is its write.
func differs[In any, State writer](f family) func(context.Context, *actions.Call, In, State) ([]actions.FieldChange, error) {
	return func(ctx context.Context, c *actions.Call, _ In, st State) ([]actions.FieldChange, error) {
		w := st.wrote()
		if !w.changes() {
			return nil, nil
		}
		cl, err := f.cluster(ctx, c)
		if err != nil {
			return nil, err
		}
		obj, err := w.where(cl).find(ctx, w.Kind, w.Name)
		if err != nil {
			return nil, err
		}
		return w.differing(obj), nil
	}
}

// changes says whether there is anything to write.
func (w write) changes() bool {
	return slices.ContainsFunc(w.Edits, func(e edit) bool { return !same(e.Before, e.After) })
}

// differing gives the fields that the write set and that hold something else.
// It compares the object with itself as it would be if they still held it, in
// the same way as a preview does, so that the paths are written alike.
func (w write) differing(obj *object) []actions.FieldChange {
	if w.identity(obj) != nil {
		gone := actions.FieldChange{Object: w.object(), Path: "metadata.uid", Before: w.UID}
		if obj != nil {
			gone.After = string(obj.GetUID())
		}
		return []actions.FieldChange{gone}
	}
	held := obj.DeepCopy()
	var out []actions.FieldChange
	for _, e := range w.Edits {
		if same(e.Before, e.After) {
			continue
		}
		at, there := w.whereNow(e.Path, obj)
		value, err := plain(e.After)
		if !there || err != nil || assign(held.Object, at, value) != nil {
			out = append(out, actions.FieldChange{Path: w.showAt(e.Path, obj), Before: e.After})
		}
	}
	out = append(w.difference(held, obj), out...)
	for i := range out {
		out[i].Object = w.object()
	}
	return out
}

// whereNow follows the items of lists that the write guards by their name:
// somebody may have put others before them.
func (w write) whereNow(p path, obj *object) (path, bool) {
	out := slices.Clone(p)
	for i, segment := range p {
		switch parent := lookup(obj.Object, out[:i]).(type) {
		case []any:
			name := w.itemName(p[:i+1])
			if name == "" {
				continue
			}
			n, err := strconv.Atoi(segment)
			if err == nil && n < len(parent) && nameOf(parent[n]) == name {
				continue
			}
			n = slices.IndexFunc(parent, func(v any) bool { return nameOf(v) == name })
			if n < 0 {
				return nil, false
			}
			out[i] = strconv.Itoa(n)
		case nil:
			if isIndex(segment) {
				return nil, false
			}
		}
	}
	return out, true
}

// itemName gives the name that the write expects at an item of a list, or "".
func (w write) itemName(item path) string {
	for _, g := range w.Guards {
		if n := len(g.Path) - 1; n == len(item) && g.Path[n] == "name" && slices.Equal(g.Path[:n], item) {
			name, _ := g.Value.(string)
			return name
		}
	}
	return ""
}

// showAt writes a path of which a part may be gone as it was shown when all of
// it was there.
func (w write) showAt(p path, obj *object) string {
	out := ""
	for i, segment := range p {
		_, inMap := lookup(obj.Object, p[:i]).(map[string]any)
		switch name := w.itemName(p[:i+1]); {
		case name != "":
			out += "[" + name + "]"
		case isIndex(segment) && !inMap:
			out += "[" + segment + "]"
		default:
			out += key(out, segment)
		}
	}
	return out
}

func isIndex(segment string) bool { return strings.Trim(segment, "0123456789") == "" }
