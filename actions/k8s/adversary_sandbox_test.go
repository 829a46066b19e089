package k8s

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const hpaOfApp = `{metadata: {name: app%s}, spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: app}, minReplicas: 3, maxReplicas: 10}}`

type rival struct {
	kind kind
	yaml string
}

func TestAdversaries(t *testing.T) {
	const to5 = "replicas"
	steps := map[string]func(int) (string, values){
		to5: func(n int) (string, values) {
			return "k8s.scale", values{"deployment": "app", "replicas": n, "wait": false}
		},
		"image": func(int) (string, values) {
			return "k8s.set_image", values{"deployment": "app", "image": "myapp:1.5.0-slow"}
		},
		"requests": func(int) (string, values) {
			return "k8s.patch", values{"kind": "deployment", "name": "app", "json": []any{
				map[string]any{"op": "add", "path": "/spec/template/spec/containers/0/resources", "value": map[string]any{"requests": map[string]any{"cpu": "1m"}}}}}
		},
	}
	const hpa, ks, hr = "HorizontalPodAutoscaler", "kustomize.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io"
	const appOf = `{metadata: {name: shop-NS, namespace: gitops-NS}, spec: {syncPolicy: {automated: {selfHeal: true}}}}`
	for name, c := range map[string]struct {
		rivals   []rival
		meta     string // of the Deployment, as a merge patch
		step     string
		n        int
		fights   string // CONTROLLER OBJECT FIGHTS: EFFECT, one a line
		notes    string
		suspends int
	}{
		"nobody": {step: to5, n: 5},
		"hpa": {[]rival{{autoscalers, strings.ReplaceAll(hpaOfApp, "%s", "")}, {autoscalers, strings.ReplaceAll(strings.ReplaceAll(hpaOfApp, "name: app}", "name: other}"), "%s", "2")}},
			``, to5, 5, hpa + " horizontalpodautoscaler/app spec.replicas: sets it between 3 and 10", "", 1},
		"hpa and its bounds": {[]rival{{autoscalers, strings.ReplaceAll(hpaOfApp, "%s", "")}}, ``, to5, 2,
			hpa + " horizontalpodautoscaler/app spec.replicas: sets it between 3 and 10 at once", "", 0},
		"hpa and another field": {[]rival{{autoscalers, strings.ReplaceAll(hpaOfApp, "%s", "")}}, ``, "image", 0, "", "", 0},
		"hpa suspended": {[]rival{{autoscalers, strings.ReplaceAll(strings.ReplaceAll(hpaOfApp, "%s", ""), "maxReplicas: 10", "maxReplicas: 10, behavior: {scaleUp: {selectPolicy: Disabled}, scaleDown: {selectPolicy: Disabled}}")}},
			``, to5, 5, "", "autoscaler app is suspended and leaves the replicas alone between 3 and 10", 0},
		"hpa suspended and its bounds": {[]rival{{autoscalers, strings.ReplaceAll(strings.ReplaceAll(hpaOfApp, "%s", ""), "maxReplicas: 10", "maxReplicas: 10, behavior: {scaleUp: {selectPolicy: Disabled}, scaleDown: {selectPolicy: Disabled}}")}},
			``, to5, 11, hpa + " horizontalpodautoscaler/app spec.replicas: is suspended, and still keeps it between 3 and 10", "", 0},
		"keda and its hpa": {[]rival{
			{scaledObjects, `{metadata: {name: so}, spec: {scaleTargetRef: {name: app}, maxReplicaCount: 7}}`},
			{autoscalers, strings.ReplaceAll(strings.ReplaceAll(hpaOfApp, "%s", ""), "metadata: {", "metadata: {ownerReferences: [{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, name: so, uid: UID, controller: true}], ")}},
			``, to5, 5, "KEDA scaledobject/so spec.replicas: sets it between 0 and 7", "", 1},
		"keda paused": {[]rival{{scaledObjects, `{metadata: {name: so, annotations: {autoscaling.keda.sh/paused: "true"}}, spec: {scaleTargetRef: {name: app}}}`}},
			``, to5, 5, "", "KEDA scaledobject/so is paused", 0},
		"vpa": {[]rival{{vertical, `{metadata: {name: v}, spec: {targetRef: {apiVersion: apps/v1, kind: Deployment, name: app}}}`}}, ``, "requests", 0,
			"VerticalPodAutoscaler verticalpodautoscaler/v spec.template.spec.containers[app].resources.requests.cpu: sets the requests of the pods, whatever the template says", "", 0},
		"vpa off": {[]rival{{vertical, `{metadata: {name: v}, spec: {targetRef: {apiVersion: apps/v1, kind: Deployment, name: app}, updatePolicy: {updateMode: "Off"}}}`}}, ``, "requests", 0,
			"", "verticalpodautoscaler/v only recommends", 0},
		"argo self-heal": {[]rival{{applications, appOf}}, `{annotations: {argocd.argoproj.io/tracking-id: "gitops-NS_shop-NS:apps/Deployment:NS/app"}}`, to5, 5,
			"Argo CD application/gitops-NS/shop-NS : puts back what Git says within seconds (self-heal is on)", "", 1},
		"argo of any namespace": {[]rival{{applications, strings.Replace(appOf, "selfHeal: true", "prune: true", 1)}}, `{annotations: {argocd.argoproj.io/tracking-id: "shop-NS:apps/Deployment:NS/app"}}`, to5, 5,
			"Argo CD application/gitops-NS/shop-NS : puts back what Git says at the next commit (self-heal is off)", "", 1},
		"argo off": {[]rival{{applications, strings.Replace(appOf, "selfHeal: true", "selfHeal: true, enabled: false", 1)}}, `{annotations: {argocd.argoproj.io/tracking-id: "shop-NS:apps/Deployment:NS/app"}}`, to5, 5,
			"", "has its automated sync switched off; a sync by hand sets back what Git says", 0},
		"argo and a copied annotation": {[]rival{{applications, appOf}}, `{annotations: {argocd.argoproj.io/tracking-id: "shop-NS:apps/Deployment:NS/other"}}`, to5, 5, "", "", 0},
		"argo elsewhere": {nil, `{annotations: {argocd.argoproj.io/tracking-id: "far-NS:apps/Deployment:NS/app"}}`, to5, 5,
			"Argo CD application/far-NS : syncs it from Git; its application is not in this cluster, so whether by itself cannot be seen", "", 0},
		"argo of an ApplicationSet": {[]rival{{appSets, `{metadata: {name: all, namespace: gitops-NS}}`}, {applications, strings.Replace(appOf, "namespace: gitops-NS", "namespace: gitops-NS, ownerReferences: [{apiVersion: argoproj.io/v1alpha1, kind: ApplicationSet, name: all, uid: UID, controller: true}]", 1)}},
			`{annotations: {argocd.argoproj.io/tracking-id: "shop-NS:apps/Deployment:NS/app"}}`, to5, 5,
			"Argo CD application/gitops-NS/shop-NS : puts back what Git says within seconds (self-heal is on)", "", 1},
		"argo by label": {[]rival{{applications, strings.Replace(appOf, "spec:", "status: {resources: [{group: apps, kind: Deployment, namespace: NS, name: app}]}, spec:", 1)}}, `{labels: {app.kubernetes.io/instance: shop-NS}}`, to5, 5,
			"Argo CD application/gitops-NS/shop-NS : puts back what Git says within seconds (self-heal is on)", "", 1},
		"a label that means nothing": {[]rival{{applications, appOf}}, `{labels: {app.kubernetes.io/instance: shop-NS}}`, to5, 5, "", "", 0},
		"flux": {[]rival{{kustomizations, `{metadata: {name: apps}, spec: {interval: 10m}}`}}, `{labels: {` + ks + `/name: apps, ` + ks + `/namespace: NS}}`, to5, 5,
			"Flux kustomization/apps : puts back what Git says within 10m", "", 1},
		"flux suspended": {[]rival{{kustomizations, `{metadata: {name: apps}, spec: {suspend: true}}`}}, `{labels: {` + ks + `/name: apps, ` + ks + `/namespace: NS}}`, to5, 5,
			"", "Flux kustomization/apps is suspended", 0},
		"flux told to leave it": {[]rival{{kustomizations, `{metadata: {name: apps}, spec: {interval: 10m}}`}}, `{labels: {` + ks + `/name: apps, ` + ks + `/namespace: NS}, annotations: {` + ks + `/reconcile: disabled}}`, to5, 5,
			"", "Flux kustomization/apps leaves it alone", 0},
		"flux release": {[]rival{{helmReleases, `{metadata: {name: rel}, spec: {driftDetection: {mode: enabled}}}`}},
			`{labels: {` + hr + `/name: rel, ` + hr + `/namespace: NS}, annotations: {meta.helm.sh/release-name: rel}}`, to5, 5,
			"Flux helmrelease/rel : puts back what the release says (drift detection is on)", "", 1},
		"flux elsewhere": {nil, `{labels: {` + hr + `/name: rel, ` + hr + `/namespace: far}}`, to5, 5,
			"Flux helmrelease/far/rel : applied it, and is not in this cluster: whether it is suspended cannot be seen", "", 0},
		"helm": {nil, `{annotations: {meta.helm.sh/release-name: rel, meta.helm.sh/release-namespace: NS}}`, to5, 5,
			"Helm release/rel : the next helm upgrade will overwrite it", "", 0},
		"flagger": {[]rival{{canaries, `{metadata: {name: c}, spec: {targetRef: {apiVersion: apps/v1, kind: Deployment, name: app}}}`}}, ``, "image", 0,
			"Flagger canary/c spec.template.spec.containers[app].image: keeps its target at 0 replicas between releases, and takes a change of the template for a new release", "", 1},
		"flagger's own": {[]rival{{canaries, `{metadata: {name: c}, spec: {targetRef: {apiVersion: apps/v1, kind: Deployment, name: x}}}`}},
			`{ownerReferences: [{apiVersion: flagger.app/v1beta1, kind: Canary, name: c, uid: UID, controller: true}]}`, to5, 5,
			"Flagger canary/c : keeps it as the release says", "", 1},
		"flagger suspended": {[]rival{{canaries, `{metadata: {name: c}, spec: {suspend: true, targetRef: {apiVersion: apps/v1, kind: Deployment, name: app}}}`}}, ``, "image", 0, "", "Flagger canary/c is suspended", 0},
		"an operator": {nil, `{ownerReferences: [{apiVersion: example.com/v1, kind: Shop, name: eu, uid: 0f0e1c3a-0000-4000-8000-000000000000, controller: true}]}`, to5, 5,
			"Shop shop/eu : owns it, and its controller may set any field", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newRivalWorld(t)
			w.another("gitops-" + w.cl.Namespace)
			for _, r := range c.rivals {
				w.make(r.kind, r.yaml)
			}
			w.deploy("app", "myapp:1.4.2", 0)
			w.settled("app")
			ns := func(s string) string { return strings.ReplaceAll(s, "NS", w.cl.Namespace) }
			if c.meta != "" {
				w.mark("app", c.meta)
			}
			action, with := steps[c.step](c.n)
			told := w.must(action, with).preview()
			var got []string
			suspends := 0
			for _, a := range told.Adversaries {
				got = append(got, a.Controller+" "+a.Object+" "+strings.Join(a.Fights, ",")+": "+a.Effect)
				if a.Suspends {
					suspends++
				}
				if a.Suspends != strings.Contains(a.Remedy, "k8s.suspend") || a.Remedy == "" {
					t.Errorf("suspends is %v and the remedy %q", a.Suspends, a.Remedy)
				}
			}
			if diff := cmp.Diff(ns(c.fights), strings.Join(got, "\n")); diff != "" {
				t.Errorf("adversaries (-want +got):\n%s", diff)
			}
			if suspends != c.suspends {
				t.Errorf("%d can be suspended, want %d", suspends, c.suspends)
			}
			notes := strings.Join(told.Notes, "\n")
			if !strings.Contains(notes, c.notes) || strings.Contains(notes, "could not look") {
				t.Errorf("notes: %s", notes)
			}
		})
	}
}
