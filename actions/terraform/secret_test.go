package terraform_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runbackhq/runback/actions"
)

const secret = "hunter2-very-secret"

const confidential = `
variable "password" {
  type      = string
  sensitive = true
}
resource "terraform_data" "db" {
  input = { user = "app", password = var.password, list = ["x", var.password] }
}
output "dsn" {
  value     = "postgres://app:${var.password}@db"
  sensitive = true
}
`

func TestSecrets(t *testing.T) {
	w := newWorld(t, confidential)
	w.write("secret.tfvars", `password = "`+secret+`"`)
	with := map[string]any{"var_files": []string{w.file("secret.tfvars")}}
	s := w.apply(with).prepare()
	p := s.preview()
	if c := change(p, "terraform_data.db", "input"); c == nil || !strings.Contains(text(t, c), `"password":"(sensitive)"`) || !strings.Contains(text(t, c), `["x","(sensitive)"]`) {
		t.Errorf("%+v", p.Changes)
	}
	if c := change(p, "output.dsn", "value"); c == nil || c.After != "(sensitive)" {
		t.Errorf("%+v", p.Changes)
	}
	out := s.mustRun()
	w.write("secret.tfvars", `password = "`+secret+`-2"`)
	next := w.apply(with).prepare()
	if c := change(next.preview(), "terraform_data.db", "input.password"); c == nil || c.Before != "(sensitive)" || c.After != "(sensitive, another value)" {
		t.Errorf("%+v", next.preview().Changes)
	}
	for name, said := range map[string]any{"state": s.state, "preview": p, "outputs": out, "progress": s.told.String(), "next": next.state, "next preview": next.preview()} {
		if strings.Contains(text(t, said), secret) {
			t.Errorf("%s holds the secret: %s", name, text(t, said))
		}
	}
	next.mustRun()
	w.noPlans()
	w.nowhere(secret)
}

// nowhere: not in any file of ours.
func (w *world) nowhere(secret string) {
	w.t.Helper()
	_ = filepath.WalkDir(w.children(), func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if b, _ := os.ReadFile(path); strings.Contains(string(b), secret) {
				w.t.Errorf("%s holds the secret", path)
			}
		}
		return nil
	})
}

func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestSensitiveVariableIsRefused(t *testing.T) {
	w := newWorld(t, confidential)
	err := w.apply(map[string]any{"vars": map[string]any{"password": secret}}).tryPrepare()
	wantsKind(t, err, actions.KindRefused, "vars gives a value for password, which the configuration declares sensitive")
	if strings.Contains(err.Error(), secret) {
		t.Error(err)
	}
}

// An error of a provisioner quotes its command.
func TestSecretInAnError(t *testing.T) {
	w := newWorld(t, confidential+`
resource "terraform_data" "job" {
  provisioner "local-exec" { command = "echo ${nonsensitive(var.password)}; exit 3" }
}
`)
	w.write("secret.tfvars", `password = "`+secret+`"`)
	s := w.apply(map[string]any{"var_files": []string{w.file("secret.tfvars")}}).prepare()
	_, err := s.run()
	wantsKind(t, err, actions.KindEnded, "failed: terraform_data.job", "exit status 3")
	_, _, perr := s.a.Probe(t.Context(), s.c, s.in, s.state)
	for _, said := range []string{err.Error(), actions.HintOf(err), perr.Error(), s.told.String()} {
		if strings.Contains(said, secret) {
			t.Errorf("holds the secret: %s", said)
		}
	}
}

// The list of processes is read while terraform works.
func TestSecretInNoProcess(t *testing.T) {
	w := newWorld(t, confidential+chain)
	w.write("secret.tfvars", `password = "`+secret+`"`)
	s := w.apply(map[string]any{"var_files": []string{w.file("secret.tfvars")}}).prepare()
	s.left("infra/begun")
	found, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(found) == 0 {
		t.Fatal(err)
	}
	for _, path := range found {
		for _, p := range []string{path, filepath.Join(filepath.Dir(path), "environ")} {
			if b, _ := os.ReadFile(p); strings.Contains(string(b), secret) {
				t.Errorf("%s holds the secret", p)
			}
		}
	}
	w.write("infra/go", "")
	s.settled()
	s.wants(actions.Applied)
}
