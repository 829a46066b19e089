package k8s

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/runbackhq/runback/actions"
)

// lifeOf gives steps that make, change and delete the object x.
func lifeOf(m specimen) map[string]struct {
	there bool // before it
	uses  string
	with  values
} {
	type step = struct {
		there bool
		uses  string
		with  values
	}
	return map[string]step{
		"make":   {false, "k8s.apply", asManifest(m.first)},
		"change": {true, "k8s.apply", asManifest(m.then)},
		"delete": {true, "k8s.delete", values{"kind": m.kind.Name, "name": "x"}},
	}
}

// A crash may lose the request or its answer. The probe tells the two apart, and
// what did not land can be done with the same prepared form.
func TestApplyAfterACrash(t *testing.T) {
	m := manifests()["config map"]
	for name, s := range lifeOf(m) {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if s.there {
				w.do("k8s.apply", asManifest(m.first))
			}
			lost := w.through(neverArrives).must(s.uses, s.with)
			_, err := lost.run()
			wantKind(t, err, actions.KindUnreachable)
			if v := lost.probe(); v != actions.NotApplied {
				t.Errorf("probe of what did not land: %s", v)
			}
			landed := *lost
			landed.w = w.through(losesAnswers)
			landed.a = landed.w.reg[s.uses]
			_, err = landed.run()
			wantKind(t, err, actions.KindUnreachable)
			again := landed
			again.w, again.a = w, w.reg[s.uses]
			var out actions.Outputs
			w.eventually("it took effect", func() bool {
				var v actions.Verdict
				v, out, err = again.a.Probe(w.ctx(), again.c, again.in, again.state)
				if v != actions.Applied && (v != actions.InFlight || name != "delete") || err != nil {
					t.Fatalf("probe of what landed: %s, %v", v, err)
				}
				return v == actions.Applied
			})
			again.mustRun() // once more, as if the verdict had been lost too
			if d := again.differs(); len(d) > 0 {
				t.Errorf("differs: %+v", d)
			}
			if again.undone(out); w.gone(m.kind, "x") == s.there {
				t.Errorf("after the undo by the outputs of the probe: gone is %v", s.there)
			}
		})
	}
}

// The client sends a request again by itself when it is told so. The second one
// runs into the first, and it is one effect.
func TestApplyThatIsSentTwice(t *testing.T) {
	m := manifests()["config map"]
	for name, s := range lifeOf(m) {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if s.there {
				w.do("k8s.apply", asManifest(m.first))
			}
			var sent atomic.Int32
			p := w.through(func(r *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
				change := isChange(r)
				resp, err := send()
				if change && err == nil && sent.Add(1) == 1 {
					_ = resp.Body.Close()
					return answer(r, http.StatusServiceUnavailable, `{}`, "Retry-After", "0"), nil
				}
				return resp, err
			}).must(s.uses, s.with)
			out := p.mustRun()
			if sent.Load() != 2 {
				t.Fatalf("sent %d times", sent.Load())
			}
			if out["changed"] != true && out["deleted"] != true {
				t.Errorf("outputs: %v", out)
			}
		})
	}
}

// A step keeps its key over its attempts: prepared again it finds its own work,
// also where nothing may be there before.
func TestApplyPreparedAgain(t *testing.T) {
	w := newWorld(t)
	with := asManifest(manifests()["config map"].first, "before", "absent")
	p := w.must("k8s.apply", with)
	p.mustRun()
	if out := w.mustAs(p.c.Key, "k8s.apply", with).mustRun(); out["changed"] != false {
		t.Errorf("the same step again: %v", out)
	}
	_, err := w.prepare("k8s.apply", with)
	wantKind(t, err, actions.KindRefused, "configmap/x is there already", "before: any")
	_, err = w.prepare("k8s.apply", asManifest(`{apiVersion: v1, kind: ConfigMap, metadata: {name: xx}}`, "before", "present"))
	wantKind(t, err, actions.KindInvalid, `no configmap "xx"`, `did you mean "x"?`)
}

func TestApplyRefuses(t *testing.T) {
	w := newRivalWorld(t)
	w.deploy("app", "myapp:1.4.2", 0)
	const invalid = actions.KindInvalid
	for name, c := range map[string]struct {
		manifest string
		kind     actions.Kind
		words    []string
	}{
		"nothing":        {`{}`, invalid, []string{"no metadata.name", "write it like"}},
		"no kind":        {`{apiVersion: v1, metadata: {name: x}}`, invalid, []string{"no apiVersion or no kind"}},
		"no version":     {`{kind: ConfigMap, metadata: {name: x}}`, invalid, []string{"no apiVersion or no kind"}},
		"strange kind":   {`{apiVersion: v1, kind: Konfig, metadata: {name: x}}`, invalid, []string{`no matches for kind "Konfig"`, "kubectl api-resources"}},
		"bad version":    {`{apiVersion: a/b/c, kind: ConfigMap, metadata: {name: x}}`, invalid, []string{"a/b/c"}},
		"name no text":   {`{apiVersion: v1, kind: ConfigMap, metadata: {name: 5}}`, invalid, []string{"no metadata.name"}},
		"a path":         {`{apiVersion: v1, kind: ConfigMap, metadata: {name: ../../secrets/x}}`, invalid, []string{`may not contain '/'`}},
		"bad name":       {`{apiVersion: v1, kind: ConfigMap, metadata: {name: X_}}`, invalid, []string{"RFC 1123"}},
		"generated name": {`{apiVersion: v1, kind: ConfigMap, metadata: {generateName: x-}}`, invalid, []string{"done again makes another one"}},
		"both names":     {`{apiVersion: v1, kind: ConfigMap, metadata: {name: x, generateName: x-}}`, invalid, []string{"has metadata.generateName"}},
		"list":           {`{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}]}`, invalid, []string{"manifest is a list", "foreach"}},
		"secret":         {`{apiVersion: v1, kind: Secret, metadata: {name: x}, stringData: {a: b}}`, invalid, []string{"secrets are not applied"}},
		"whole cluster":  {`{apiVersion: v1, kind: Namespace, metadata: {name: x}}`, invalid, []string{"belongs to the whole cluster"}},
		"other place":    {`{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: kube-system}}`, invalid, []string{`namespace "kube-system", the target is`}},
		"status":         {`{apiVersion: apps/v1, kind: Deployment, metadata: {name: app}, status: {replicas: 1}}`, invalid, []string{"has a status"}},
		"another one":    {`{apiVersion: apps/v1, kind: Deployment, metadata: {name: app, uid: 1-2}}`, invalid, []string{"has metadata.uid"}},
		"a receipt":      {`{apiVersion: v1, kind: ConfigMap, metadata: {name: x, annotations: {runback.dev/receipt: run-1/step}}}`, invalid, []string{"annotation runback.dev/receipt"}},
		"annotations":    {`{apiVersion: v1, kind: ConfigMap, metadata: {name: x, annotations: [a]}}`, invalid, []string{"annotations"}},
		"immutable":      {`{apiVersion: apps/v1, kind: Deployment, metadata: {name: app}, spec: {selector: {matchLabels: {a: b}}}}`, invalid, []string{"spec.selector", "field is immutable"}},
		"unknown field":  {`{apiVersion: apps/v1, kind: Deployment, metadata: {name: app}, spec: {replica: 1}}`, invalid, []string{"spec.replica", "kubectl explain deployments"}},
		"unknown, new":   {`{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, dat: {a: b}}`, invalid, []string{`unknown field "dat"`}},
		"wrong type":     {`{apiVersion: apps/v1, kind: Deployment, metadata: {name: app}, spec: {replicas: many}}`, invalid, []string{"spec.replicas"}},
		"wrong type new": {`{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {a: 5}}`, invalid, []string{"configmap/x"}},
		"an owner later": {`{apiVersion: apps/v1, kind: Deployment, metadata: {name: app, finalizers: [example.com/x]}}`, invalid, []string{"metadata.finalizers cannot be patched"}},
		"not valid":      {`{apiVersion: v1, kind: Service, metadata: {name: x}, spec: {ports: [{port: 99999}]}}`, invalid, []string{"spec.ports[0].port"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.prepare("k8s.apply", asManifest(c.manifest))
			wantKind(t, err, c.kind, c.words...)
		})
	}
	if !w.gone(configMaps, "x") || !w.gone(services, "x") {
		t.Error("something was made")
	}
}

// Who may not write is told which right is missing, before anything is written.
func TestApplyWithoutRights(t *testing.T) {
	w := newWorld(t)
	w.do("k8s.apply", asManifest(manifests()["config map"].first))
	w.do("k8s.apply", asManifest(`{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: reads}, rules: [{apiGroups: [""], resources: [configmaps], verbs: [get, list]}]}`))
	w.do("k8s.apply", asManifest(w.fill(`{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: reads}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reads},
		subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: reader-NS}]}`)))
	reader := w.as("reader-" + w.cl.Namespace)
	w.eventually("the binding holds", func() bool {
		_, err := reader.cl.find(w.ctx(), configMaps, "x")
		return err == nil
	})
	_, err := reader.prepare("k8s.apply", asManifest(manifests()["config map"].then))
	wantKind(t, err, actions.KindInvalid, "kubectl auth can-i patch configmaps -n "+w.cl.Namespace)
	_, err = reader.prepare("k8s.apply", asManifest(`{apiVersion: v1, kind: ConfigMap, metadata: {name: other}}`))
	wantKind(t, err, actions.KindInvalid, "kubectl auth can-i create configmaps -n "+w.cl.Namespace)
	p := reader.must("k8s.delete", values{"kind": "configmap", "name": "x"})
	_, err = p.a.Preview(w.ctx(), p.c, p.in, p.state)
	wantKind(t, err, actions.KindInvalid, "kubectl auth can-i delete configmaps -n "+w.cl.Namespace)
	_, err = p.run()
	wantKind(t, err, actions.KindInvalid, "kubectl auth can-i delete configmaps")
	if v := p.probe(); v != actions.NotApplied {
		t.Errorf("probe: %s", v)
	}
}

// A webhook with side effects makes the API server refuse dry runs. What is made
// is then told from the manifest; what would be changed cannot be told at all.
func TestApplyWithoutDryRun(t *testing.T) {
	w := newWorld(t)
	deaf := w.through(func(r *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
		if r.URL.Query().Get("dryRun") != "" {
			return answer(r, http.StatusBadRequest, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"BadRequest","code":400,
				"message":"admission webhook \"x.example.com\" does not support dry run"}`), nil
		}
		return send()
	})
	m := manifests()["config map"]
	p := deaf.must("k8s.apply", asManifest(m.first))
	told := p.preview()
	hasChange(t, told, m.says)
	if told.Label != actions.Predicted || !strings.Contains(strings.Join(told.Notes, "\n"), "does not support dry run") {
		t.Errorf("preview: %+v", told)
	}
	p.mustRun()
	_, err := deaf.prepare("k8s.apply", asManifest(m.then))
	wantKind(t, err, actions.KindRefused, "cannot say beforehand what would change", "k8s.patch")
}

// Who made the object from Git, and who scales it, is named before.
func TestApplyNamesAdversaries(t *testing.T) {
	w := newRivalWorld(t)
	w.make(autoscalers, strings.ReplaceAll(hpaOfApp, "%s", ""))
	w.make(kustomizations, `{metadata: {name: apps}, spec: {interval: 10m}}`)
	labels := `labels: {kustomize.toolkit.fluxcd.io/name: apps, kustomize.toolkit.fluxcd.io/namespace: NS}`
	text := `{apiVersion: apps/v1, kind: Deployment, metadata: {name: app, ` + labels + `}, spec: {replicas: 1, selector: {matchLabels: {a: x}}, template: {metadata: {labels: {a: x}}, spec: {containers: [{name: app, image: "myapp:1.4.2"}]}}}}`
	p := w.must("k8s.apply", asManifest(w.fill(text)))
	names := func(p actions.Preview) string {
		var out []string
		for _, a := range p.Adversaries {
			out = append(out, a.Controller)
		}
		return strings.Join(out, ", ")
	}
	if got := names(p.preview()); got != "HorizontalPodAutoscaler, Flux" {
		t.Errorf("of the making: %s", got)
	}
	out := p.mustRun()
	if got := names(w.must("k8s.apply", asManifest(`{apiVersion: apps/v1, kind: Deployment, metadata: {name: app}, spec: {replicas: 2}}`)).preview()); got != "HorizontalPodAutoscaler, Flux" {
		t.Errorf("of the change: %s", got)
	}
	told := w.must("k8s.delete", values{"kind": "deployment", "name": "app", "uid": out["uid"]}).preview()
	if got := names(told); got != "Flux" || told.Adversaries[0].Effect != "puts back what Git says within 10m" || len(told.Adversaries[0].Fights) > 0 {
		t.Errorf("of the deletion: %+v", told.Adversaries)
	}
}
