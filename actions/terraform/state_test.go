package terraform_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/actions/terraform"
)

func TestStaleAndLost(t *testing.T) {
	onBoth(t, thing("a", `"1"`, "null"), func(t *testing.T, w *world, _ *stateServer) {
		s := w.apply(nil).prepare()
		w.byHand("apply", "-auto-approve") // somebody else was faster
		_, err := s.run()
		wantsKind(t, err, actions.KindConflict, "the state moved since the plan was made")
		s.wants(actions.NotApplied)
		if w.ledger() != "+a" {
			t.Errorf("ledger %q", w.ledger())
		}
		w.config(strings.Replace(w.read("infra/main.tf"), `"1"`, `"2"`, 1))
		for name, spoil := range map[string]func(path string) error{
			"other": func(path string) error { return os.WriteFile(path, []byte("another plan"), 0o600) },
			"gone":  os.Remove,
		} {
			next := w.apply(nil).prepare()
			var st struct{ Attempt struct{ File, SHA256 string } }
			if err := json.Unmarshal(next.state, &st); err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(st.Attempt.File); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%v %v", info, err)
			}
			if err := spoil(st.Attempt.File); err != nil {
				t.Fatal(err)
			}
			_, err := next.run()
			wantsKind(t, err, actions.KindConflict, "the plan that was announced is not in")
			if w.ledger() != "+a" {
				t.Errorf("%s: ledger %q", name, w.ledger())
			}
		}
	})
}

// The plan says for which state it is, as the back end does: also where there is
// none yet, and while it drifts.
func TestPlanNamesItsState(t *testing.T) {
	onBoth(t, thing("a", `"v0"`, "null"), func(t *testing.T, w *world, _ *stateServer) {
		for n := range 4 {
			w.config(strings.Replace(w.read("infra/main.tf"), fmt.Sprintf(`"v%d"`, n-1), fmt.Sprintf(`"v%d"`, n), 1))
			s := w.apply(nil).prepare()
			var st struct {
				Lineage string
				Attempt struct{ Serial int }
			}
			if err := json.Unmarshal(s.state, &st); err != nil {
				t.Fatal(err)
			}
			var there struct {
				Lineage string
				Serial  int
			}
			if _, said, found := strings.Cut("\n"+w.byHand("state", "pull"), "\n{"); found {
				if err := json.Unmarshal([]byte("{"+said), &there); err != nil {
					t.Fatal(err)
				}
			}
			if st.Lineage != there.Lineage || st.Attempt.Serial != there.Serial || (n > 0) != (there.Serial > 0) {
				t.Errorf("the plan is for serial %d of %q, there is %d of %q", st.Attempt.Serial, st.Lineage, there.Serial, there.Lineage)
			}
			s.mustRun()
		}
	})
}

func TestDrift(t *testing.T) {
	w := newWorld(t, `resource "terraform_data" "a" { input = "1" }`)
	w.byHand("apply", "-auto-approve")
	var st map[string]any
	if err := json.Unmarshal([]byte(w.read("infra/terraform.tfstate")), &st); err != nil {
		t.Fatal(err)
	}
	// What somebody changed in the world shows in a plan as a change back.
	raw := strings.Replace(w.read("infra/terraform.tfstate"), `"value": "1"`, `"value": "9"`, 1)
	w.write("infra/terraform.tfstate", raw)
	out := w.step("terraform.plan", map[string]any{}).prepare().mustRun()
	if out["empty"] != false || words(out["changes"]) != "terraform_data.a" || out["lineage"] != st["lineage"] || out["version"] == "" {
		t.Errorf("%v", out)
	}
}

func TestWorkspaces(t *testing.T) {
	w := newWorld(t, thing("a", "terraform.workspace", "null"))
	w.byHand("workspace", "new", "prod")
	w.byHand("workspace", "new", "dev") // which is selected now
	w.target.Workspace = "prod"
	id, err := terraform.Identify(t.Context(), "app", w.target)
	if err != nil || id["terraform.app.workspace"] != "prod" || id["terraform.app.lineage"] != "" {
		t.Errorf("%v %v", id, err)
	}
	w.apply(nil).prepare().mustRun()
	if !strings.Contains(w.read("infra/terraform.tfstate.d/prod/terraform.tfstate"), "terraform_data") || w.read("infra/terraform.tfstate.d/dev/terraform.tfstate") != "" {
		t.Error("another workspace was applied")
	}
	if w.read("infra/.terraform/environment") != "dev" {
		t.Error("what the user had selected was changed")
	}
	w.target.Workspace = "prdo"
	wantsKind(t, w.apply(nil).tryPrepare(), actions.KindInvalid, `workspace "prdo" does not exist`, "prod")
	_, err = terraform.Identify(t.Context(), "app", w.target)
	wantsKind(t, err, actions.KindInvalid, `workspace "prdo" does not exist`)
	if w.exists("infra/terraform.tfstate.d/prdo")() {
		t.Error("the workspace was made by looking")
	}
}

func TestIdentify(t *testing.T) {
	w := newWorld(t, thing("a", "1", "null"))
	w.byHand("apply", "-auto-approve")
	before := w.all()
	id, err := terraform.Identify(t.Context(), "app", w.target)
	if err != nil {
		t.Fatal(err)
	}
	if id["terraform.app.dir"] != w.target.Dir || len(id["terraform.app.lineage"]) != 36 || !strings.HasPrefix(id["terraform.app.backend"], "local ") ||
		!strings.HasPrefix(id["terraform.app.program"], filepath.Base(w.program)+" 1.") || w.all() != before {
		t.Errorf("%v", id)
	}
	w.target.Lineage = id["terraform.app.lineage"]
	if _, err := terraform.Identify(t.Context(), "app", w.target); err != nil {
		t.Error(err)
	}
	w.target.Lineage = "00000000-0000-0000-0000-000000000000"
	_, err = terraform.Identify(t.Context(), "app", w.target)
	wantsKind(t, err, actions.KindRefused, "this is not the state that was planned", id["terraform.app.lineage"])
	wantsKind(t, w.apply(nil).tryPrepare(), actions.KindRefused, "this is not the state that was planned")
	w.noPlans()
}

func TestCloudIsRefused(t *testing.T) {
	w := newWorld(t, "")
	w.write("infra/.terraform/terraform.tfstate", `{"version":3,"backend":{"type":"cloud","config":{"organization":"x"}}}`)
	_, err := terraform.Identify(t.Context(), "app", w.target)
	wantsKind(t, err, actions.KindInvalid, "runs plans on its own machines")
}

func TestStrayVariables(t *testing.T) {
	t.Setenv("TF_VAR_v", "stray")
	t.Setenv("TF_CLI_ARGS_plan", "-destroy")
	t.Setenv("TF_WORKSPACE", "elsewhere")
	t.Setenv("TF_DATA_DIR", "/nonexistent")
	w := newWorld(t, `variable "v" { default = "calm" }`+thing("a", "var.v", "null"))
	p := w.apply(nil).prepare().preview()
	if c := change(p, "terraform_data.a", "input"); c == nil || c.After != "calm" {
		t.Errorf("%+v", p)
	}
	p = w.apply(map[string]any{"vars": map[string]any{"v": "given"}}).prepare().preview()
	if c := change(p, "terraform_data.a", "input"); c == nil || c.After != "given" {
		t.Errorf("%+v", p)
	}
}
