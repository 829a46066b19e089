package e2e

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	autoscaling "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/runbackhq/runback/internal/testcluster"
)

const holdAutoscaler = `apiVersion: runback/v1
kind: Playbook
metadata: {name: hold, version: 1.0.0}
spec:
  budget: 1m
  inputs:
    namespace: {type: string}
  target:
    kubernetes: {namespace: "${{ inputs.namespace }}"}
  steps:
    - id: suspend
      uses: k8s.suspend
      with: {kind: hpa, name: app}
    - id: scale
      uses: k8s.scale
      with: {deployment: app-stable, replicas: 2}
`

// TestMitigated: who would fight the rollback is named by the plan and held by
// the run, and the run is not over until it is let go.
func TestMitigated(t *testing.T) {
	env := testcluster.Up(t, "healthy")
	w, p, ns := newWorld(t, env), newProgram(t, env), "held"
	seed(t, env, "canary", ns)
	hpas := w.core.AutoscalingV2().HorizontalPodAutoscalers(ns)
	if _, err := hpas.Create(context.Background(), &autoscaling.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Name: "app"},
		Spec: autoscaling.HorizontalPodAutoscalerSpec{
			MinReplicas: new(int32(3)), MaxReplicas: 10,
			ScaleTargetRef: autoscaling.CrossVersionObjectReference{Kind: "Deployment", Name: "app-stable", APIVersion: "apps/v1"},
		},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	behavior := func() string {
		t.Helper()
		got, err := hpas.Get(context.Background(), "app", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return jsonText(got.Spec.Behavior)
	}
	before := behavior()
	file := filepath.Join(p.state, "hold.yaml")
	if err := os.WriteFile(file, []byte(holdAutoscaler), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"hold.yaml", "--set", "namespace=" + ns}
	contains(t, squeeze(p.must(0, append([]string{"plan"}, args...)...).out), "step suspend changes it before")
	contains(t, squeeze(p.must(0, append([]string{"plan", "canary"}, args[1:]...)...).out), "will fight spec.replicas")

	res := p.must(0, append([]string{"run", "--yes", "--reason", "test"}, args...)...)
	contains(t, squeeze(res.out), "mitigated run r-")
	contains(t, squeeze(res.out), "left to be put right")
	held := p.status("last")
	if held.Status != "mitigated" || len(held.Obligations) != 1 || behavior() == before {
		t.Fatalf("%s, %+v, behavior %s", held.Status, held.Obligations, behavior())
	}
	p.must(0, "undo", held.ID, "--step", "suspend", "--yes", "--reason", "git agrees")
	if after := p.status(held.ID); after.Status != "succeeded" || len(after.Obligations) != 0 || behavior() != before {
		t.Errorf("%s, %+v, behavior %s, was %s", after.Status, after.Obligations, behavior(), before)
	}
	if s := p.status("last"); s.ID == held.ID || s.Status != "succeeded" {
		t.Errorf("the undo: %+v", s.Status)
	}

	t.Run("put right by hand", func(t *testing.T) {
		p.must(0, append([]string{"run", "--yes", "--reason", "again"}, args...)...)
		again := p.status("last")
		p.must(64, "close", again.ID, again.Obligations[0].Key)
		p.must(3, "close", again.ID, "something else", "--reason", "x")
		p.must(0, "close", again.ID, again.Obligations[0].Key, "--reason", "by hand")
		if s := p.status(again.ID); s.Status != "succeeded" {
			t.Errorf("status %s", s.Status)
		}
		p.must(0, "verify")
	})
}
