package k8s

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/runbackhq/runback/actions"
)

func fromJSON(t *testing.T, s string) any {
	t.Helper()
	var v any
	if err := decode([]byte(s), &v); err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return v
}

func objectOf(t *testing.T, s string) *object {
	t.Helper()
	return &object{Object: fromJSON(t, s).(map[string]any)}
}

// Whatever the two objects are: the patch that is built makes one of the other
// plus the receipt, what was tested is what was there, and the journaled form
// does the same.
func TestEditsMakeOneOfTheOther(t *testing.T) {
	for name, c := range map[string]struct{ before, after, shown string }{
		"scalar":            {`{"spec":{"replicas":1}}`, `{"spec":{"replicas":2}}`, "spec.replicas"},
		"absent before":     {`{"spec":{}}`, `{"spec":{"paused":true}}`, "spec.paused"},
		"absent after":      {`{"spec":{"paused":true}}`, `{"spec":{}}`, "spec.paused"},
		"parents missing":   {`{"spec":{}}`, `{"spec":{"template":{"metadata":{"annotations":{"a/b":"1","c":"2"}}}}}`, "spec.template.metadata.annotations[a/b] spec.template.metadata.annotations.c"},
		"first annotations": {`{"metadata":{}}`, `{"metadata":{"annotations":{"x":"1"}}}`, "metadata.annotations.x"},
		"last annotation":   {`{"metadata":{"annotations":{"x":"1"}}}`, `{"metadata":{"annotations":{}}}`, "metadata.annotations.x"},
		"named items":       {`{"c":[{"name":"a","i":1},{"name":"b","i":1}]}`, `{"c":[{"name":"a","i":1},{"name":"b","i":2}]}`, "c[b].i"},
		"item added":        {`{"c":[{"name":"a"}]}`, `{"c":[{"name":"a"},{"name":"b"}]}`, "c"},
		"order":             {`{"c":[{"name":"a"},{"name":"b"}]}`, `{"c":[{"name":"b"},{"name":"a"}]}`, "c"},
		"plain list":        {`{"c":["a"]}`, `{"c":["a","b"]}`, "c"},
		"whole map gone":    {`{"spec":{"selector":{"a":"1","b":"2"}}}`, `{"spec":{}}`, "spec.selector"},
		"scalar to map":     {`{"spec":{"port":1}}`, `{"spec":{"port":{"name":"x"}}}`, "spec.port"},
		"escapes":           {`{"spec":{"env":"a < b & c > d ü \" \\"}}`, `{"spec":{"env":"<>"}}`, "spec.env"},
		"same":              {`{"spec":{"replicas":1}}`, `{"spec":{"replicas":1}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			before, after := objectOf(t, c.before), objectOf(t, c.after)
			before.SetUID("u")
			after.SetUID("u")
			edits, guards := editsBetween(before.Object, after.Object)
			w := journaled(t, newWrite(services, before, edits, guards...))
			var shown []string
			for _, e := range w.Edits {
				shown = append(shown, e.Path.show(before.Object))
			}
			if got := strings.Join(shown, " "); got != c.shown {
				t.Errorf("edits touch %q, want %q", got, c.shown)
			}
			got, err := applied(t, before, w)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(bare(after), bare(got)); diff != "" {
				t.Errorf("after the patch (-want +got):\n%s", diff)
			}
			if got.GetAnnotations()[receiptAnnotation] != "key" {
				t.Error("receipt is missing")
			}
			for _, e := range w.Edits {
				assertCompares(t, before, w, e)
			}
		})
	}
}

// assertCompares changes the field of an edit behind the back of the write.
func assertCompares(t *testing.T, before *object, w write, e edit) {
	t.Helper()
	moved := before.DeepCopy()
	if err := assign(moved.Object, e.Path, "somebody else's"); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(w.operations(before.Object, "key"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := patchJSON(t, moved, b); err == nil {
		t.Errorf("patch does not notice that %s moved", e.Path.show(before.Object))
	}
	if err := w.conflict(moved); actions.KindOf(err) != actions.KindConflict {
		t.Errorf("conflict at %s: %v", e.Path.show(before.Object), err)
	}
}

// journaled sends a write through JSON, as a resume gets it.
func journaled(t *testing.T, w write) write {
	t.Helper()
	b, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	var out write
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func applied(t *testing.T, before *object, w write) (*object, error) {
	t.Helper()
	b, err := json.Marshal(w.operations(before.Object, "key"))
	if err != nil {
		t.Fatal(err)
	}
	return patchJSON(t, before, b)
}

// patchJSON applies a JSON patch with the library that the API server uses.
func patchJSON(t *testing.T, obj *object, patch []byte) (*object, error) {
	t.Helper()
	doc, err := json.Marshal(obj.Object)
	if err != nil {
		t.Fatal(err)
	}
	p, err := jsonpatch.DecodePatch(patch)
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.Apply(doc)
	if err != nil {
		return nil, err
	}
	return objectOf(t, string(out)), nil
}

func TestWriteDoesNotKeepTheObject(t *testing.T) {
	before := objectOf(t, `{"spec":{"selector":{"a":"1"}}}`)
	copied := runtime.DeepCopyJSON(before.Object)
	edits, _ := editsBetween(before.Object, map[string]any{"spec": map[string]any{"selector": map[string]any{"a": "2"}}})
	newWrite(services, before, edits).operations(before.Object, "key")
	if diff := cmp.Diff(copied, before.Object); diff != "" {
		t.Errorf("building a patch changed the object:\n%s", diff)
	}
}

func TestVerdict(t *testing.T) {
	const before, after, other = `"spec":{"a":1,"b":1}`, `"spec":{"a":2,"b":2}`, `"spec":{"a":1,"b":3}`
	obj := func(uid, spec, receipt string) *object {
		return objectOf(t, `{"metadata":{"uid":"`+uid+`","annotations":{"runback.dev/receipt":"`+receipt+`"}},`+spec+`}`)
	}
	prepared := obj("u", before, "")
	edits, _ := editsBetween(prepared.Object, obj("u", after, "").Object)
	w := newWrite(services, prepared, edits)
	again := w
	again.Receipt = "key" // an earlier attempt of the same step wrote
	for name, c := range map[string]struct {
		w    write
		now  *object
		want actions.Verdict
	}{
		"untouched":                     {w, obj("u", before, ""), actions.NotApplied},
		"done":                          {w, obj("u", after, "key"), actions.Applied},
		"done without receipt":          {w, obj("u", after, ""), actions.Applied},
		"done, then changed":            {w, obj("u", other, "key"), actions.Applied},
		"half":                          {w, obj("u", `"spec":{"a":2,"b":1}`, ""), actions.Partial},
		"someone else":                  {w, obj("u", other, ""), actions.Foreign},
		"made anew":                     {w, obj("v", after, "key"), actions.Foreign},
		"gone":                          {w, nil, actions.Foreign},
		"receipt of the attempt before": {again, obj("u", before, "key"), actions.NotApplied},
	} {
		if got := journaled(t, c.w).verdict(c.now, "key"); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestDifference(t *testing.T) {
	before := objectOf(t, `{"metadata":{"resourceVersion":"1","generation":1,"managedFields":[{}],"annotations":{"runback.dev/receipt":"a"}},
		"spec":{"list":[1,2],"c":[{"name":"a","x":1},{"name":"gone","x":1}],"limits":{"cpu":"1"},"labels":{"a.b/c":"1"}},"status":{"x":1}}`)
	after := objectOf(t, `{"metadata":{"resourceVersion":"2","generation":2,"annotations":{"runback.dev/receipt":"b","new":"1"}},
		"spec":{"list":[1],"c":[{"name":"a","x":2},{"name":"made","x":1}],"labels":{"a.b/c":"2"}},"status":{"x":2}}`)
	want := []actions.FieldChange{
		{Path: "metadata.annotations.new", After: "1"},
		{Path: "spec.c[a].x", Before: int64(1), After: int64(2)},
		{Path: "spec.c[gone]", Before: map[string]any{"name": "gone", "x": int64(1)}},
		{Path: "spec.c[made]", After: map[string]any{"name": "made", "x": int64(1)}},
		{Path: "spec.labels[a.b/c]", Before: "1", After: "2"},
		{Path: "spec.limits.cpu", Before: "1"},
		{Path: "spec.list", Before: []any{int64(1), int64(2)}, After: []any{int64(1)}},
	}
	if diff := cmp.Diff(want, difference(before, after)); diff != "" {
		t.Errorf("difference (-want +got):\n%s", diff)
	}
	reordered := difference(objectOf(t, `{"c":[{"name":"a"},{"name":"b"}]}`), objectOf(t, `{"c":[{"name":"b"},{"name":"a"}]}`))
	if len(reordered) != 1 || reordered[0].Path != "c" {
		t.Errorf("another order: %+v", reordered)
	}
}
