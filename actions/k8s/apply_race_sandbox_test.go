package k8s

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/runbackhq/runback/actions"
)

// inBetween lets somebody act once, right before a request that is met.
func (w *world) inBetween(met func(*http.Request) bool, act func()) *world {
	var acted atomic.Bool
	return w.through(func(r *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
		if met(r) && acted.CompareAndSwap(false, true) {
			act()
		}
		return send()
	})
}

// What somebody writes between the read and the dry run is theirs: it is neither
// previewed nor written nor undone as if it were of the manifest.
func TestApplyComparesOneWorld(t *testing.T) {
	w := newWorld(t)
	w.do("k8s.apply", asManifest(limitOf("x", "50")))
	racing := w.inBetween(func(r *http.Request) bool { return r.Method == http.MethodPatch }, func() {
		w.patch(configMaps, "x", `{"data":{"theirs":"1"}}`)
	})
	p := racing.must("k8s.apply", asManifest(limitOf("x", "10")))
	want := []actions.FieldChange{{Path: "data.limit", Before: "50", After: "10"}}
	if diff := cmp.Diff(want, p.preview().Changes); diff != "" {
		t.Errorf("preview (-want +got):\n%s", diff)
	}
	p.undone(p.mustRun())
	if got := w.data("x"); got != "map[limit:50 theirs:1]" {
		t.Errorf("after the undo: %s", got)
	}
}

func TestApplyToWhatGoesMeanwhile(t *testing.T) {
	w := newWorld(t)
	w.do("k8s.apply", asManifest(limitOf("x", "50")))
	racing := w.inBetween(func(r *http.Request) bool { return r.Method == http.MethodPatch }, func() { w.delete(configMaps, "x") })
	_, err := racing.prepare("k8s.apply", asManifest(limitOf("x", "10")))
	wantKind(t, err, actions.KindConflict, "configmap/x was deleted while it was looked at")
}

// A deletion that the API server gets after a change is stopped by it, and goes
// on when only what controllers write was changed.
func TestDeleteComparesInTheMoment(t *testing.T) {
	isDelete := func(r *http.Request) bool { return r.Method == http.MethodDelete && isChange(r) }
	w := newWorld(t)
	w.do("k8s.apply", asManifest(limitOf("x", "50")))
	racing := w.inBetween(isDelete, func() { w.patch(configMaps, "x", `{"data":{"theirs":"1"}}`) })
	_, err := racing.must("k8s.delete", values{"kind": "configmap", "name": "x"}).run()
	wantKind(t, err, actions.KindConflict, "data.theirs: expected (absent), found 1")
	if w.gone(configMaps, "x") {
		t.Error("it is gone, and what somebody wrote with it")
	}
	busy := w.inBetween(isDelete, func() {
		w.patch(configMaps, "x", `{"metadata":{"annotations":{"`+receiptAnnotation+`":"another/step"}}}`)
	})
	if out := busy.do("k8s.delete", values{"kind": "configmap", "name": "x"}); out["deleted"] != true {
		t.Errorf("outputs: %v", out)
	}
}

// What others add to an object that we made is not compared, wherever it is.
func TestPartOf(t *testing.T) {
	for name, c := range map[string]struct{ shape, object, want string }{
		"defaults":         {`{"spec":{"a":1}}`, `{"spec":{"a":2,"b":3},"status":{}}`, `{"spec":{"a":2}}`},
		"gone":             {`{"data":{"a":"1","b":"2"}}`, `{"data":{"a":"1"}}`, `{"data":{"a":"1"}}`},
		"items by name":    {`{"c":[{"name":"b","i":1}]}`, `{"c":[{"name":"mesh","i":9},{"name":"b","i":2,"x":1}]}`, `{"c":[{"name":"b","i":2}]}`},
		"item gone":        {`{"c":[{"name":"b"},{"name":"a"}]}`, `{"c":[{"name":"a"}]}`, `{"c":[{"name":"a"}]}`},
		"items by place":   {`{"p":[{"port":80}]}`, `{"p":[{"port":81,"protocol":"TCP"}]}`, `{"p":[{"port":81}]}`},
		"another number":   {`{"p":[{"port":80}]}`, `{"p":[{"port":80,"x":1},{"port":81}]}`, `{"p":[{"port":80,"x":1},{"port":81}]}`},
		"another type":     {`{"a":{"b":1}}`, `{"a":[1]}`, `{"a":[1]}`},
		"no list any more": {`{"a":[1]}`, `{"a":"x"}`, `{"a":"x"}`},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(fromJSON(t, c.want), partOf(fromJSON(t, c.shape), fromJSON(t, c.object))); diff != "" {
				t.Errorf("part (-want +got):\n%s", diff)
			}
		})
	}
}

// A number is written as it was given, also after a journal.
func TestApplyKeepsLargeNumbers(t *testing.T) {
	w := newRivalWorld(t)
	const text = `{apiVersion: kustomize.toolkit.fluxcd.io/v1, kind: Kustomization, metadata: {name: x}, spec: {interval: 10m, number: 9007199254740993}}`
	p := w.must("k8s.apply", asManifest(text))
	hasChange(t, p.preview(), "spec.number <nil> → 9007199254740993")
	p.mustRun()
	got, err := w.object(kustomizations, "x").MarshalJSON()
	if err != nil || !strings.Contains(string(got), "9007199254740993") {
		t.Errorf("%s, %v", got, err)
	}
}
