package terraform

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/runbackhq/runback/actions"
)

// leastSecret is the length below which a value is in so many words that taking
// it out would only garble them.
const leastSecret = 4

// keep collects what is sensitive in a change, so that it can be taken out of
// messages of the program: an error of a provisioner quotes its command.
func (p *planned) keep(ch *tfjson.Change) {
	p.collect(side{ch.Before, ch.BeforeSensitive})
	p.collect(side{ch.After, ch.AfterSensitive})
}

func (p *planned) collect(s side) {
	switch v := s.value.(type) {
	case map[string]any:
		for k, e := range v {
			p.collect(side{e, child(s.mask, k)})
		}
	case []any:
		for i, e := range v {
			p.collect(side{e, item(s.mask, i)})
		}
	case string:
		p.secret(v, s.mask)
	case json.Number:
		p.secret(v.String(), s.mask)
	}
}

func (p *planned) secret(text string, mask any) {
	if isTrue(mask) && len(text) >= leastSecret && !slices.Contains(p.secrets, text) {
		p.secrets = append(p.secrets, text)
	}
}

// variables notes the sensitive ones.
func (p *planned) variables(plan *tfjson.Plan) {
	if plan.Config == nil || plan.Config.RootModule == nil {
		return
	}
	for name, v := range plan.Config.RootModule.Variables {
		if v == nil || !v.Sensitive {
			continue
		}
		p.sensitive = append(p.sensitive, name)
		if given := plan.Variables[name]; given != nil {
			p.collect(side{given.Value, true})
		}
	}
}

// clean takes secrets out of a text, the long ones first: one may be part of
// another.
func (p planned) clean(text string) string {
	secrets := slices.Clone(p.secrets)
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) })
	for _, s := range secrets {
		text = strings.ReplaceAll(text, s, hidden)
	}
	return text
}

// scrub takes secrets out of every field. The masks of terraform are not enough:
// a computed attribute that repeats what it was given, like the output of a
// terraform_data, is not marked (seen with 1.11.4).
func (p *planned) scrub() {
	if len(p.secrets) == 0 {
		return
	}
	for _, r := range p.Resources {
		p.scrubFields(r.Fields)
	}
	p.scrubFields(p.Outputs)
}

func (p *planned) scrubFields(fields []actions.FieldChange) {
	for i, c := range fields {
		fields[i].Before, fields[i].After = p.scrubbed(c.Before), p.scrubbed(c.After)
	}
}

func (p *planned) scrubbed(v any) any {
	switch x := v.(type) {
	case string:
		return p.clean(x)
	case float64:
		if text := strconv.FormatFloat(x, 'f', -1, 64); slices.Contains(p.secrets, text) {
			return hidden
		}
	case map[string]any:
		for k, e := range x {
			x[k] = p.scrubbed(e)
		}
	case []any:
		for i, e := range x {
			x[i] = p.scrubbed(e)
		}
	}
	return v
}

// open refuses values of sensitive variables that the playbook gives: they are
// recorded and in the list of processes.
func (p planned) open(vars map[string]string) error {
	for name := range vars {
		if slices.Contains(p.sensitive, name) {
			return actions.Refuse(fmt.Sprintf("put it into a file and name that under var_files, or let the configuration read it: %s", name),
				"vars gives a value for %s, which the configuration declares sensitive; vars are recorded and shown", name)
		}
	}
	return nil
}
