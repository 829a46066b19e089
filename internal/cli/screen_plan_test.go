package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/executor"
)

func TestPlanShowsWhoWillFight(t *testing.T) {
	var out bytes.Buffer
	a := &App{Out: &out, Env: func(string) string { return "" }, Width: 80}
	a.planStep(style{}, executor.Planned{ID: "up", Name: "Scale up", Uses: "k8s.scale", Section: "steps", Effect: "change", Preview: &actions.Preview{
		Label: actions.Exact, Object: "deployment/app", Summary: "replicas 2 → 5",
		Adversaries: []actions.Adversary{
			{Controller: "HorizontalPodAutoscaler", Object: "horizontalpodautoscaler/app", Fights: []string{"spec.replicas"},
				Effect: "sets it between 3 and 10", Remedy: "hold it before: k8s.suspend {kind: hpa, name: app}"},
			{Controller: "Argo CD", Object: "application/argocd/shop", Effect: "puts back what Git says within seconds (self-heal is on)",
				Remedy: "hold it before: k8s.suspend {kind: argocd, name: shop, namespace: argocd}"},
			{Controller: "Helm", Object: "release/app", Fights: []string{"spec.a", "spec.b", "spec.c", "spec.d", "spec.e"}, Effect: "the next helm upgrade will overwrite it"},
		},
	}}, 1)
	want := `   1 ~ Scale up                                      k8s.scale
       deployment/app replicas 2 → 5 [EXACT]
       ! HorizontalPodAutoscaler app will fight spec.replicas: sets it between
         3 and 10
         hold it before: k8s.suspend {kind: hpa, name: app}
       ! Argo CD application/argocd/shop may change it back: puts back what
         Git says within seconds (self-heal is on)
         hold it before: k8s.suspend {kind: argocd, name: shop, namespace:
           argocd}
       ! Helm release/app will fight spec.a, spec.b, spec.c and 2 more: the
         next helm upgrade will overwrite it
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("screen (-want +got):\n%s", diff)
	}
	for line := range strings.SplitSeq(out.String(), "\n") {
		if n := visible(line); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}
