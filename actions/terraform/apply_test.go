package terraform_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runbackhq/runback/actions"
)

// thing is a resource that writes into the ledger when it is made and when it
// is destroyed.
func thing(name, input, replace string) string {
	return `
resource "terraform_data" "` + name + `" {
  input            = ` + input + `
  triggers_replace = ` + replace + `
  provisioner "local-exec" { command = "echo +` + name + ` >> ledger" }
  provisioner "local-exec" {
    when    = destroy
    command = "echo -` + name + ` >> ledger"
  }
}
`
}

func change(p actions.Preview, object, path string) *actions.FieldChange {
	for _, c := range p.Changes {
		if c.Object == object && c.Path == path {
			return &c
		}
	}
	return nil
}

func TestApply(t *testing.T) {
	w := newWorld(t, thing("a", `"1"`, "null")+thing("b", `"1"`, `"x"`)+`output "o" { value = terraform_data.a.output }`)
	first := w.apply(nil).prepare()
	p := first.preview()
	if p.Label != actions.Exact || p.Summary != "create 2, outputs 1" || p.Object != filepath.Base(w.program)+" "+w.target.Dir+" (default)" {
		t.Errorf("%s %q %q", p.Label, p.Summary, p.Object)
	}
	if c := change(p, "terraform_data.a", "(resource)"); c == nil || c.Before != nil || c.After != "created" {
		t.Errorf("%+v", c)
	}
	if c := change(p, "terraform_data.a", "id"); c == nil || c.After != "(known after apply)" {
		t.Errorf("%+v", c)
	}
	first.wants(actions.NotApplied)
	out := first.mustRun()
	if out["changed"] != true || words(out["created"]) != "terraform_data.a terraform_data.b" || out["complete"] != true || w.made() != "+a +b" {
		t.Errorf("%v, ledger %q", out, w.ledger())
	}
	first.wants(actions.Applied)
	// One that runs the same attempt again does not apply again.
	if _ = first.mustRun(); w.made() != "+a +b" {
		t.Errorf("ledger %q", w.ledger())
	}
	w.noPlans()

	again := w.apply(nil).prepare()
	if p := again.preview(); p.Summary != "nothing to change" || len(p.Changes) != 0 {
		t.Errorf("%+v", p)
	}
	if out := again.mustRun(); out["changed"] != false {
		t.Errorf("%v", out)
	}
	again.wants(actions.Applied)

	// a is changed in place, b is replaced, c is new; in the next step c goes.
	w.config(thing("a", `"2"`, "null") + thing("b", `"1"`, `"y"`) + thing("c", `"1"`, "null"))
	second := w.apply(map[string]any{"allow_replace": []string{"terraform_data.b"}}).prepare()
	p = second.preview()
	if p.Summary != "create 1, update 1, replace 1, outputs 1" || !strings.Contains(strings.Join(p.Notes, "\n"), "replace, as it was allowed: terraform_data.b") {
		t.Errorf("%q %q", p.Summary, p.Notes)
	}
	if c := change(p, "terraform_data.a", "input"); c == nil || c.Before != "1" || c.After != "2" {
		t.Errorf("%+v", c)
	}
	if c := change(p, "terraform_data.b", "(resource)"); c == nil || !strings.Contains(c.After.(string), "forced by triggers_replace") || !strings.HasPrefix(c.Before.(string), "exists (id ") {
		t.Errorf("%+v", c)
	}
	if p.Changes[0].Object != "terraform_data.b" {
		t.Errorf("what is lost does not come first: %+v", p.Changes[0])
	}
	out = second.mustRun()
	if words(out["replaced"]) != "terraform_data.b" || words(out["updated"]) != "terraform_data.a" || words(out["created"]) != "terraform_data.c" {
		t.Errorf("%v", out)
	}
	w.config(thing("a", `"2"`, "null") + thing("b", `"1"`, `"y"`))
	third := w.apply(map[string]any{"allow_delete": []string{"terraform_data"}}).prepare()
	if c := change(third.preview(), "terraform_data.c", "(resource)"); c == nil || c.After != nil {
		t.Errorf("%+v", c)
	}
	if out := third.mustRun(); words(out["deleted"]) != "terraform_data.c" {
		t.Errorf("%v, ledger %q", out, w.ledger())
	}
}

// noPlans: what holds secrets is gone when it is not needed any more.
func (w *world) noPlans() {
	w.t.Helper()
	if found, err := filepath.Glob(filepath.Join(w.children(), "*.plan")); err != nil || len(found) > 0 {
		w.t.Errorf("plans are left: %v %v", found, err)
	}
}

func TestWhatIsNotAllowed(t *testing.T) {
	module := `module "app" { source = "./app" }`
	for name, tc := range map[string]struct {
		with map[string]any
		says string // "" when it is allowed
	}{
		"nothing allowed": {nil, "would delete terraform_data.gone, replace module.app.terraform_data.r"},
		"other type":      {map[string]any{"allow_delete": []string{"aws_instance", "terraform_dat"}}, "would delete terraform_data.gone, replace module.app.terraform_data.r"},
		"replace only":    {map[string]any{"allow_replace": []string{"terraform_data"}}, "would delete terraform_data.gone"},
		"by address":      {map[string]any{"allow_delete": []string{"terraform_data.gone"}, "allow_replace": []string{"module.app"}}, ""},
		"by type":         {map[string]any{"allow_delete": []string{"terraform_data"}}, ""},
		"half a name":     {map[string]any{"allow_delete": []string{"terraform_data.go", "module.ap"}}, "delete terraform_data.gone"},
		"other serial":    {map[string]any{"allow_delete": []string{"terraform_data"}, "expect_serial": 99}, "expected was 99"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, module+thing("gone", "1", "null"))
			w.write("infra/app/main.tf", thing("r", "1", `"x"`))
			w.byHand("init", "-input=false")
			w.byHand("apply", "-auto-approve")
			w.config(module)
			w.write("infra/app/main.tf", thing("r", "1", `"y"`))
			before := w.ledger()
			s := w.apply(tc.with)
			err := s.tryPrepare()
			if tc.says == "" {
				if err != nil {
					t.Fatal(err)
				}
				s.mustRun()
				return
			}
			wantsKind(t, err, actions.KindRefused, tc.says)
			if w.noPlans(); w.ledger() != before {
				t.Error("something was done")
			}
		})
	}
}

// A plan of a playbook leaves nothing behind and is the same each time.
func TestPlanOfAPlaybook(t *testing.T) {
	w := newWorld(t, thing("a", `"1"`, "null"))
	w.byHand("apply", "-auto-approve")
	w.config(thing("a", `"2"`, "null") + thing("b", "null", "null"))
	before := w.all()
	s := w.apply(nil)
	s.c.Key = "plan/steps/x"
	s.prepare()
	state, p := string(s.state), s.preview()
	if p.Summary != "create 1, update 1" {
		t.Errorf("%q", p.Summary)
	}
	if s.prepare(); string(s.state) != state {
		t.Errorf("what is compared with a review differs from one plan to the next:\n%s\n%s", state, s.state)
	}
	if after := w.all(); after != before {
		t.Errorf("left behind:\n%s\nwas\n%s", after, before)
	}
	if _, err := s.run(); err == nil {
		t.Error("what was only planned can be run")
	}
	// The run plans again, and does field by field what was reviewed.
	r := w.apply(nil).prepare()
	if a, b := p.Changes, r.preview().Changes; len(a) != len(b) {
		t.Errorf("%v, %v", a, b)
	}
}

// all lists the files of the world, but for empty folders of ours.
func (w *world) all() string {
	var out []string
	_ = filepath.WalkDir(w.top, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			b, _ := os.ReadFile(path)
			out = append(out, strings.TrimPrefix(path, w.top)+" "+string(b))
		}
		return nil
	})
	return strings.Join(out, "\n")
}
