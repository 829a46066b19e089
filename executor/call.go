package executor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/journal"
	"github.com/runbackhq/runback/schema"
)

// Call is a playbook that is a step of another one.
type Call struct {
	Program *Program
	given   map[string]schema.Tree
}

// inputs gives every input of the playbook its value: what it was given, or the
// default.
func (c *Call) inputs(n *Node, scope map[string]any) (map[string]any, error) {
	out := map[string]any{}
	decls := c.Program.Playbook.Spec.Inputs
	for i := range decls {
		in := &decls[i]
		tree, given := c.given[in.Name]
		if !given {
			tree = in.Default
		}
		tree, missing, err := resolve(tree, n.values, scope)
		if err != nil {
			return nil, err
		}
		if len(missing) > 0 {
			return nil, actions.Refuse("", "input %q of %s is not known: %s", in.Name, owner(n), strings.Join(missing, ", "))
		}
		if out[in.Name], err = in.Parse(tree); err != nil {
			return nil, actions.Invalid("", "input %q of %s: %w", in.Name, owner(n), err)
		}
	}
	return out, nil
}

// called runs a playbook as a step, with the inputs that were recorded.
func (s *session) called(ctx context.Context, n *Node, st *journal.StepState) outcome {
	inputs, err := n.Call.Program.Restore(st.Inputs())
	if err != nil {
		return failed(err, n.Path)
	}
	s.scope.bind(n.Path+callMark, "inputs", scopeInputs(inputs))
	spec := n.Call.Program.Playbook.Spec
	out := s.body(ctx, n.Body, spec.FinallyBudget.Std(), "finally of playbook "+n.Call.Program.Playbook.Metadata.Name)
	if !out.ok() {
		return out
	}
	given := actions.Outputs{}
	for name, v := range n.Call.Program.outputs {
		value, missing, err := v.Eval(s.scope.view(n.Path+callMark+"/", v.Reads()))
		if err != nil {
			return failed(fmt.Errorf("output %q of %s: %w", name, owner(n), err), n.Path)
		}
		if len(missing) > 0 {
			continue // unknown, as that of a step that was skipped
		}
		given[name] = plain(value)
	}
	out.outputs = given
	return out
}

// plain gives a value as it comes back from the journal.
func plain(v any) any {
	if d, ok := v.(time.Duration); ok {
		return schema.Duration(d).String()
	}
	return v
}
