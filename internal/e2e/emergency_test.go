package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runbackhq/runback/internal/testcluster"
)

// The emergency playbook goes all the way: traffic, then the schema, then the
// infrastructure; and none of it where nobody said whether the schema must go
// back.
func TestEmergencyGoesAllTheWay(t *testing.T) {
	env := testcluster.Up(t, "canary")
	w, p := newWorld(t, env), newProgram(t, env)
	db, dir := migratedDatabase(t), t.TempDir()
	program := terraform(t)
	write := func(name, text string) {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("main.tf", "module \"app\" { source = \"./app\" }\nresource \"terraform_data\" \"other\" {}\n")
	write("app/main.tf", "resource \"terraform_data\" \"app\" {}\n")
	initialise := exec.Command(program, "init", "-input=false")
	initialise.Dir = dir
	if out, err := initialise.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	p.more = append(db.env(), "PYTHONDONTWRITEBYTECODE=1")
	args := []string{"emergency", "--set", "route=app-route", "--set", "database_url=" + db.url(), "--set", "password_env=" + passwordEnv,
		"--set", "migrations=" + migrations(t), "--set", "infrastructure=" + dir, "--set", "program=" + program}

	before := w.versions()
	res := p.must(3, append([]string{"run", "--yes", "--reason", "test"}, args...)...)
	if !strings.Contains(res.out, "schema=keep or schema=downgrade") || len(changedKeys(before, w.versions())) > 0 {
		t.Errorf("undecided: %s", res.out)
	}

	args = append(args, "--set", "schema=downgrade", "--set", "accept_data_loss=true")
	res = p.must(0, append([]string{"run", "--yes", "--reason", "test"}, args...)...)
	t.Log(res.out)
	if got := db.sql("select version_num from alembic_version"); got != "c3audit" {
		t.Errorf("the schema is at %s", got)
	}
	list := exec.Command(program, "state", "list")
	list.Dir = dir
	out, err := list.Output()
	if got := strings.TrimSpace(string(out)); err != nil || got != "module.app.terraform_data.app" {
		t.Errorf("the state holds %q (%v)", got, err)
	}
	if v := p.status("last"); v.Status != "mitigated" || len(v.Obligations) == 0 {
		t.Errorf("a part of a configuration was applied, so a full plan is owed: %s %+v", v.Status, v.Obligations)
	}
}
