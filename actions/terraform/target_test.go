package terraform_test

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runbackhq/runback/actions"
)

func (s *step) owes() (owed []actions.Obligation, settles []string) {
	s.t.Helper()
	owed, settles, err := s.a.Owes(s.in, s.state)
	if err != nil {
		s.t.Fatal(err)
	}
	return owed, settles
}

func TestTargets(t *testing.T) {
	module := func(v string) string { return `module "app" { source = "./app" }` + thing("other", `"`+v+`"`, "null") }
	w := newWorld(t, module("1"))
	w.write("infra/app/main.tf", thing("x", `"1"`, "null"))
	w.byHand("init", "-input=false")
	w.byHand("apply", "-auto-approve")
	w.config(module("2"))
	w.write("infra/app/main.tf", thing("x", `"2"`, "null"))

	s := w.apply(map[string]any{"targets": []string{"module.app"}}).prepare()
	p := s.preview()
	if p.Summary != "update 1" || !strings.Contains(strings.Join(p.Notes, "\n"), "the plan is not complete: it is limited to module.app") {
		t.Errorf("%q %q", p.Summary, p.Notes)
	}
	if out := s.mustRun(); words(out["updated"]) != "module.app.terraform_data.x" || out["complete"] != false {
		t.Errorf("%v", out)
	}
	owed, settles := s.owes()
	if len(owed) != 1 || len(settles) != 0 || !strings.HasPrefix(owed[0].Key, "full plan of ") || !strings.HasSuffix(owed[0].Key, " default") {
		t.Fatalf("%+v %v", owed, settles)
	}
	// The world is not what the configuration says, so it stays owed.
	confirm := w.step("terraform.confirm", map[string]any{}).prepare()
	if _, settles := confirm.owes(); len(settles) != 0 || confirm.mustRun()["empty"] != false || words(confirm.mustRun()["left"]) != "terraform_data.other" {
		t.Errorf("%v", settles)
	}
	full := w.apply(nil).prepare()
	if owed, settles := full.owes(); len(owed) != 0 || !has(settles, s) {
		t.Errorf("%v %v", owed, settles)
	}
	full.mustRun()
	confirm = w.step("terraform.confirm", map[string]any{}).prepare()
	if _, settles := confirm.owes(); !has(settles, s) || confirm.mustRun()["empty"] != true {
		t.Errorf("%v", settles)
	}
	if out := w.step("terraform.plan", map[string]any{}).prepare().mustRun(); out["empty"] != true || out["complete"] != true {
		t.Errorf("%v", out)
	}
	// Nothing to do, nothing owed.
	if owed, _ := w.apply(map[string]any{"targets": []string{"module.app"}}).prepare().owes(); len(owed) != 0 {
		t.Errorf("%v", owed)
	}
}

func has(settles []string, s *step) bool {
	owed, _ := s.owes()
	for _, key := range settles {
		if key == owed[0].Key {
			return true
		}
	}
	return false
}

// What a first targeted apply owes is known by the directory only: there was no
// lineage yet.
func TestFirstTargets(t *testing.T) {
	w := newWorld(t, thing("a", "1", "null")+thing("b", "1", "null"))
	s := w.apply(map[string]any{"targets": []string{"terraform_data.a"}}).prepare()
	s.mustRun()
	full := w.apply(nil).prepare()
	if _, settles := full.owes(); !has(settles, s) {
		t.Errorf("%v", settles)
	}
	if full.mustRun(); w.ledger() != "+a +b" {
		t.Errorf("ledger %q", w.ledger())
	}
}

func (w *world) git(args ...string) string {
	w.t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example", "-c", "init.defaultBranch=main", "-C", w.file("repo")}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func TestRollback(t *testing.T) {
	for _, remote := range []bool{false, true} {
		t.Run(map[bool]string{false: "local", true: "remote"}[remote], func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "")
			head := ""
			if remote {
				head = newStateServer(t).config()
			}
			w.target.Dir = w.file("repo/envs/prod")
			conf := head + `module "app" { source = "../../modules/app" }`
			w.write("repo/envs/prod/main.tf", conf)
			w.write("repo/modules/app/main.tf", `resource "terraform_data" "x" { input = file("${path.module}/version") }`)
			w.write("repo/modules/app/version", "good")
			w.write("repo/.gitignore", ".terraform\n*.tfstate*\n")
			w.git("init", "-q")
			w.git("add", "-A")
			w.git("commit", "-qm", "good")
			w.git("tag", "good")
			good := w.git("rev-parse", "HEAD")
			w.byHand("init", "-input=false")
			w.byHand("apply", "-auto-approve")
			w.write("repo/modules/app/version", "bad")
			w.write("repo/envs/prod/more.tf", `resource "terraform_data" "added" { input = "release" }`)
			w.git("add", "-A")
			w.git("commit", "-qm", "bad")
			w.byHand("apply", "-auto-approve")
			before := w.repo()

			look := w.step("terraform.plan", map[string]any{"ref": "good"}).prepare().mustRun()
			if words(look["deletes"]) != "terraform_data.added" || words(look["changes"]) != "module.app.terraform_data.x" || look["commit"] != good {
				t.Errorf("%v", look)
			}
			s := w.step("terraform.rollback", map[string]any{"ref": "good"})
			wantsKind(t, s.tryPrepare(), actions.KindRefused, "delete terraform_data.added")
			s = w.step("terraform.rollback", map[string]any{"ref": "HEAD~1", "allow_delete": []string{"terraform_data.added"}}).prepare()
			if c := change(s.preview(), "module.app.terraform_data.x", "input"); c == nil || c.Before != "bad" || c.After != "good" {
				t.Errorf("%+v", s.preview())
			}
			if out := s.mustRun(); out["commit"] != good || words(out["deleted"]) != "terraform_data.added" {
				t.Errorf("%v", out)
			}
			if after := w.repo(); after != before {
				t.Errorf("the user's directory was touched:\n%s\nwas\n%s", after, before)
			}
			if out := w.step("terraform.plan", map[string]any{"ref": good}).prepare().mustRun(); out["empty"] != true {
				t.Errorf("%v", out)
			}
			// The repository still says otherwise: an apply there would undo it.
			confirm := w.step("terraform.confirm", map[string]any{}).prepare()
			if _, settles := confirm.owes(); confirm.mustRun()["empty"] != false || len(settles) != 0 {
				t.Errorf("%v", settles)
			}
			w.git("revert", "--no-edit", "HEAD")
			confirm = w.step("terraform.confirm", map[string]any{}).prepare()
			if _, settles := confirm.owes(); !has(settles, s) {
				t.Errorf("%v", settles)
			}
			wantsKind(t, w.step("terraform.rollback", map[string]any{"ref": "no-such"}).tryPrepare(), actions.KindInvalid, `ref "no-such" is no commit`)
			wantsKind(t, w.step("terraform.rollback", map[string]any{"ref": "--output=x"}).tryPrepare(), actions.KindInvalid, "is no commit")
		})
	}
}

// repo lists what is in the user's directory, but for git's own and the state
// itself, which is what a rollback changes.
func (w *world) repo() string {
	out := strings.Split(w.git("status", "--porcelain", "--ignored"), "\n")
	found, _ := filepath.Glob(w.file("repo/envs/prod/.terraform/*"))
	return strings.Join(append(out, found...), "\n")
}

func TestRollbackOutsideOfARepository(t *testing.T) {
	w := newWorld(t, thing("a", "1", "null"))
	t.Setenv("GIT_CEILING_DIRECTORIES", filepath.Dir(w.top))
	wantsKind(t, w.step("terraform.rollback", map[string]any{"ref": "HEAD"}).tryPrepare(), actions.KindInvalid, "is in no repository")
}

func TestMissingModuleIsInitialisedAside(t *testing.T) {
	w := newWorld(t, `module "app" { source = "./app" }`)
	w.write("infra/app/main.tf", thing("x", `"1"`, "null"))
	s := w.apply(nil).prepare()
	if out := s.mustRun(); words(out["created"]) != "module.app.terraform_data.x" || w.exists("infra/.terraform")() {
		t.Errorf("%v", out)
	}
	var st struct{ Site struct{ Data string } }
	if err := json.Unmarshal(s.state, &st); err != nil || !strings.HasPrefix(st.Site.Data, w.children()) {
		t.Errorf("%+v %v", st, err)
	}
}
