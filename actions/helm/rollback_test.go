package helm_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/actions/actionstest"
	"github.com/runbackhq/runback/actions/helm"
	"github.com/runbackhq/runback/internal/tool"
)

func TestContract(t *testing.T) {
	reg, err := actions.NewRegistry(helm.Actions(tool.Room{Base: func() (string, error) { return t.TempDir(), nil }},
		func(ctx context.Context, _ actions.KubernetesTarget) (helm.Cluster, error) {
			<-ctx.Done()
			return helm.Cluster{}, context.Cause(ctx)
		}))
	if err != nil {
		t.Fatal(err)
	}
	actionstest.Exercise(t, reg)
}

// shown lists changes as a person reads them.
func shown(changes []actions.FieldChange) (out []string) {
	for _, c := range changes {
		out = append(out, fmt.Sprintf("%s %s: %v → %v", c.Object, c.Path, c.Before, c.After))
	}
	slices.Sort(out)
	return out
}

// The implied revision, in both ways of helm to write objects. What is said
// before is what comes of it, and nothing of the environment leads elsewhere.
func TestRollback(t *testing.T) {
	t.Setenv("KUBECONFIG", "/nowhere")
	t.Setenv("HELM_KUBEAPISERVER", "https://127.0.0.1:1")
	t.Setenv("HELM_KUBECONTEXT", "elsewhere")
	t.Setenv("HELM_NAMESPACE", "kube-system")
	for _, serverSide := range []string{"true", "false"} {
		t.Run("server side "+serverSide, func(t *testing.T) {
			w := newWorld(t)
			w.deploy("tag=1,secret=canary-1", "--server-side="+serverSide)
			w.deploy("tag=2,secret=canary-2,extra=true", "--server-side="+serverSide)
			w.edit(`{"spec":{"template":{"spec":{"containers":[{"name":"app","env":[{"name":"A","value":"b"}]}]}}}}`)
			if out := w.status(); out["previous"] != 1 || out["rolled_back"] != false || out["deployed"] != true {
				t.Errorf("%v", out)
			}
			s := w.rollback(nil).prepare()
			p := s.preview()
			want := []string{
				"configmap/app-extra exists: true → false",
				"deployment/app spec.template.spec.containers[app].image: myapp:2 → myapp:1",
				"release/app revision: 2 → 3",
				"secret/app data.password: (secret) → (another secret)",
			}
			if got := shown(p.Changes); p.Label != actions.Exact || !slices.Equal(got, want) || p.Object != "release/app" {
				t.Errorf("%s\n%s", p.Label, strings.Join(got, "\n"))
			}
			if !strings.Contains(strings.Join(p.Notes, "\n"), "deployment/app was also written by kubectl-edit") {
				t.Errorf("notes: %q", p.Notes)
			}
			if w.revision() != "2 deployed" || w.image() != "myapp:2" {
				t.Error("the preview changed something")
			}
			s.wants(actions.NotApplied, actions.KindFailed)
			out := s.mustRun()
			if out["revision"] != 3 || out["rolled_back_to"] != 1 || out["previous"] != 2 || out["changed"] != true || w.revision() != "3 deployed" || w.image() != "myapp:1" {
				t.Errorf("%v, %s, %s", out, w.revision(), w.image())
			}
			s.wants(actions.Applied, actions.KindFailed)
			if out := s.mustRun(); out["revision"] != 3 || w.revision() != "3 deployed" {
				t.Errorf("run again: %v, %s", out, w.revision())
			}
			if found := differs(s); len(found) != 0 {
				t.Errorf("%v", found)
			}
			w.afterwards(s)
			w.nothingSecret(s, p)
		})
	}
}

// afterwards: the same again has nothing to do, nothing leads back to the bad
// version by accident, and the inverse names the revision.
func (w *world) afterwards(s *step) {
	w.t.Helper()
	other := w.rollback(nil)
	other.c.Key = "r-other/steps/revert"
	wantsKind(w.t, other.tryPrepare(), actions.KindRefused, "itself a rollback to 1", "name one with revision")
	for _, with := range []map[string]any{{"revision": 1}, nil} { // of the same step it is known where it went
		same := w.rollback(with).prepare()
		if p := same.preview(); len(p.Changes) != 0 || !strings.Contains(p.Summary, "nothing to do") {
			w.t.Errorf("%+v", p)
		}
		if out := same.mustRun(); out["changed"] != false || w.revision() != "3 deployed" {
			w.t.Errorf("%v, %s", out, w.revision())
		}
	}
	steps, err := s.a.Undo(s.in, s.state, nil)
	if err != nil || len(steps) != 1 || steps[0].With["revision"] != 2 {
		w.t.Fatalf("%v %v", steps, err)
	}
	w.step(steps[0].Uses, steps[0].With).prepare().mustRun()
	if w.revision() != "4 deployed" || w.image() != "myapp:2" {
		w.t.Errorf("undone: %s, %s", w.revision(), w.image())
	}
	if found := shown(differs(s)); len(found) != 1 || found[0] != "release/app revision: 3 → 4" {
		w.t.Errorf("%v", found)
	}
	s.wants(actions.Foreign, actions.KindFailed, "somebody made revision 4")
}

func differs(s *step) []actions.FieldChange {
	found, err := s.a.Differs(s.t.Context(), s.c, s.in, s.state)
	if err != nil {
		s.t.Error(err)
	}
	return found
}

// nothingSecret: neither what is recorded nor what is left of the child.
func (w *world) nothingSecret(s *step, p actions.Preview) {
	w.t.Helper()
	raw, err := json.Marshal(p)
	if err != nil {
		w.t.Fatal(err)
	}
	texts := map[string]string{"state": string(s.state), "preview": string(raw)}
	_ = filepath.WalkDir(w.children(), func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			b, _ := os.ReadFile(path)
			texts[path] = string(b)
		}
		return nil
	})
	for where, text := range texts {
		for _, secret := range []string{"canary-1", "canary-2", "client-key-data", "token:"} {
			if strings.Contains(text, secret) {
				w.t.Errorf("%s holds %s", where, secret)
			}
		}
	}
	if len(texts) < 4 {
		w.t.Errorf("only %d texts looked at", len(texts))
	}
}

// edit writes the Deployment as a person does who is in a hurry.
func (w *world) edit(patch string) {
	w.t.Helper()
	_, err := w.typed.AppsV1().Deployments(w.cl.Namespace).Patch(w.t.Context(), "app", types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{FieldManager: "kubectl-edit"})
	if err != nil {
		w.t.Fatal(err)
	}
}

// A release that moves between the review and the act is left alone.
func TestMoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deploy("tag=1")
	w.deploy("tag=2,flux=true")
	s := w.rollback(map[string]any{"revision": 1}).prepare()
	if p := s.preview(); len(p.Adversaries) != 1 || p.Adversaries[0].Object != "helmrelease/flux-system/shop" || !p.Adversaries[0].Suspends {
		t.Errorf("%+v", p.Adversaries)
	}
	w.deploy("tag=3")
	_, err := s.run()
	wantsKind(t, err, actions.KindConflict, "is at revision 3 (deployed) by now")
	if w.revision() != "3 deployed" {
		t.Error(w.revision())
	}
	s.wants(actions.Foreign, actions.KindFailed, "which this step did not make")
	// Somebody sets a field that the manifest holds: with a server-side apply helm
	// would be refused in the middle, and says so before.
	w.edit(`{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"myapp:4"}]}}}}`)
	s.prepare()
	_, err = s.a.Preview(t.Context(), s.c, s.in, s.state)
	wantsKind(t, err, actions.KindRefused, "deployment/app: Conflict", "kubectl-edit", "image")
}
