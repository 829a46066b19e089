package executor

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/runbackhq/runback/internal/guard"
	"github.com/runbackhq/runback/schema"
)

// InputError says what is wrong with the values given for the inputs.
type InputError struct {
	Problems []string
	Hint     string
}

// Error lists the problems.
func (e *InputError) Error() string { return strings.Join(e.Problems, "; ") }

// Bind gives every input its value: what was given, what the project has for it
// (there may be none), or the default. All problems are reported at once.
func (p *Program) Bind(given map[string]string, project *schema.Project) (map[string]any, error) {
	decls := p.Playbook.Spec.Inputs
	values, bad := map[string]any{}, &InputError{}
	for name := range given {
		if decls.Lookup(name) == nil {
			bad.Problems = append(bad.Problems, fmt.Sprintf("playbook %s has no input %q", p.Playbook.Metadata.Name, name))
			bad.Hint = cmp.Or(schema.DidYouMean(name, decls.Names()), "its inputs are: "+strings.Join(decls.Names(), ", "))
		}
	}
	for i := range decls {
		in := &decls[i]
		v, err := bindOne(in, given, project)
		if err != nil {
			bad.Problems = append(bad.Problems, fmt.Sprintf("input %q: %v", in.Name, err))
			continue
		}
		values[in.Name] = v
	}
	if len(bad.Problems) > 0 {
		slices.Sort(bad.Problems)
		return nil, bad
	}
	return values, nil
}

func bindOne(in *schema.Input, set map[string]string, project *schema.Project) (any, error) {
	if text, ok := set[in.Name]; ok {
		return in.ParseFlag(text)
	}
	if tree, ok := given(project, in); ok {
		return in.Parse(tree)
	}
	if in.Default.Kind == schema.Null {
		return nil, errors.New("a value is required: --set " + in.Name + "=...")
	}
	return in.Parse(in.Default)
}

// scopeInputs gives the inputs as expressions see them.
func scopeInputs(values map[string]any) map[string]any {
	out := make(map[string]any, len(values))
	for k, v := range values {
		if d, ok := v.(schema.Duration); ok {
			v = d.Std()
		}
		out[k] = v
	}
	return out
}

// Restore gives recorded inputs the types that JSON took from them.
func (p *Program) Restore(values map[string]any) (map[string]any, error) {
	out := make(map[string]any, len(values))
	for name, v := range values {
		in := p.Playbook.Spec.Inputs.Lookup(name)
		if in == nil {
			return nil, fmt.Errorf("recorded input %q is not declared", name)
		}
		t, err := schema.FromValue(v, schema.Pos{File: "input " + name})
		if err != nil {
			return nil, err
		}
		if out[name], err = in.Parse(t); err != nil {
			return nil, fmt.Errorf("recorded input %q: %w", name, err)
		}
	}
	return out, nil
}

// resolve replaces the expressions of a tree by their values, or says what is
// not known yet.
func resolve(t schema.Tree, values map[string]*guard.Value, scope map[string]any) (schema.Tree, []string, error) {
	var missing []string
	out, err := t.Resolve(func(tpl schema.Tree) (any, error) {
		var text strings.Builder
		for _, part := range tpl.Parts {
			if !part.Expr {
				text.WriteString(part.Text)
				continue
			}
			v, absent, err := values[placed(part)].Eval(scope)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", part.At, err)
			}
			missing = append(missing, absent...)
			if d, ok := v.(time.Duration); ok {
				v = schema.Duration(d)
			}
			if tpl.Whole() {
				return v, nil
			}
			fmt.Fprint(&text, v)
		}
		return text.String(), nil
	})
	return out, missing, err
}
