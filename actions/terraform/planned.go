package terraform

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/runbackhq/runback/actions"
)

// The verbs of a resource. Whatever else a program may plan one day is refused.
const (
	creates  = "create"
	updates  = "update"
	replaces = "replace"
	deletes  = "delete"
	forgets  = "forget" // leaves the object and takes it out of the state
	moves    = "move"
	imports  = "import"
	invokes  = "invoke" // an action of a provider; what it does is in no plan
)

// resource is what a plan does to one resource.
type resource struct {
	Address string                `json:"address"` // with the key of a deposed object, if it is one
	Type    string                `json:"type"`
	Verb    string                `json:"verb"`
	Why     string                `json:"why,omitempty"`
	Fields  []actions.FieldChange `json:"fields,omitempty"`
}

// base is the address as events name it.
func (r resource) base() string {
	addr, _, _ := strings.Cut(r.Address, " (deposed ")
	return addr
}

// makes says whether something new comes into being, which a state that was
// not written does not know.
func (r resource) makes() bool {
	return r.Verb == creates || r.Verb == replaces || r.Verb == invokes || r.Verb == imports
}

// planned is what is known of a plan and may be journaled.
type planned struct {
	Version   string                `json:"version"`
	Complete  bool                  `json:"complete"`
	Resources []resource            `json:"resources,omitempty"`
	Outputs   []actions.FieldChange `json:"outputs,omitempty"`
	Drift     []string              `json:"drift,omitempty"`
	secrets   []string              // in clear; never written anywhere
	sensitive []string              // names of variables
	refusal   string                // why terraform itself would not apply it
}

// empty says that there is nothing to apply.
func (p planned) empty() bool { return len(p.Resources) == 0 && len(p.Outputs) == 0 }

// judgement is what terraform-json leaves out of a plan.
type judgement struct {
	Applyable *bool `json:"applyable"` // not in OpenTofu, nor in terraform before 1.8
	Errored   *bool `json:"errored"`
}

// readPlan takes out of `show -json` what counts.
func readPlan(raw []byte, targeted bool) (planned, error) {
	var doc judgement
	var plan tfjson.Plan
	plan.UseJSONNumber(true)
	if err := json.Unmarshal(raw, &doc); err != nil {
		return planned{}, fmt.Errorf("plan cannot be read: %w", err)
	}
	if err := json.Unmarshal(raw, &plan); err != nil {
		return planned{}, fmt.Errorf("plan cannot be read: %w", err)
	}
	p := planned{Version: plan.TerraformVersion, Complete: !targeted && len(plan.DeferredChanges) == 0}
	if plan.Complete != nil {
		p.Complete = *plan.Complete
	}
	if !sound(&plan) {
		return planned{}, errors.New("plan cannot be read: it names a change and does not say which")
	}
	for _, r := range plan.ResourceChanges {
		if r.Mode == tfjson.ManagedResourceMode {
			p.add(r)
		}
		p.keep(r.Change)
	}
	for _, i := range plan.ActionInvocations {
		p.Resources = append(p.Resources, resource{Address: i.Address, Type: i.Type, Verb: invokes, Fields: []actions.FieldChange{{Path: whole, After: "invoked"}}})
	}
	p.outputs(plan.OutputChanges)
	for _, r := range plan.ResourceDrift {
		p.Drift = append(p.Drift, r.Address)
		p.keep(r.Change)
	}
	p.variables(&plan)
	p.scrub()
	slices.SortFunc(p.Resources, func(a, b resource) int { return strings.Compare(a.Address, b.Address) })
	slices.Sort(p.Drift)
	switch {
	case doc.Errored != nil && *doc.Errored:
		p.refusal = "the plan is not complete: it ended with an error"
	case doc.Applyable != nil && !*doc.Applyable && !p.empty():
		p.refusal = "terraform says that the plan cannot be applied"
	}
	return p, nil
}

// sound says whether everything that is named is also there.
func sound(plan *tfjson.Plan) bool {
	for _, list := range [][]*tfjson.ResourceChange{plan.ResourceChanges, plan.ResourceDrift} {
		if slices.ContainsFunc(list, func(r *tfjson.ResourceChange) bool { return r == nil || r.Change == nil }) {
			return false
		}
	}
	for _, ch := range plan.OutputChanges {
		if ch == nil {
			return false
		}
	}
	return !slices.Contains(plan.ActionInvocations, nil)
}

func (p *planned) add(r *tfjson.ResourceChange) {
	out := resource{Address: r.Address, Type: r.Type, Verb: verb(r), Why: string(r.ActionReason)}
	if r.DeposedKey != "" {
		out.Address += " (deposed " + r.DeposedKey + ")"
	}
	if out.Verb == "" {
		return
	}
	out.Fields = fields(r, out.Verb)
	p.Resources = append(p.Resources, out)
}

func verb(r *tfjson.ResourceChange) string {
	a := r.Change.Actions
	switch {
	case a.Create():
		return creates
	case a.Update():
		return updates
	case a.Replace():
		return replaces
	case a.Delete():
		return deletes
	case a.Forget():
		return forgets
	case a.NoOp() && r.Change.Importing != nil:
		return imports
	case a.NoOp() && r.PreviousAddress != "" && r.PreviousAddress != r.Address:
		return moves
	case a.NoOp(), a.Read():
		return ""
	default:
		return strings.Join(words(a), "+")
	}
}

func words(a tfjson.Actions) (out []string) {
	for _, w := range a {
		out = append(out, string(w))
	}
	return out
}

func (p *planned) outputs(changes map[string]*tfjson.Change) {
	for name, ch := range changes {
		p.keep(ch)
		if ch.Actions.NoOp() {
			continue
		}
		d := difference{object: "output." + name}
		d.walk("value", side{ch.Before, ch.BeforeSensitive}, side{ch.After, ch.AfterSensitive}, ch.AfterUnknown)
		if len(d.found) == 0 { // only whether it is sensitive changes
			d.found = []actions.FieldChange{{Object: d.object, Path: "value", Before: "(as it is)", After: "(as it is, described anew)"}}
		}
		p.Outputs = append(p.Outputs, d.found...)
	}
	slices.SortFunc(p.Outputs, func(a, b actions.FieldChange) int { return strings.Compare(a.Object+a.Path, b.Object+b.Path) })
}

// of lists the addresses with one of the verbs.
func (p planned) of(verbs ...string) []string {
	out := []string{}
	for _, r := range p.Resources {
		if slices.Contains(verbs, r.Verb) {
			out = append(out, r.Address)
		}
	}
	return out
}

// summary is the plan in one line.
func (p planned) summary() string {
	if p.empty() {
		return "nothing to change"
	}
	var parts []string
	for _, v := range []string{creates, updates, replaces, deletes, forgets, moves, imports, invokes} {
		if n := len(p.of(v)); n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", v, n))
		}
	}
	if n := len(p.Outputs); n > 0 {
		parts = append(parts, fmt.Sprintf("outputs %d", n))
	}
	return strings.Join(parts, ", ")
}
