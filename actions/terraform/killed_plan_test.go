package terraform_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/actions/terraform"
	"github.com/runbackhq/runback/internal/tool"
	"github.com/runbackhq/runback/schema"
)

// planArg makes the test binary an executor that plans a playbook, and that a
// test can kill.
const planArg = "__plan"

func plansAndDies(dir, program, children string) {
	for _, a := range terraform.Actions(tool.Room{Base: func() (string, error) { return children, nil }}) {
		if a.Spec.Name != "terraform.apply" {
			continue
		}
		in, _ := a.Decode(schema.Tree{Kind: schema.Map})
		target := actions.Target{Terraform: map[string]actions.TerraformTarget{"app": {Dir: dir, Program: program}}}
		_, _ = a.Prepare(context.Background(), &actions.Call{Key: "plan/steps/x", Target: target, Wait: wait, Say: func(string) {}}, in)
	}
	os.Exit(0)
}

// A plan of a playbook that is killed leaves nothing behind: no record, no plan,
// and no lock of the state.
func TestPlanIsKilled(t *testing.T) {
	remote := newStateServer(t)
	w := newWorld(t, remote.config()+thing("a", "1", "null"))
	w.byHand("init", "-input=false")
	slow := remote.hold()
	cmd := exec.Command(os.Args[0], planArg, w.target.Dir, w.program, w.children())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.until("the lock", func() bool { return remote.holder() != "" })
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	slow()
	w.until("the end of the lock", func() bool { return remote.holder() == "" })
	w.until("the end of the records", func() bool {
		found, err := filepath.Glob(filepath.Join(w.children(), "*"))
		return err == nil && len(found) == 0
	})
	if w.ledger() != "" {
		t.Errorf("ledger %q", w.ledger())
	}
}
