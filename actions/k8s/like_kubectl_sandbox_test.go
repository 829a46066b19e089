package k8s

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/testcluster"
)

// kubectl runs the real one and gives its exit code and what it said, in one
// line.
func (w *world) kubectl(args ...string) string {
	w.t.Helper()
	cmd := exec.CommandContext(w.ctx(), testcluster.Binary(w.t, "sandbox"),
		append([]string{"kubectl", "--kubeconfig", sandbox().Kubeconfig, "-n", w.cl.Namespace}, args...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	said := strings.TrimPrefix(lines[len(lines)-1], "error: ")
	return fmt.Sprintf("exit %d, %s", cmd.ProcessState.ExitCode(), strings.ReplaceAll(said, w.cl.Namespace, "NS"))
}

// ours tells how a step came out, in the words of the table.
func (w *world) ours(name string, with values) string {
	w.t.Helper()
	return w.oursAs(newKey(), name, with)
}

func (w *world) oursAs(key, name string, with values) string {
	w.t.Helper()
	p, err := w.prepareAs(key, name, with)
	if err != nil {
		return actions.KindOf(err).String() + ", " + err.Error()
	}
	if p.a.Spec.Effect != actions.Observe {
		if v := p.preview(); strings.HasPrefix(v.Summary, "nothing to do") {
			return "succeeded, " + v.Summary
		}
	}
	if _, err := p.run(); err != nil {
		return actions.KindOf(err).String() + ", " + err.Error()
	}
	return "succeeded"
}

func (w *world) runs(name string) string {
	w.complete(name)
	return ", " + w.imageOf(name) + " runs"
}

// likeKubectl are the cases. Each gives what kubectl did and what our step did to
// an equal world on the same API server, and says why ours is the safer one
// where the two differ.
var likeKubectl = []struct {
	name, why string
	do        func(w *world) (kubectl, ours string)
}{
	{"undo to a revision that is not there", "the same, and ours lists the revisions that are", func(w *world) (string, string) {
		withHistory(w)
		return w.kubectl("rollout", "undo", "deployment/app", "--to-revision=9"), w.ours("k8s.rollout_undo", values{"deployment": "app", "revision": 9})
	}},
	{"undo to the revision that runs", "the same", func(w *world) (string, string) {
		withHistory(w)
		return w.kubectl("rollout", "undo", "deployment/app", "--to-revision=2"), w.ours("k8s.rollout_undo", values{"deployment": "app", "revision": 2})
	}},
	{"undo twice", "the second one of kubectl brings the bad version back", func(w *world) (string, string) {
		withHistory(w)
		w.kubectl("rollout", "undo", "deployment/app")
		w.complete("app")
		theirs := w.kubectl("rollout", "undo", "deployment/app") + w.runs("app")
		w.do("k8s.rollout_undo", values{"deployment": "app", "revision": 3})
		w.complete("app")
		return theirs, w.brief(w.ours("k8s.rollout_undo", values{"deployment": "app"})) + w.runs("app")
	}},
	{"the same undo to a revision twice", "a revision gets a new number when it is used again; what is done already is no failure", func(w *world) (string, string) {
		withHistory(w)
		w.kubectl("rollout", "undo", "deployment/app", "--to-revision=1")
		w.complete("app")
		theirs := w.kubectl("rollout", "undo", "deployment/app", "--to-revision=1")
		w.rollout("app", "myapp:1.5.0-errors")
		w.complete("app")
		key, with := newKey(), values{"deployment": "app", "revision": 3}
		w.oursAs(key, "k8s.rollout_undo", with)
		w.complete("app")
		return theirs, w.oursAs(key, "k8s.rollout_undo", with)
	}},
	{"undo of a paused Deployment", "to resume first, as kubectl demands, starts the bad rollout", func(w *world) (string, string) {
		withHistory(w)
		w.kubectl("rollout", "pause", "deployment/app")
		theirs := w.kubectl("rollout", "undo", "deployment/app")
		ours := w.ours("k8s.rollout_undo", values{"deployment": "app"})
		return theirs, ours + ", template is " + w.imageOf("app") + ", still paused"
	}},
	{"preview of an undo of a paused Deployment", "kubectl's dry run promises what its undo refuses; ours is the API server's", func(w *world) (string, string) {
		withHistory(w)
		w.kubectl("rollout", "pause", "deployment/app")
		theirs := w.kubectl("rollout", "undo", "deployment/app", "--dry-run=client")
		code, _, _ := strings.Cut(theirs, ",")
		p := w.must("k8s.rollout_undo", values{"deployment": "app"}).preview()
		return code + ", prints a template", string(p.Label) + ", " + p.Summary
	}},
	{"pause of a paused Deployment", "what is so already is no failure", func(w *world) (string, string) {
		w.deploy("app", "myapp:1.4.2", 0)
		w.kubectl("rollout", "pause", "deployment/app")
		return w.kubectl("rollout", "pause", "deployment/app"), w.brief(w.ours("k8s.rollout_pause", values{"deployment": "app"}))
	}},
	{"scale with a precondition that does not hold", "the same", func(w *world) (string, string) {
		w.deploy("app", "myapp:1.4.2", 2)
		return w.kubectl("scale", "deployment/app", "--current-replicas=5", "--replicas=1"), w.ours("k8s.scale", values{"deployment": "app", "replicas": 1, "from": 5})
	}},
	{"the same scale with a precondition twice", "a step that is done again after a crash must find its own work done", func(w *world) (string, string) {
		w.deploy("app", "myapp:1.4.2", 1)
		w.kubectl("scale", "deployment/app", "--current-replicas=1", "--replicas=2")
		theirs := w.kubectl("scale", "deployment/app", "--current-replicas=1", "--replicas=2")
		return theirs, w.ours("k8s.scale", values{"deployment": "app", "replicas": 2, "from": 1})
	}},
	{"status at 0 replicas", "at 0 nothing is proven", func(w *world) (string, string) {
		w.deploy("app", "myapp:1.4.2", 0)
		w.settled("app")
		s := w.do("k8s.rollout_status", values{"deployment": "app"})
		return w.kubectl("rollout", "status", "deployment/app", "--timeout=5s"), fmt.Sprintf("complete: %v", s["complete"])
	}},
	{"wait for ready at 0 replicas", "nobody serves", func(w *world) (string, string) {
		w.deploy("app", "myapp:1.4.2", 0)
		w.settled("app")
		w.eventually("it says that it is available", func() bool {
			return conditionOf(w.object(deployments, "app"), "Available") == "True"
		})
		err := w.must("k8s.wait", values{"name": "app", "until": "ready"}).runFor(time.Second)
		_, last, _ := strings.Cut(fmt.Sprint(err), "last seen: ")
		return w.kubectl("wait", "--for=condition=Available", "deployment/app", "--timeout=5s"), "out of time, " + last
	}},
	{"wait for what disappears", "ours ends at once, with the reason; kubectl may go on to its timeout", func(w *world) (string, string) {
		wait := func(look func() string) string {
			w.deploy("app", "myapp:1.5.0-unready", 1)
			said := make(chan string, 1)
			go func() { said <- look() }()
			w.eventually("a pod", func() bool { return len(w.podsWith(ofApp)) == 1 })
			time.Sleep(time.Second) // kubectl gives no sign that it waits
			w.delete(deployments, "app")
			out := <-said
			w.eventually("no pod", func() bool { return len(w.podsWith(ofApp)) == 0 })
			return out
		}
		theirs := wait(func() string { return w.kubectl("wait", "--for=condition=Available", "deployment/app", "--timeout=8s") })
		var p *prepared
		ours := wait(func() string {
			p = w.must("k8s.wait", values{"name": "app", "until": "ready"})
			_, err := p.run()
			return actions.KindOf(err).String() + ", " + err.Error()
		})
		code, _, _ := strings.Cut(theirs, ",")
		return code + ", not found or out of time, by the moment", ours
	}},
	{"removing pods by label twice", "the second list holds the healthy replacements; a step knows its pods by UID", func(w *world) (string, string) {
		w.deployed("app", "myapp:1.4.2", 1)
		w.kubectl("delete", "pods", "-l", ofApp)
		w.complete("app")
		fresh := w.uids(ofApp)[0]
		theirs := w.kubectl("delete", "pods", "-l", ofApp)
		code, _, _ := strings.Cut(theirs, ",")
		w.complete("app")
		p := w.must("k8s.delete_pods", values{"selector": ofApp})
		p.mustRun()
		second := w.uids(ofApp)[0]
		p.mustRun()
		return code + ", replacement removed: " + fmt.Sprint(w.uids(ofApp)[0] != fresh), "succeeded, replacement removed: " + fmt.Sprint(w.uids(ofApp)[0] != second)
	}},
	{"status of a StatefulSet with a partition", "the older template still serves; `settled` says that the controller is done", func(w *world) (string, string) {
		one := int32(1)
		w.stateful("app", "myapp:1.4.2", 2, func(s *appsv1.StatefulSet) {
			s.Spec.UpdateStrategy = appsv1.StatefulSetUpdateStrategy{Type: "RollingUpdate", RollingUpdate: &appsv1.RollingUpdateStatefulSetStrategy{Partition: &one}}
		})
		w.setsImage("statefulset", "app", "myapp:1.5.0-slow")
		var s actions.Outputs
		w.eventually("settled", func() bool {
			s = w.do("k8s.rollout_status", values{"statefulset": "app"})
			return s["settled"] == true
		})
		return w.kubectl("rollout", "status", "statefulset/app", "--timeout=5s"), fmt.Sprintf("complete: %v, settled: %v", s["complete"], s["settled"])
	}},
	{"pause of a StatefulSet", "the same, and ours says what to do instead", func(w *world) (string, string) {
		w.stateful("app", "myapp:1.4.2", 0)
		return w.kubectl("rollout", "pause", "statefulset/app"), w.ours("k8s.rollout_pause", values{"statefulset": "app"})
	}},
	{"apply of a field that somebody else set", "the same; both name the field and who set it", func(w *world) (string, string) {
		w.kubectl("create", "configmap", "x", "--from-literal=limit=50")
		return w.kubectl("apply", "--server-side", "-f", w.file(limitOf("x", "10"))), w.ours("k8s.apply", asManifest(limitOf("x", "10")))
	}},
	{"apply of what somebody changed after it was looked at", "what was previewed is written, or nothing is", func(w *world) (string, string) {
		w.kubectl("apply", "--server-side", "-f", w.file(limitOf("x", "50")))
		w.kubectl("diff", "--server-side", "-f", w.file(limitOf("x", "10")))
		w.patch(configMaps, "x", `{"data":{"limit":"70"}}`)
		theirs := w.kubectl("apply", "--server-side", "--force-conflicts", "-f", w.file(limitOf("x", "10")))
		theirs += ", " + w.data("x")
		p := w.must("k8s.apply", asManifest(limitOf("x", "50"), "force", true))
		w.patch(configMaps, "x", `{"data":{"limit":"70"}}`)
		_, err := p.run()
		return theirs, actions.KindOf(err).String() + ", " + err.Error() + ", " + w.data("x")
	}},
	{"apply of a manifest without a field that it had", "ours takes nothing away; to remove a field is said by name, with `k8s.patch`", func(w *world) (string, string) {
		const with, without = `{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {a: "1", b: "1"}}`, `{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {a: "1"}}`
		w.kubectl("apply", "-f", w.file(with))
		theirs := w.kubectl("apply", "-f", w.file(without)) + ", " + w.data("x")
		w.delete(configMaps, "x")
		w.do("k8s.apply", asManifest(with))
		return theirs, w.ours("k8s.apply", asManifest(without)) + ", " + w.data("x")
	}},
	{"apply to a name that was mistyped", "`before: present` says that it must be there", func(w *world) (string, string) {
		w.do("k8s.apply", asManifest(limitOf("app-limits", "50")))
		ours := w.ours("k8s.apply", asManifest(limitOf("app-limit", "10"), "before", "present"))
		return w.kubectl("apply", "-f", w.file(limitOf("app-limit", "10"))), strings.ReplaceAll(ours, w.cl.Namespace, "NS")
	}},
	{"deletion of what was made anew since it was looked at", "ours is of one UID", func(w *world) (string, string) {
		w.do("k8s.apply", asManifest(limitOf("x", "50")))
		p := w.must("k8s.delete", values{"kind": "configmap", "name": "x"})
		w.delete(configMaps, "x")
		w.do("k8s.apply", asManifest(limitOf("x", "10")))
		out := p.mustRun()
		ours := fmt.Sprintf("succeeded, deleted: %v, there: %v", out["deleted"], !w.gone(configMaps, "x"))
		return fmt.Sprintf("%s, there: %v", w.kubectl("delete", "configmap", "x"), !w.gone(configMaps, "x")), ours
	}},
}

// brief leaves out what says who did what when.
func (w *world) brief(s string) string {
	s, _, _ = strings.Cut(s, " from ")
	return s
}

// TestLikeKubectl does the same with kubectl and with our steps, and holds
// docs/kubectl.md to the outcomes.
func TestLikeKubectl(t *testing.T) {
	var mu sync.Mutex
	rows := map[string]string{}
	t.Run("cases", func(t *testing.T) {
		for _, c := range likeKubectl {
			t.Run(c.name, func(t *testing.T) {
				w := newWorld(t)
				theirs, ours := c.do(w)
				mu.Lock()
				defer mu.Unlock()
				rows[c.name] = fmt.Sprintf("| %s | %s | %s | %s |", c.name, cell(theirs), cell(ours), c.why)
			})
		}
	})
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "kubectl.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range likeKubectl {
		if row := rows[c.name]; row == "" || !strings.Contains(string(doc), "\n"+row+"\n") {
			t.Errorf("docs/kubectl.md has no such row:\n%s", row)
		}
	}
}

func cell(s string) string { return strings.ReplaceAll(s, "|", "/") }
