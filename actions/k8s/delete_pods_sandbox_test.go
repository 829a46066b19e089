package k8s

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/runbackhq/runback/actions"
)

const ofApp = "track=app"

func (w *world) podsWith(selector string) []corev1.Pod {
	w.t.Helper()
	found, err := w.typed.CoreV1().Pods(w.cl.Namespace).List(w.ctx(), metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		w.t.Fatal(err)
	}
	return found.Items
}

func (w *world) uids(selector string) []string {
	var out []string
	for _, p := range w.podsWith(selector) {
		out = append(out, string(p.UID))
	}
	slices.Sort(out)
	return out
}

func (w *world) budget(name string, least int) {
	w.t.Helper()
	n := intstr.FromInt(least)
	b := &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: policyv1.PodDisruptionBudgetSpec{MinAvailable: &n, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"track": "app"}}}}
	client := w.typed.PolicyV1().PodDisruptionBudgets(w.cl.Namespace)
	if _, err := client.Create(w.ctx(), b, metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}
	w.eventually("the budget is counted", func() bool {
		got, err := client.Get(w.ctx(), name, metav1.GetOptions{})
		return err == nil && got.Status.ObservedGeneration >= got.Generation && got.Status.CurrentHealthy > 0
	})
}

// runFor runs a step whose time is over after d, as an executor would: the cause
// says that it is a matter of time.
func (p *prepared) runFor(d time.Duration) error {
	ctx, cancel := context.WithTimeout(p.w.t.Context(), d)
	defer cancel()
	_, err := p.a.Run(ctx, p.c, p.in, p.state)
	return err
}

func TestDeletePodsOneAtATime(t *testing.T) {
	w := newWorld(t)
	w.deployed("app", "myapp:1.4.2", 3)
	before := w.uids(ofApp)
	p := w.must("k8s.delete_pods", values{"selector": ofApp})
	v := p.preview()
	if len(v.Changes) != 3 || v.Summary != "evicts 3 pods, 3 of them ready" || v.Label != actions.Predicted {
		t.Errorf("preview: %+v", v)
	}
	var least atomic.Int32
	least.Store(3)
	watching, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for watching.Err() == nil {
			pods, err := w.typed.CoreV1().Pods(w.cl.Namespace).List(watching, metav1.ListOptions{LabelSelector: ofApp})
			if err != nil {
				continue
			}
			if n := int32(count(pods.Items, serving)); n < least.Load() {
				least.Store(n)
			}
		}
	}()
	out := p.mustRun()
	stop()
	<-done
	if out["removed"] != 3 || out["ready"] != 3 {
		t.Errorf("outputs: %v", out)
	}
	if n := least.Load(); n != 2 {
		t.Errorf("%d pods were ready at the lowest, want 2", n)
	}
	after := w.uids(ofApp)
	for _, uid := range before {
		if slices.Contains(after, uid) {
			t.Errorf("pod %s is still there", uid)
		}
	}
	if v := p.probe(); v != actions.Applied {
		t.Errorf("probe: %s", v)
	}
	if again := p.mustRun(); again["removed"] != 3 || !slices.Equal(w.uids(ofApp), after) {
		t.Errorf("the same step once more removed replacements: %v, %v", again, after)
	}
}

// What an interrupted run left of the list is removed, and no replacement.
func TestDeletePodsGoesOnWithTheList(t *testing.T) {
	w := newWorld(t)
	w.deployed("app", "myapp:1.4.2", 2)
	p := w.must("k8s.delete_pods", values{"selector": ofApp})
	var st deleteState
	if err := json.Unmarshal(p.state, &st); err != nil {
		t.Fatal(err)
	}
	w.delete(podKind, st.Pods[0].Name)
	w.complete("app")
	fresh := slices.DeleteFunc(w.uids(ofApp), func(uid string) bool { return uid == st.Pods[1].UID })
	if v := p.probe(); v != actions.NotApplied {
		t.Errorf("probe in the middle: %s", v)
	}
	p.mustRun()
	if now := w.uids(ofApp); !slices.Contains(now, fresh[0]) || slices.Contains(now, st.Pods[1].UID) {
		t.Errorf("pods are %v; %s is a replacement, %s is on the list", now, fresh[0], st.Pods[1].UID)
	}
}

func TestDeletePodsHeldByABudget(t *testing.T) {
	w := newWorld(t)
	w.deployed("app", "myapp:1.4.2", 2)
	before := w.uids(ofApp)
	w.budget("all", 2)
	p := w.must("k8s.delete_pods", values{"selector": ofApp})
	if notes := strings.Join(p.preview().Notes, "\n"); !strings.Contains(notes, "budget all: 0 of 2 evictions are allowed at once") {
		t.Errorf("notes: %s", notes)
	}
	err := p.runFor(3 * time.Second)
	wantKind(t, err, actions.KindFailed, "is held", "disruption budget all needs 2 healthy pods")
	if v := p.probe(); v != actions.NotApplied || !slices.Equal(w.uids(ofApp), before) {
		t.Errorf("probe: %s; pods %v, before %v", v, w.uids(ofApp), before)
	}
	forced := w.must("k8s.delete_pods", values{"selector": ofApp, "force": true, "max_unavailable": 2})
	if notes := strings.Join(forced.preview().Notes, "\n"); !strings.Contains(notes, "2 of the pods are in a pod disruption budget") {
		t.Errorf("notes: %s", notes)
	}
	forced.mustRun()
	w.budget("more", 1)
	_, err = w.prepare("k8s.delete_pods", values{"selector": ofApp})
	wantKind(t, err, actions.KindRefused, "two pod disruption budgets, all and more")
}

// A request that was never answered may have landed, and nobody says that it did.
func TestDeletePodsWithoutAnAnswer(t *testing.T) {
	w := newWorld(t)
	w.deployed("app", "myapp:1.4.2", 2)
	p := w.through(neverArrives).must("k8s.delete_pods", values{"selector": ofApp})
	wantKind(t, p.runFor(2*time.Second), actions.KindEnded, "some of them may be gone")
}

// Two dry runs of evictions pass with one disruption left: what they do to each
// other is computed.
func TestDeletePodsCountsWhatABudgetHasLeft(t *testing.T) {
	w := newWorld(t)
	w.deployed("app", "myapp:1.4.2", 3)
	w.budget("most", 2)
	p := w.must("k8s.delete_pods", values{"selector": ofApp, "max_unavailable": 3})
	if notes := strings.Join(p.preview().Notes, "\n"); !strings.Contains(notes, "budget most: 1 of 3 evictions are allowed at once; the others wait") {
		t.Errorf("notes: %s", notes)
	}
	if out := p.mustRun(); out["removed"] != 3 {
		t.Errorf("outputs: %v", out)
	}
}

// A step that ran out of time with pods gone has ended; to try it again would be
// to list the replacements. A run that was stopped goes on in its resume.
func TestDeletePodsOutOfTime(t *testing.T) {
	w := newWorld(t)
	w.deployed("app", "myapp:1.4.2", 2)
	p := w.must("k8s.delete_pods", values{"selector": ofApp})
	var st deleteState
	if err := json.Unmarshal(p.state, &st); err != nil {
		t.Fatal(err)
	}
	first := st.Pods[0].Name
	w.patch(podKind, first, `{"metadata":{"finalizers":["example.com/evidence"]}}`)
	t.Cleanup(func() { _ = w.patchLoosely(podKind, first, `{"metadata":{"finalizers":null}}`) })
	wantKind(t, p.runFor(2*time.Second), actions.KindEnded, "1 ending, 1 left", "some of them are gone")
	ctx, stop := context.WithCancelCause(t.Context())
	stop(errors.New("somebody stopped it"))
	_, err := p.a.Run(ctx, p.c, p.in, p.state)
	if actions.KindOf(err) == actions.KindEnded {
		t.Errorf("stopped: %v", err)
	}
}

func TestDeletePodsRefuses(t *testing.T) {
	w := newWorld(t)
	bare := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "bare", Labels: map[string]string{"app": "bare"}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "myapp:1.4.2"}}}}
	if _, err := w.typed.CoreV1().Pods(w.cl.Namespace).Create(w.ctx(), bare, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		with  values
		kind  actions.Kind
		words []string
	}{
		"bare pod":       {values{"selector": "app=bare"}, actions.KindRefused, []string{"pod bare has no controller", "allow_bare: true"}},
		"by name":        {values{"pods": []any{"bare"}}, actions.KindRefused, []string{"no controller"}},
		"nobody":         {values{"selector": "app=nobody"}, actions.KindInvalid, []string{"matches app=nobody", "allow_none: true"}},
		"typo":           {values{"pods": []any{"bar"}}, actions.KindInvalid, []string{`did you mean "bare"?`}},
		"neither":        {values{}, actions.KindInvalid, []string{"exactly one of selector and pods"}},
		"both":           {values{"selector": "a=b", "pods": []any{"bare"}}, actions.KindInvalid, []string{"exactly one of selector and pods"}},
		"every pod":      {values{"selector": " "}, actions.KindInvalid, []string{"matches every pod"}},
		"not a selector": {values{"selector": "app in"}, actions.KindInvalid, []string{"write it like app=myapp"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.prepare("k8s.delete_pods", c.with)
			wantKind(t, err, c.kind, c.words...)
		})
	}
	if out := w.do("k8s.delete_pods", values{"selector": "app=nobody", "allow_none": true}); out["removed"] != 0 {
		t.Errorf("none: %v", out)
	}
	if out := w.do("k8s.delete_pods", values{"pods": []any{"bare"}, "allow_bare": true}); out["removed"] != 1 {
		t.Errorf("bare: %v", out)
	}
}
