package executor

import (
	"fmt"

	"github.com/runbackhq/runback/schema"
)

// project makes a recorded project known to expressions. Without one everything
// that a playbook asks of it is unknown.
func (sc *scope) project(src *schema.Source) error {
	if src == nil {
		return nil
	}
	p, found := schema.LoadProject(*src)
	if len(found) > 0 {
		return fmt.Errorf("the recorded project: %w", found.Err())
	}
	sc.share("project", p.Scope())
	return nil
}

// given gives the value of an input that a project has for it.
func given(p *schema.Project, in *schema.Input) (schema.Tree, bool) {
	if p == nil {
		return schema.Tree{}, false
	}
	return p.Spec.Inputs.Get(in.Name)
}
