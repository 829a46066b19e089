// Package actionstest is the suite that every action must pass, whatever it
// acts on. A family's own tests show that it does the right thing; this shows
// that it keeps the contract.
package actionstest

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/schema"
)

// Exercise runs the suite for each action of a registry. What the actions reach
// may be absent or dead; it is never asked to do anything.
func Exercise(t *testing.T, reg actions.Registry) {
	t.Helper()
	if len(reg) == 0 {
		t.Fatal("registry is empty")
	}
	for _, name := range reg.Names() {
		t.Run(name, func(t *testing.T) {
			a := reg[name]
			checkNames(t, name, a.Spec)
			checkEffect(t, a)
			checkDecoding(t, a)
			checkExamples(t, a)
			checkCancelling(t, a)
		})
	}
}

var (
	actionName = regexp.MustCompile(`^[a-z][a-z0-9]*\.[a-z][a-z0-9_]*$`)
	fieldName  = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
)

func checkNames(t *testing.T, name string, s actions.Spec) {
	t.Helper()
	if s.Name != name || !actionName.MatchString(name) {
		t.Errorf("name is %q under the key %q, want family.verb", s.Name, name)
	}
	if s.Summary == "" || !strings.HasSuffix(s.Summary, ".") || strings.Contains(s.Summary, "\n") {
		t.Errorf("summary is not one sentence: %q", s.Summary)
	}
	checkFields(t, "input", s.In())
	checkFields(t, "output", s.Out())
	if len(s.Out().Fields) == 0 {
		t.Error("no outputs: nothing could be verified")
	}
}

// checkFields goes through all fields, those of fields included.
func checkFields(t *testing.T, what string, ty *schema.Type) {
	t.Helper()
	if ty == nil {
		return
	}
	for _, f := range ty.Fields {
		where := what + " " + f.Name
		if !fieldName.MatchString(f.Name) {
			t.Errorf("%s is not written in lower case with underscores", where)
		}
		if f.Doc == "" || strings.HasSuffix(f.Doc, ".") {
			t.Errorf("%s has no doc, or one that ends like a sentence: %q", where, f.Doc)
		}
		if f.Default != "" && len(f.Enum) > 0 && !slices.Contains(f.Enum, f.Default) {
			t.Errorf("%s: default %q is not one of %v", where, f.Default, f.Enum)
		}
		checkFields(t, where, f.Type)
	}
	checkFields(t, what, ty.Elem)
}

// checkEffect: what changes the world can be looked at before, asked about
// after a crash, and undone, or says why not.
func checkEffect(t *testing.T, a actions.Action) {
	t.Helper()
	s := a.Spec
	if a.Decode == nil || a.Prepare == nil || a.Preview == nil || a.Run == nil {
		t.Fatal("is not made by actions.Define")
	}
	if s.Effect == actions.Observe {
		if s.Undoes || s.Probes {
			t.Error("only observes, so there is nothing to probe or to undo")
		}
		return
	}
	if !s.Probes || a.Probe == nil {
		t.Errorf("has effect %s and no Probe: a crash would leave it in doubt", s.Effect)
	}
	if s.Undoes == (s.NoUndo != "") {
		t.Errorf("needs either Undo or a reason in NoUndo; it has Undo: %v, NoUndo: %q", s.Undoes, s.NoUndo)
	}
}

func checkDecoding(t *testing.T, a actions.Action) {
	t.Helper()
	at := schema.Pos{File: "test", Line: 1, Col: 1}
	unknown := schema.Tree{Pos: at, Kind: schema.Map, Pairs: []schema.Pair{{Key: "zzunknown", At: at, Value: schema.Tree{Pos: at, Kind: schema.Bool, Value: true}}}}
	_, found := a.Decode(unknown)
	if !mentions(found, "zzunknown") {
		t.Errorf("unknown key is not reported: %v", found)
	}
	_, found = a.Decode(schema.Tree{Pos: at, Kind: schema.Map})
	for _, f := range a.Spec.In().Fields {
		if f.Required && !mentions(found, `"`+f.Name+`"`) {
			t.Errorf("missing %s is not reported: %v", f.Name, found)
		}
	}
}

func mentions(found schema.Diagnostics, words string) bool {
	return slices.ContainsFunc(found, func(d schema.Diagnostic) bool { return strings.Contains(d.Message, words) })
}
