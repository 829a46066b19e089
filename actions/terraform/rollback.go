package terraform

import (
	"context"

	"github.com/runbackhq/runback/actions"
)

func (f family) rollbackAction() actions.Action {
	return actions.Define(actions.Def[rollbackIn, prepared, applyOut]{
		Name:    "terraform.rollback",
		Summary: "Plan an earlier commit of a configuration against the state as it is now, and apply exactly that plan; what it may delete or replace must be named.",
		Effect:  actions.Destroy,
		Prepare: func(ctx context.Context, c *actions.Call, in rollbackIn) (prepared, error) {
			s, err := f.site(c, in.Terraform)
			if err != nil {
				return prepared{}, err
			}
			if s, err = f.checkout(ctx, c, s, in.Ref); err != nil {
				return prepared{}, err
			}
			return f.prepare(ctx, c, s, in.applyIn)
		},
		Preview: func(_ context.Context, _ *actions.Call, in rollbackIn, st prepared) (actions.Preview, error) {
			return in.preview(st), nil
		},
		Run: func(ctx context.Context, c *actions.Call, in rollbackIn, st prepared) (applyOut, error) {
			return f.run(ctx, c, in.applyIn, st)
		},
		Probe: func(ctx context.Context, c *actions.Call, in rollbackIn, st prepared) (actions.Verdict, applyOut, error) {
			return f.probe(ctx, c, in.applyIn, st)
		},
		NoUndo: noUndo, Tell: tellApply,
		Owes: func(_ rollbackIn, st prepared) []actions.Obligation {
			if st.Plan.empty() {
				return nil
			}
			return []actions.Obligation{st.owed("infrastructure is as commit "+st.Site.Commit[:12]+" says, and "+st.Site.Home+" may say otherwise: the next apply there would bring back what was rolled back",
				"the repository says the same, and a full plan is empty")}
		},
		Examples: []actions.Example{
			{Title: "Go back to the configuration before the release", YAML: "uses: terraform.rollback\nwith: {ref: v1.41.0}\ntimeout: 10m"},
			{Title: "Go back with one module only", YAML: "uses: terraform.rollback\nwith: {ref: HEAD~1, targets: [module.app], allow_replace: [aws_launch_template]}\ntimeout: 10m"},
		},
	})
}
