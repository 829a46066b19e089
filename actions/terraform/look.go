package terraform

import (
	"context"
	"fmt"

	"github.com/runbackhq/runback/actions"
)

type planOut struct {
	Empty     bool     `json:"empty" doc:"whether there is nothing to change"`
	Complete  bool     `json:"complete" doc:"whether the plan covers the whole configuration; with targets it does not"`
	Creates   []string `json:"creates" doc:"addresses that would be created or imported"`
	Changes   []string `json:"changes" doc:"addresses that would be changed in place, or moved"`
	Replaces  []string `json:"replaces" doc:"addresses that would be replaced by new ones"`
	Deletes   []string `json:"deletes" doc:"addresses that would be deleted or forgotten"`
	Invokes   []string `json:"invokes" doc:"actions of providers that would be invoked"`
	Outputs   int      `json:"outputs" doc:"number of outputs that would change"`
	Drift     []string `json:"drift" doc:"addresses that were changed outside since the last apply"`
	Refusal   string   `json:"refusal" doc:"why the plan could not be applied; empty when it could"`
	Serial    int      `json:"serial" doc:"serial of the state"`
	Lineage   string   `json:"lineage" doc:"lineage of the state; empty when there is none yet"`
	Workspace string   `json:"workspace" doc:"workspace of the state"`
	Version   string   `json:"version" doc:"version of the program"`
	Commit    string   `json:"commit" doc:"commit of the configuration; empty when it was taken as it stands"`
}

func (f family) planAction() actions.Action {
	return actions.Define(actions.Def[planIn, struct{}, planOut]{
		Name:    "terraform.plan",
		Summary: "Tell what an apply of a configuration of terraform or OpenTofu would do; it changes nothing, but holds the lock of the state meanwhile.",
		Effect:  actions.Observe,
		Run:     f.look,
		Tell:    tellPlan,
		Examples: []actions.Example{
			{Title: "See whether the world is what the configuration says", YAML: "uses: terraform.plan\nexpect: outputs.empty"},
			{Title: "See what going back would do", YAML: "uses: terraform.plan\nwith: {ref: v1.41.0, targets: [module.app]}\nexpect: len(outputs.deletes) == 0"},
		},
	})
}

// look makes a plan that is kept nowhere.
func (f family) look(ctx context.Context, c *actions.Call, in planIn, _ struct{}) (planOut, error) {
	s, err := f.site(c, in.Terraform)
	if err == nil && in.Ref != "" {
		s, err = f.checkout(ctx, c, s, in.Ref)
	}
	if err != nil {
		return planOut{}, err
	}
	m, err := f.passing(ctx, c, s, in.options)
	if err != nil {
		return planOut{}, err
	}
	return planOut{
		Empty: m.empty(), Complete: m.Complete, Creates: m.of(creates, imports), Changes: m.of(updates, moves), Replaces: m.of(replaces),
		Deletes: m.of(deletes, forgets), Invokes: m.of(invokes), Outputs: len(m.Outputs), Drift: append([]string{}, m.Drift...), Refusal: m.refusal,
		Serial: m.Serial, Lineage: m.Lineage, Workspace: s.Workspace, Version: m.Version, Commit: s.Commit,
	}, nil
}

// passing makes a plan in memory.
func (f family) passing(ctx context.Context, c *actions.Call, s site, o options) (made, error) {
	path, done, err := memory()
	if err != nil {
		return made{}, err
	}
	defer done()
	return f.plan(ctx, c, s, o, path)
}

func tellPlan(o planOut) string {
	if o.Empty {
		return "nothing to change"
	}
	said := fmt.Sprintf("would create %d, change %d, replace %d, delete %d", len(o.Creates), len(o.Changes), len(o.Replaces), len(o.Deletes))
	for _, more := range []struct {
		n    int
		what string
	}{{o.Outputs, "outputs change"}, {len(o.Invokes), "actions"}, {len(o.Drift), "changed outside"}} {
		if more.n > 0 {
			said += fmt.Sprintf(", %d %s", more.n, more.what)
		}
	}
	if !o.Complete {
		said += " (not a full plan)"
	}
	return said
}
