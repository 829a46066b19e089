package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/runbackhq/runback/internal/testcluster"
)

// chain is a configuration of three resources, one after the other; each takes a
// while and notes in a ledger, outside of any state, that it was created.
const chain = `
resource "terraform_data" "one" {
  provisioner "local-exec" { command = "sleep 0.4; echo one >> ${path.module}/ledger" }
}
resource "terraform_data" "two" {
  input = terraform_data.one.id
  provisioner "local-exec" { command = "sleep 0.4; echo two >> ${path.module}/ledger" }
}
resource "terraform_data" "three" {
  input = terraform_data.two.id
  provisioner "local-exec" { command = "sleep 0.4; echo three >> ${path.module}/ledger" }
}
`

const applyPlaybook = `apiVersion: runback/v1
kind: Playbook
metadata: {name: infrastructure, version: 1.0.0}
spec:
  budget: 5m
  target:
    terraform:
      app: {dir: %q, program: %q}
  steps:
    - id: apply
      uses: terraform.apply
      with: {}
`

// terraform is the program that the tests use.
func terraform(t *testing.T) string {
	t.Helper()
	for _, name := range []string{os.Getenv("RUNBACK_TERRAFORM"), "terraform", "tofu"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return testcluster.Binary(t, "tofu")
}

// TestApplyDisturbed applies three resources while the executor, its supervisor
// and terraform die. No resource is created twice, whatever the state says.
func TestApplyDisturbed(t *testing.T) {
	program := terraform(t)
	disturbances(t, "apply", func(t *testing.T) *scene {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte(chain), 0o600); err != nil {
			t.Fatal(err)
		}
		ledger := func() []string {
			b, err := os.ReadFile(filepath.Join(dir, "ledger"))
			if err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			return strings.Fields(string(b))
		}
		return &scene{
			args: []string{writePlaybook(t, fmt.Sprintf(applyPlaybook, dir, program))},
			look: func() string {
				created := ledger()
				slices.Sort(created)
				list := exec.Command(program, "state", "list")
				list.Dir = dir
				out, err := list.Output()
				if err != nil { // before the first apply there is none
					out = []byte("no state")
				}
				return strings.Join(created, " ") + "; " + strings.Join(strings.Fields(string(out)), " ")
			},
			safe: func() error {
				seen := map[string]bool{}
				for _, name := range ledger() {
					if seen[name] {
						return fmt.Errorf("%s was created twice", name)
					}
					seen[name] = true
				}
				return nil
			},
		}
	})
}
