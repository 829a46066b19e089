package e2e

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/runbackhq/runback/internal/testcluster"
)

const appliesAndDeletes = `apiVersion: runback/v1
kind: Playbook
metadata: {name: applies, version: 1.0.0}
spec:
  budget: 3m
  inputs:
    namespace: {type: string}
  target:
    kubernetes: {namespace: "${{ inputs.namespace }}"}
  steps:
    - id: probe
      uses: k8s.apply
      with:
        before: absent
        manifest:
          apiVersion: apps/v1
          kind: Deployment
          metadata: {name: probe, annotations: {example.com/text: "${{ \"${{ not an expression }}\" }}"}}
          spec:
            replicas: 1
            selector: {matchLabels: {app: probe}}
            template:
              metadata: {labels: {app: probe}}
              spec: {containers: [{name: app, image: "myapp:1.4.2"}]}
    - id: up
      uses: k8s.wait
      with: {name: "${{ steps.probe.outputs.name }}", until: complete}
      timeout: 1m
    - id: fronts
      foreach:
        - {apiVersion: v1, kind: Service, metadata: {name: front-a}, spec: {ports: [{port: 80}], selector: {app: probe}}}
        - {apiVersion: v1, kind: Service, metadata: {name: front-b}, spec: {ports: [{port: 81}], selector: {app: probe}}}
      steps:
        - {id: front, uses: k8s.apply, with: {manifest: "${{ item }}"}}
    - id: slower
      uses: k8s.apply
      with:
        before: present
        force: true
        manifest: {apiVersion: apps/v1, kind: Deployment, metadata: {name: app-stable}, spec: {minReadySeconds: 1}}
    - id: service
      uses: k8s.delete
      with: {kind: service, name: app-service}
      timeout: 30s
`

// TestUndo: undoing a run restores every field that it changed and nothing
// else, and undoing the undo restores what the run had made.
func TestUndo(t *testing.T) {
	env := testcluster.Up(t, "healthy")
	w := newWorld(t, env)
	for _, playbook := range []string{"blue-green", "canary", "rolling", "direct"} {
		t.Run(playbook, func(t *testing.T) {
			t.Parallel()
			p, ns := newProgram(t, env), "undo-"+playbook
			seed(t, env, playbook, ns)
			before := w.fields(ns)
			p.must(0, "run", playbook, "--set", "namespace="+ns, "--yes", "--reason", "test")
			after := w.fields(ns)
			if len(bothWays(before, after)) == 0 {
				t.Fatal("the run changed nothing")
			}
			p.must(0, "undo", "last", "--yes", "--reason", "back")
			if diff := bothWays(before, w.fields(ns)); len(diff) > 0 {
				t.Errorf("not as before the run: %v", diff)
			}
			p.must(0, "undo", "last", "--yes", "--reason", "forth")
			if diff := bothWays(after, w.fields(ns)); len(diff) > 0 {
				t.Errorf("not as after the run: %v", diff)
			}
		})
	}
	t.Run("what somebody else changed stays", func(t *testing.T) {
		t.Parallel()
		p, ns := newProgram(t, env), "undo-foreign"
		seed(t, env, "canary", ns)
		before := w.fields(ns)
		p.must(0, "run", "canary", "--set", "namespace="+ns, "--yes", "--reason", "test")
		w.scaleByHand(ns, "app-stable", 7)
		res := p.must(0, "undo", "last", "--yes", "--reason", "back")
		contains(t, squeeze(res.err), "capacity: deployment/app-stable spec.replicas is 7 by now, this run had left 5")
		diff := bothWays(before, w.fields(ns))
		if len(diff) != 1 || diff[0] != "deployment/app-stable spec.replicas" {
			t.Errorf("differs from before the run: %v", diff)
		}
	})
	t.Run("an undone run does not go on", func(t *testing.T) {
		t.Parallel()
		p, ns := newProgram(t, env), "undo-cancelled"
		seed(t, env, "canary", ns)
		cmd := p.command("run", "canary", "--set", "namespace="+ns, "--set", "drain=4s", "--yes", "--reason", "test", "-o", "json")
		interruptAfter(t, cmd, `"step.start","path":"drain"`, syscall.SIGINT)
		id := p.status("last").ID
		p.must(0, "undo", id, "--yes", "--reason", "back")
		before := w.fields(ns)
		contains(t, squeeze(p.must(3, "resume", id).err), "was undone by run r-")
		if diff := bothWays(before, w.fields(ns)); len(diff) > 0 {
			t.Errorf("it went on: %v", diff)
		}
	})
	t.Run("what was made and deleted", func(t *testing.T) {
		t.Parallel()
		p, ns := newProgram(t, env), "undo-apply"
		seed(t, env, "canary", ns)
		before := w.fields(ns)
		file := filepath.Join(p.state, "apply.yaml")
		if err := os.WriteFile(file, []byte(appliesAndDeletes), 0o600); err != nil {
			t.Fatal(err)
		}
		plan := p.must(0, "plan", file, "--set", "namespace="+ns, "-o", p.state+"/plan.json")
		contains(t, squeeze(plan.out), "deployment/probe makes it, with 5 fields [EXACT]")
		p.must(0, "run", "--plan", p.state+"/plan.json", "--yes", "--reason", "test")
		after := w.fields(ns)
		for _, field := range []string{"deployment/probe spec.replicas", "service/front-a spec.sessionAffinity", "service/front-b spec.sessionAffinity", "deployment/app-stable spec.minReadySeconds"} {
			if after[field] == nil || before[field] != nil && before[field] == after[field] {
				t.Errorf("%s was %v and is %v", field, before[field], after[field])
			}
		}
		p.must(0, "undo", "last", "--yes", "--reason", "back")
		if diff := bothWays(before, w.fields(ns)); len(diff) > 0 {
			t.Errorf("not as before the run: %v", diff)
		}
		p.must(0, "undo", "last", "--yes", "--reason", "forth")
		if diff := bothWays(after, w.fields(ns)); len(diff) > 0 {
			t.Errorf("not as after the run: %v", diff)
		}
	})
	t.Run("as a playbook", func(t *testing.T) {
		t.Parallel()
		p, ns := newProgram(t, env), "undo-saved"
		seed(t, env, "canary", ns)
		before := w.fields(ns)
		p.must(0, "run", "canary", "--set", "namespace="+ns, "--yes", "--reason", "test")
		p.must(0, "undo", "last", "--save", p.state+"/undo.yaml")
		p.must(0, "validate", p.state+"/undo.yaml")
		p.must(0, "plan", p.state+"/undo.yaml", "-o", p.state+"/undo.json")
		p.must(0, "run", "--plan", p.state+"/undo.json", "--yes", "--reason", "reviewed")
		if diff := bothWays(before, w.fields(ns)); len(diff) > 0 {
			t.Errorf("not as before the run: %v", diff)
		}
	})
}

// bothWays names the fields that are not the same, those that are gone too.
func bothWays(a, b map[string]any) []string {
	out := fieldDiff(a, b)
	for k := range a {
		if _, there := b[k]; !there {
			out = append(out, k)
		}
	}
	return out
}
