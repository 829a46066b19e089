package e2e

import (
	"strings"
	"testing"

	"github.com/runbackhq/runback/internal/testargo"
	"github.com/runbackhq/runback/internal/testcluster"
)

// midCanary is a Rollout in the middle of a bad canary, in a namespace of its own.
type midCanary struct {
	*program
	t   *testing.T
	w   *world
	ro  *testargo.Rollout
	ns  string
	url string
}

type beginCanary func(*testargo.Rollout, *testcluster.Env)

func newCanary(t *testing.T, env *testcluster.Env, ns string, begin beginCanary) *midCanary {
	t.Helper()
	w := newWorld(t, env)
	w.namespace(ns)
	ro := testargo.In(t, w.dyn, ns)
	begin(ro, env)
	return &midCanary{newProgram(t, env), t, w, ro, ns, env.AppURL + "/" + ns}
}

func (c *midCanary) args() []string {
	return []string{"canary-argo", "--set", "namespace=" + c.ns, "--set", "url=" + c.url}
}

func (c *midCanary) begin() []string {
	return append([]string{"run", "--yes", "--reason", "test"}, c.args()...)
}

// restored holds the world to the end of a rollback: the stable version has the
// template and the traffic. All that was written are the two fields, each once; or
// the template alone, where it was aborted before.
func (c *midCanary) restored(writes ...string) {
	c.t.Helper()
	if image, weight, routed := c.ro.Image(), c.ro.Weight(), c.ro.Routed(); image != testargo.Good || weight != 0 || routed != "0" {
		c.t.Errorf("template %s, weight %d, routed %s", image, weight, routed)
	}
	if c.ro.Aborted() {
		c.t.Error("it is still aborted: the controller did not take the template for another one")
	}
	if n := errorsAt(c.t, c.url); n > 0 {
		c.t.Errorf("%d of 20 requests failed", n)
	}
	all := c.w.writes(c.ns)
	if len(all) != len(writes) {
		c.t.Fatalf("writes: %+v", all)
	}
	for i, field := range writes {
		if all[i].Resource != "rollouts" || !strings.Contains(all[i].Body, `"path":"`+field) {
			c.t.Errorf("write %d is not to %s: %+v", i, field, all[i])
		}
	}
}

const (
	abortField    = "/status/abort"
	templateField = "/spec/template"
)

// canaryArgo: the canary is aborted and its template put back, once, wherever the
// executor dies. Where the weights are followed, customers see it.
func canaryArgo(t *testing.T, env *testcluster.Env, followed bool, begin beginCanary) {
	calm := newCanary(t, env, "argo-bad", begin)
	if n := errorsAt(t, calm.url); (n > 0) != followed {
		t.Fatalf("%d of 20 requests fail before", n)
	}
	events := badCanary(t, calm)
	want := calm.status("last").statuses()
	t.Run("run again and taken back", func(t *testing.T) {
		t.Parallel()
		againAndUndone(t, calm.within(t))
	})
	kills := killings(t, events, "abort")
	for name, d := range killings(t, events, "undo") {
		if name != "midway" { // it is one write
			kills["undo-"+name] = d
		}
	}
	for name, d := range kills {
		t.Run("killed when it was "+name, func(t *testing.T) {
			t.Parallel()
			c := newCanary(t, env, "argo-"+name, begin)
			resumed(t, c.program, d, c.begin())
			c.restored(abortField, templateField)
			if got := c.status("last").statuses(); got != want {
				t.Errorf("steps: %s\nundisturbed: %s", got, want)
			}
			c.must(0, "verify")
		})
	}
	t.Run("aborted by an analysis", func(t *testing.T) {
		t.Parallel()
		c := newCanary(t, env, "argo-analysis", begin)
		c.ro.Patch(`{"status":{"abort":true}}`, "status")
		c.ro.Eventually("the controller took it", func() bool { return c.ro.Weight() == 0 })
		contains(t, squeeze(c.must(0, c.begin()...).out), "nothing to do: it is aborted already")
		c.restored(templateField)
		if run := c.status("last"); run.Status != "succeeded" || len(run.Obligations) > 0 {
			t.Errorf("%s, owes %v", run.Status, run.Obligations)
		}
	})
}

// within is the same Rollout in another test.
func (c *midCanary) within(t *testing.T) *midCanary {
	p, w := *c.program, newWorld(t, c.env)
	p.t = t
	return &midCanary{&p, t, w, testargo.In(t, w.dyn, c.ns), c.ns, c.url}
}

// badCanary saves a plan and runs it. It gives the events of the run.
func badCanary(t *testing.T, c *midCanary) (events string) {
	t.Helper()
	before := c.ro.Said()
	plansIn(t, c.w, c.program, c.ns, c.args())
	if after := c.ro.Said(); after != before {
		t.Errorf("the plan changed the Rollout: %s, was %s", after, before)
	}
	file := c.state + "/plan.json"
	plan := squeeze(c.must(0, append([]string{"plan", "-o", file}, c.args()...)...).out)
	contains(t, plan, "aborts "+testargo.Bad+", all traffic goes to "+testargo.Good)
	contains(t, plan, ": "+testargo.Bad+" → "+testargo.Good)
	contains(t, plan, "the new version has 25% of the traffic by weight; the stable version has 2 available pods")

	events = c.must(0, "run", "--plan", file, "--yes", "--reason", "test", "-o", "json").out
	c.restored(abortField, templateField)
	run := c.status("last")
	_, aborted := run.step(t, "abort")
	_, undone := run.step(t, "undo")
	_, serving := run.step(t, "serving")
	if run.Status != "succeeded" || len(run.Obligations) > 0 || aborted["changed"] != true || undone["image"] != testargo.Good || serving["restored"] != true || serving["weight"] != 0.0 {
		t.Errorf("run: %s, owes %v\nabort %v\nundo %v\nserving %v", run.Status, run.Obligations, aborted, undone, serving)
	}
	return events
}

// againAndUndone tries what is done once more, and takes it back.
func againAndUndone(t *testing.T, c *midCanary) {
	t.Helper()
	run := c.status("last")
	again := c.must(3, c.begin()...)
	contains(t, squeeze(again.out), "nothing is under way; if the stable version is the bad one, go back by hash with argo.undo")
	contains(t, again.out, "nothing was changed")
	c.restored(abortField, templateField)

	undo := c.must(0, "undo", run.ID, "--yes", "--reason", "test")
	contains(t, squeeze(undo.err), "abort: to take an abort back is to roll the bad version out again")
	if image := c.ro.Image(); image != testargo.Bad {
		t.Errorf("template after the undo: %s", image)
	}
	c.ro.Eventually("the canary is at its first pause again", func() bool { return c.ro.Weight() == 25 })
	c.must(0, "verify")
}
