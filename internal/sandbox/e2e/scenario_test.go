package e2e

import (
	"fmt"
	"maps"
	"math"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/runbackhq/runback/internal/sandbox/scenario"
)

// want is the state a scenario promises.
type want struct {
	selector string         // track that app-service selects
	ready    map[string]int // ready pods by image
	unready  map[string]int
	share    float64 // of failing requests
	undo     bool    // the Deployment has a known good revision to go back to
}

func wanted() map[string]want {
	return map[string]want{
		"healthy":    {selector: "stable", ready: map[string]int{"myapp:1.4.2": 3}},
		"blue-green": {selector: "canary", ready: map[string]int{"myapp:1.4.2": 3, "myapp:1.5.0-errors": 3}, share: .4},
		"canary":     {selector: "stable", ready: map[string]int{"myapp:1.4.2": 4, "myapp:1.5.0-errors": 2}, share: .1},
		"rolling": {selector: "stable", ready: map[string]int{"myapp:1.4.2": 2, "myapp:1.5.0-shards": 2},
			unready: map[string]int{"myapp:1.5.0-shards": 1}, share: .2, undo: true},
		"direct": {selector: "stable", ready: map[string]int{"myapp:1.5.0-errors": 4}, share: .4, undo: true},
	}
}

func TestScenarios(t *testing.T) {
	if len(wanted()) != len(scenario.All()) {
		t.Fatalf("the test knows %d scenarios, there are %d", len(wanted()), len(scenario.All()))
	}
	for name, w := range wanted() {
		t.Run(name, func(t *testing.T) {
			s := start(t, name)
			s.expectPods(w)
			s.expectKnownGood()
			s.expectErrorShare(w.share)
			svc, err := s.client.CoreV1().Services("default").Get(t.Context(), "app-service", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if got := svc.Spec.Selector; got["version"] != w.selector || got["app"] != "myapp" {
				t.Errorf("app-service selects %v, want track %s", got, w.selector)
			}
			if w.undo {
				s.expectUndo()
			}
		})
	}
}

func (s *sandbox) expectPods(w want) {
	s.t.Helper()
	pods, err := s.client.CoreV1().Pods("default").List(s.t.Context(), metav1.ListOptions{LabelSelector: "app=myapp"})
	if err != nil {
		s.t.Fatal(err)
	}
	ready, unready := map[string]int{}, map[string]int{}
	for _, p := range pods.Items {
		if podReady(&p) {
			ready[p.Spec.Containers[0].Image]++
		} else {
			unready[p.Spec.Containers[0].Image]++
		}
	}
	if w.unready == nil {
		w.unready = map[string]int{}
	}
	if !maps.Equal(ready, w.ready) || !maps.Equal(unready, w.unready) {
		s.t.Errorf("ready %v, unready %v; want %v and %v", ready, unready, w.ready, w.unready)
	}
}

func podReady(p *corev1.Pod) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// expectKnownGood wants exactly the ReplicaSets of the good version marked.
func (s *sandbox) expectKnownGood() {
	s.t.Helper()
	sets, err := s.client.AppsV1().ReplicaSets("default").List(s.t.Context(), metav1.ListOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, rs := range sets.Items {
		marked := rs.Annotations["runback.dev/known-good"] == "true"
		good := rs.Spec.Template.Spec.Containers[0].Image == "myapp:1.4.2"
		if marked != good {
			s.t.Errorf("%s (%s): known-good is %v", rs.Name, rs.Spec.Template.Spec.Containers[0].Image, marked)
		}
	}
}

func (s *sandbox) expectErrorShare(share float64) {
	s.t.Helper()
	s.eventually("error share", 10*time.Second, func() error {
		r := s.load(2 * time.Second)
		if r.Window.Requests < 60 {
			return fmt.Errorf("only %d requests in 2 s", r.Window.Requests)
		}
		if math.Abs(r.Window.ErrorShare-share) > .03 {
			return fmt.Errorf("%.3f, want %.3f", r.Window.ErrorShare, share)
		}
		return nil
	})
}

// expectUndo rolls back as a person would and wants no error afterwards, nor
// an answer that no pod gave on the way.
func (s *sandbox) expectUndo() {
	s.t.Helper()
	before := s.load(time.Second).Versions["none"].Requests
	s.mustKubectl("rollout", "undo", "deployment/app-stable")
	s.mustKubectl("rollout", "status", "deployment/app-stable", "--timeout=30s")
	s.expectErrorShare(0)
	if after := s.load(time.Second).Versions["none"].Requests; after != before {
		s.t.Errorf("%d requests reached no pod during the rollback", after-before)
	}
}
