package k8s

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/runbackhq/runback/actions"
)

func TestDiffering(t *testing.T) {
	const before = `{"metadata":{"uid":"u"},"spec":{"a":1,"kept":1,"sel":{"x":"1"},"on":true,
		"c":[{"name":"app","image":"v2"},{"name":"log","image":"v1"}],"r":[{"w":1},{"w":2}]}}`
	const after = `{"metadata":{"uid":"u","annotations":{"runback.dev/receipt":"mine"}},"spec":{"a":2,"kept":1,"sel":{"x":"2"},
		"c":[{"name":"app","image":"v1"},{"name":"log","image":"v1"}],"r":[{"w":1},{"w":9}]}}`
	was, will := objectOf(t, before), objectOf(t, after)
	at := func(p ...string) edit { return edit{p, lookup(was.Object, p), lookup(will.Object, p)} }
	w := newWrite(services, was, []edit{
		at("spec", "a"), at("spec", "kept"), at("spec", "sel"), at("spec", "on"),
		at("spec", "c", "0", "image"), at("spec", "r", "1", "w"),
	}, guard{path{"spec", "c", "0", "name"}, "app"})
	w.Name = "app"
	for name, c := range map[string]struct {
		now  string
		want []actions.FieldChange
	}{
		"as it was written":            {after, nil},
		"another receipt":              {`{"metadata":{"uid":"u","annotations":{"runback.dev/receipt":"theirs"}},"spec":{"a":2,"sel":{"x":"2"},"c":[{"name":"app","image":"v1"}],"r":[{"w":1},{"w":9}]}}`, nil},
		"fields that were not written": {`{"metadata":{"uid":"u"},"spec":{"a":2,"kept":5,"new":1,"sel":{"x":"2"},"c":[{"name":"app","image":"v1","x":1}],"r":[{"w":7},{"w":9}]}}`, nil},
		"each field": {before, []actions.FieldChange{
			{Path: "spec.a", Before: int64(2), After: int64(1)},
			{Path: "spec.c[app].image", Before: "v1", After: "v2"},
			{Path: "spec.on", After: true},
			{Path: "spec.r[1].w", Before: int64(9), After: int64(2)},
			{Path: "spec.sel.x", Before: "2", After: "1"},
		}},
		"a key in a map of ours": {`{"metadata":{"uid":"u"},"spec":{"a":2,"sel":{"x":"2","y":"1"},"c":[{"name":"app","image":"v1"}],"r":[{"w":1},{"w":9}]}}`,
			[]actions.FieldChange{{Path: "spec.sel.y", After: "1"}}},
		"an item moved": {`{"metadata":{"uid":"u"},"spec":{"a":2,"sel":{"x":"2"},"c":[{"name":"log","image":"v1"},{"name":"app","image":"v3"}],"r":[{"w":1},{"w":9}]}}`,
			[]actions.FieldChange{{Path: "spec.c[app].image", Before: "v1", After: "v3"}}},
		"items gone": {`{"metadata":{"uid":"u"},"spec":{"a":2,"sel":{"x":"2"},"c":[{"name":"log","image":"v1"}],"r":[{"w":1}]}}`,
			[]actions.FieldChange{{Path: "spec.c[app].image", Before: "v1"}, {Path: "spec.r[1].w", Before: int64(9)}}},
		"lists gone": {`{"metadata":{"uid":"u"},"spec":{"a":2,"sel":{"x":"2"}}}`,
			[]actions.FieldChange{{Path: "spec.c[app].image", Before: "v1"}, {Path: "spec.r[1].w", Before: int64(9)}}},
		"made anew": {`{"metadata":{"uid":"v"}}`, []actions.FieldChange{{Path: "metadata.uid", Before: "u", After: "v"}}},
		"gone":      {``, []actions.FieldChange{{Path: "metadata.uid", Before: "u"}}},
	} {
		t.Run(name, func(t *testing.T) {
			var now *object
			if c.now != "" {
				now = objectOf(t, c.now)
			}
			for i := range c.want {
				c.want[i].Object = "service/app"
			}
			got := journaled(t, w).differing(now)
			for i := range got { // numbers come from a journal
				got[i].Before, _ = plain(got[i].Before)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("differing (-want +got):\n%s", diff)
			}
		})
	}
}

func (p *prepared) differs() []actions.FieldChange {
	p.w.t.Helper()
	got, err := p.a.Differs(p.w.ctx(), p.c, p.in, p.state)
	if err != nil {
		p.w.t.Fatalf("differs %s: %v", p.a.Spec.Name, err)
	}
	return got
}

// What differs is told field by field as the preview told it: before the step
// ran everything that it would change differs, afterwards nothing does.
func TestDiffersIsThePreviewBackwards(t *testing.T) {
	steps := changing()
	steps["k8s.traffic"] = values{"route": "app", "weights": map[string]any{"stable": 100, "canary": 0}}
	for name, with := range steps {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			k := deployments
			if name == "k8s.traffic" {
				k = httpRoutes
				withRoute(w, 0)
			} else {
				withHistory(w)
			}
			p := w.must(name, with)
			told := p.preview()
			if diff := cmp.Diff(backwards(told), hideBefore(p.differs(), p.c.Key)); diff != "" {
				t.Errorf("before the step (-preview backwards +differs):\n%s", diff)
			}
			p.mustRun()
			if got := p.differs(); len(got) > 0 {
				t.Errorf("right after the step: %+v", got)
			}
			w.patch(k, "app", `{"metadata":{"annotations":{"runback.dev/receipt":"another/step","example.com/x":"1"}}}`)
			if got := p.differs(); len(got) > 0 {
				t.Errorf("after somebody wrote other fields: %+v", got)
			}
			client := w.cl.API.Dynamic.Resource(k.gvr()).Namespace(w.cl.Namespace)
			if err := client.Delete(w.ctx(), "app", metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
			w.eventually("it is gone", func() bool { return len(p.differs()) == 1 && p.differs()[0].Path == "metadata.uid" })
		})
	}
}

func backwards(p actions.Preview) []actions.FieldChange {
	var out []actions.FieldChange
	for _, ch := range p.Changes {
		out = append(out, actions.FieldChange{Object: p.Object, Path: ch.Path, Before: ch.After, After: ch.Before})
	}
	return out
}

func hideBefore(changes []actions.FieldChange, key string) []actions.FieldChange {
	for i := range changes {
		if changes[i].Before == key {
			changes[i].Before = thisStep
		}
	}
	return changes
}

func TestNothingWrittenDiffersInNothing(t *testing.T) {
	w := newWorld(t)
	w.deployed("app", "myapp:1.4.2", 1)
	p := w.must("k8s.scale", values{"deployment": "app", "replicas": 1})
	p.mustRun()
	w.patch(deployments, "app", `{"spec":{"replicas":2}}`)
	if got := p.differs(); len(got) > 0 {
		t.Errorf("differs: %+v", got)
	}
}
