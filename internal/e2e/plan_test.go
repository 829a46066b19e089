package e2e

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/runbackhq/runback/internal/testcluster"
)

// seed makes a broken release in a namespace of its own.
func seed(t *testing.T, env *testcluster.Env, scenario, namespace string) {
	t.Helper()
	if out, err := exec.Command(testcluster.Binary(t, "sandbox"), "seed", "--dir", env.Dir, "--scenario", scenario, "--namespace", namespace).CombinedOutput(); err != nil {
		t.Fatalf("seed %s: %v\n%s", namespace, err, out)
	}
}

// scaleByHand does what a colleague does in another window.
func (w *world) scaleByHand(namespace, deployment string, replicas int) {
	w.t.Helper()
	body := []byte(`{"spec":{"replicas":` + jsonText(replicas) + `}}`)
	if _, err := w.core.AppsV1().Deployments(namespace).Patch(context.Background(), deployment, types.MergePatchType, body, metav1.PatchOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

// What was reviewed is what runs, or nothing does.
func TestSavedPlan(t *testing.T) {
	env := testcluster.Up(t, "healthy")
	w, p := newWorld(t, env), newProgram(t, env)
	file := func(name string) string { return filepath.Join(p.state, name) }
	run := func(name string) []string { return []string{"run", "--plan", file(name), "--yes", "--reason", "test"} }
	seed(t, env, "canary", "plans")
	inNamespace := []string{"--set", "namespace=plans"}
	plan := func(name string, more ...string) {
		t.Helper()
		p.must(0, append(append([]string{"plan", "canary", "-o", file(name)}, inNamespace...), more...)...)
	}
	plan("a.json")
	before := len(w.writes("plans"))
	refused := func(code int, text string, args ...string) {
		t.Helper()
		res := p.must(code, args...)
		contains(t, squeeze(res.out+res.err), text)
		if n := len(w.writes("plans")); n != before {
			t.Fatalf("%d writes were made by a run that was refused", n-before)
		}
	}
	if err := os.WriteFile(file("note.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Run("the world moved", func(*testing.T) {
		w.scaleByHand("plans", "app-stable", 3)
		refused(3, "deployment/app-stable spec.replicas: reviewed 4, now 3", run("a.json")...)
		w.scaleByHand("plans", "app-stable", 4)
	})
	t.Run("another cluster", func(t *testing.T) {
		other := testcluster.Up(t, "healthy")
		seed(t, other, "canary", "plans")
		q := *p
		q.kube = swapped(t, env.Kubeconfig, other.Kubeconfig)
		contains(t, q.must(3, run("a.json")...).out, "cluster")
		if n := len(newWorld(t, other).writes("plans")); n != 0 {
			t.Errorf("%d writes on the other cluster", n)
		}
	})
	t.Run("edited", func(t *testing.T) {
		text, err := os.ReadFile(file("a.json"))
		if err != nil {
			t.Fatal(err)
		}
		edited := []byte(replaceOnce(t, string(text), `"after": 5`, `"after": 6`))
		if err := os.WriteFile(file("edited.json"), edited, 0o600); err != nil {
			t.Fatal(err)
		}
		refused(65, "it was edited", run("edited.json")...)
	})
	t.Run("another playbook by the same name", func(t *testing.T) {
		dir := filepath.Join(p.state, "playbooks")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile("../../playbooks/canary.yaml")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "canary.yaml"), append(text, "# newer\n"...), 0o600); err != nil {
			t.Fatal(err)
		}
		refused(3, "playbook digest", run("a.json")...)
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("approval", func(t *testing.T) {
		plan("asks.json", "--ask-approval")
		plan("other.json", "--ask-approval")
		refused(3, "nobody has approved it", run("asks.json")...)
		p.must(0, "approve", file("other.json"))
		moveApproval(t, file("other.json"), file("asks.json"))
		refused(3, "is for another plan", run("asks.json")...)
		p.must(0, "approve", file("asks.json"), "--for", "1s")
		time.Sleep(1100 * time.Millisecond)
		refused(3, "expired at", run("asks.json")...)
		p.must(64, "approve", file("asks.json"), "--for", "48h")
	})
	t.Run("protected", func(t *testing.T) {
		text, err := os.ReadFile("../../playbooks/canary.yaml")
		if err != nil {
			t.Fatal(err)
		}
		guarded := replaceOnce(t, string(text), "  target:\n", "  target:\n    protected: true\n")
		if err := os.WriteFile(file("guarded.yaml"), []byte(guarded), 0o600); err != nil {
			t.Fatal(err)
		}
		refused(3, "the target is protected", append([]string{"run", file("guarded.yaml"), "--yes", "--reason", "x"}, inNamespace...)...)
		p.must(0, append([]string{"plan", file("guarded.yaml"), "-o", file("guarded.json")}, inNamespace...)...)
		refused(3, "may not approve it", "approve", file("guarded.json"))
		refused(3, "nobody has approved it", run("guarded.json")...)
	})
	t.Run("a playbook without a target", func(t *testing.T) {
		text := "apiVersion: runback/v1\nkind: Playbook\nmetadata: {name: bare, version: 1.0.0}\nspec:\n  budget: 1m\n  steps:\n    - {id: a, uses: k8s.get, with: {kind: deployment, name: app-stable}}\n"
		if err := os.WriteFile(file("bare.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var doc struct {
			Target struct {
				Kubernetes struct{ Context, Namespace string }
			}
			Identity map[string]string
		}
		p.json(&doc, "plan", file("bare.yaml"))
		if k := doc.Target.Kubernetes; k.Context != "sandbox" || k.Namespace != "default" || doc.Identity["cluster"] == "" {
			t.Errorf("it acts somewhere that it does not say: %+v", doc)
		}
	})
	t.Run("a file that is no plan is not replaced", func(*testing.T) {
		refused(64, "it is not replaced", append([]string{"plan", "canary", "-o", file("note.json")}, inNamespace...)...)
		refused(64, "ends in .json", append([]string{"plan", "canary", "-o", file("bare.yaml")}, inNamespace...)...)
	})
	p.must(0, "approve", file("asks.json"))
	p.must(0, run("asks.json")...)
	if n := len(w.writes("plans")); n == before {
		t.Error("the approved plan did nothing")
	}
	// The same plan again: what it would change is changed already.
	contains(t, p.must(3, run("a.json")...).out, "already")
}

func replaceOnce(t *testing.T, text, old, by string) string {
	t.Helper()
	before, after, found := strings.Cut(text, old)
	if !found {
		t.Fatalf("%q is not in the text", old)
	}
	return before + by + after
}

func moveApproval(t *testing.T, from, to string) {
	t.Helper()
	var a, b map[string]json.RawMessage
	for file, into := range map[string]*map[string]json.RawMessage{from: &a, to: &b} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatal(err)
		}
	}
	b["approvals"] = a["approvals"]
	text, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
