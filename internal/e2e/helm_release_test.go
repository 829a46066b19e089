package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/runbackhq/runback/internal/testcluster"
)

// release is a release of helm in a namespace of its own: the chart testdata/release.
type release struct {
	*program
	w        *world
	t        *testing.T
	helm, ns string
	url      string
}

// helmProgram is the real one, that make builds where it is not installed.
func helmProgram(t *testing.T) string {
	t.Helper()
	for _, name := range []string{os.Getenv("RUNBACK_HELM"), "helm"} {
		if path, err := exec.LookPath(name); err == nil && name != "" {
			return path
		}
	}
	return testcluster.Binary(t, "helm")
}

// released makes revision 1, which is good, and revision 2 with another version.
func released(t *testing.T, env *testcluster.Env, ns, version string, more ...string) *release {
	t.Helper()
	w := newWorld(t, env)
	w.namespace(ns)
	r := &release{newProgram(t, env), w, t, helmProgram(t), ns, env.AppURL + "/" + ns}
	r.more = []string{"PATH=" + filepath.Dir(r.helm) + ":" + os.Getenv("PATH")}
	if out, err := r.byHand("upgrade", "--install", "app", "testdata/release", "--wait"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := r.byHand(append([]string{"upgrade", "app", "testdata/release", "--wait", "--set", "version=" + version}, more...)...); (err != nil) != (more != nil) {
		t.Fatalf("%v\n%s", err, out)
	}
	return r
}

// byHand runs helm as a person would.
func (r *release) byHand(args ...string) (string, error) {
	cmd := exec.Command(r.helm, append(args, "--namespace", r.ns, "--kubeconfig", r.kube)...)
	cmd.Env = []string{"HOME=" + r.state, "PATH=" + os.Getenv("PATH")}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (r *release) said(args ...string) string {
	r.t.Helper()
	out, err := r.byHand(args...)
	if err != nil {
		r.t.Fatalf("helm %v: %v\n%s", args, err, out)
	}
	return out
}

// history is what helm says of the revisions, in one line each.
func (r *release) history() string {
	r.t.Helper()
	var rows []struct {
		Revision            int
		Status, Description string
	}
	if err := json.Unmarshal([]byte(r.said("history", "app", "-o", "json")), &rows); err != nil {
		r.t.Fatal(err)
	}
	var out []string
	for _, row := range rows {
		out = append(out, fmt.Sprint(row.Revision, " ", row.Status))
	}
	return strings.Join(out, ", ")
}

// is holds the release to what a revision says, by helm and in the cluster, and to
// serving or not.
func (r *release) is(revision string, serves bool) {
	r.t.Helper()
	if now, then := r.said("get", "manifest", "app"), r.said("get", "manifest", "app", "--revision", revision); now != then {
		r.t.Errorf("the release is not as revision %s says:\n%s", revision, now)
	}
	if live, then := r.image(), r.said("get", "manifest", "app", "--revision", revision); !strings.Contains(then, "image: "+live+"\n") {
		r.t.Errorf("the Deployment runs %s, revision %s says:\n%s", live, revision, then)
	}
	if n := errorsAt(r.t, r.url); (n == 0) != serves {
		r.t.Errorf("%d of 20 requests failed", n)
	}
}

func (r *release) image() string {
	r.t.Helper()
	d, err := r.w.core.AppsV1().Deployments(r.ns).Get(r.t.Context(), "app", metav1.GetOptions{})
	if err != nil {
		r.t.Fatal(err)
	}
	return d.Spec.Template.Spec.Containers[0].Image
}

func (r *release) args(more ...string) []string {
	return append([]string{"helm-release", "--set", "namespace=" + r.ns, "--set", "deployment=app", "--set", "url=" + r.url}, more...)
}

func (r *release) begin(more ...string) []string {
	return append([]string{"run", "--yes", "--reason", "test"}, r.args(more...)...)
}

// helmRelease: the release goes back to revision 1 by one revision more, however
// often and wherever the executor dies.
func helmRelease(t *testing.T, env *testcluster.Env) {
	calm := released(t, env, "helm-bad", "1.5.0-errors")
	calm.is("2", false)
	events := badVersion(t, calm)
	want := calm.status("last").statuses()
	t.Run("run again and taken back", func(t *testing.T) {
		t.Parallel()
		againAndBack(t, calm.within(t))
	})
	for name, d := range killings(t, events, "revert") {
		t.Run("killed when it was "+name, func(t *testing.T) {
			t.Parallel()
			r := released(t, env, "helm-"+name, "1.5.0-errors")
			resumed(t, r.program, d, r.begin())
			r.is("1", true)
			r.had("1 superseded, 2 superseded, 3 deployed")
			if got := r.status("last").statuses(); got != want {
				t.Errorf("steps: %s\nundisturbed: %s", got, want)
			}
			r.must(0, "verify")
		})
	}
	t.Run("never ready", func(t *testing.T) {
		t.Parallel()
		neverReady(t, released(t, env, "helm-unready", "1.5.0-unready", "--timeout", "3s"))
	})
}

// within is the same release in another test.
func (r *release) within(t *testing.T) *release {
	p := *r.program
	p.t = t
	return &release{&p, newWorld(t, r.env), t, r.helm, r.ns, r.url}
}

// badVersion plans and rolls back. It gives the events of the run.
func badVersion(t *testing.T, r *release) (events string) {
	t.Helper()
	r.w.atRest(r.ns, 2)
	plan := plansIn(t, r.w, r.program, r.ns, r.args())
	before := r.fields(2)
	events = r.must(0, append(r.begin(), "-o", "json")...).out
	didWhatItSaid(t, plan, before, r.fields(3))
	r.is("1", true)
	first := r.status("last")
	did, out := first.step(t, "revert")
	if first.Status != "succeeded" || !first.Changed || did != "succeeded" || out["changed"] != true || out["revision"] != 3.0 || out["rolled_back_to"] != 1.0 {
		t.Errorf("run: %s, revert %s %v", first.Status, did, out)
	}
	return events
}

// againAndBack rolls back what was rolled back, and takes the first run back.
func againAndBack(t *testing.T, r *release) {
	t.Helper()
	first := r.status("last")
	// A rollback is not rolled back, and nothing is done.
	contains(t, squeeze(r.must(0, r.begin()...).out), "steps.assess.outputs.rolled_back = true")
	again := r.status("last")
	if did, _ := again.step(t, "revert"); again.Status != "succeeded" || again.Changed || did != "skipped" {
		t.Errorf("second run: %s, changed %v, revert %s", again.Status, again.Changed, did)
	}
	contains(t, squeeze(r.must(0, r.begin("--set", "revision=1")...).out), "nothing to do: revision 3 is what revision 1 says")
	r.had("1 superseded, 2 superseded, 3 deployed")

	// It is taken back to what was there, and that is rolled back only by number.
	r.must(0, "undo", first.ID, "--yes", "--reason", "test")
	r.is("2", false)
	r.had("1 superseded, 2 superseded, 3 superseded, 4 deployed")
	r.must(0, r.begin("--set", "revision=1")...)
	r.is("1", true)
	r.had("1 superseded, 2 superseded, 3 superseded, 4 superseded, 5 deployed")
	r.must(0, "verify")
}

// fields are those of the world and the number of the last revision, which a plan
// announces too.
func (r *release) fields(revision int) map[string]any {
	r.t.Helper()
	out := r.w.fields(r.ns)
	out["release/app revision"] = revision
	return out
}

func (r *release) had(want string) {
	r.t.Helper()
	if got := r.history(); got != want {
		r.t.Errorf("history: %s, want %s", got, want)
	}
}

func neverReady(t *testing.T, r *release) {
	t.Helper()
	r.must(0, r.begin()...)
	r.is("1", true)
	r.had("1 superseded, 2 failed, 3 deployed")
	undo := r.must(3, "undo", "last", "--yes", "--reason", "test")
	contains(t, squeeze(undo.err), "revert: revision 2 of release app was failed and is not known to have been deployed: there is nothing to go back to")
	r.must(0, "verify")
}
