package terraform

import (
	"context"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/tool"
)

// prepared is what is journaled before an apply. What differs from one making of
// the same plan to the next is in Attempt, which a plan that only looks has not:
// so a saved review is compared by what would be done.
type prepared struct {
	Site    site    `json:"site"`
	Lineage string  `json:"lineage"`
	Backend string  `json:"backend"`
	Config  string  `json:"config"`
	Locks   string  `json:"locks,omitempty"`
	Plan    planned `json:"plan"`
	// Notes are of the making of the plan, for people.
	Notes   []string `json:"notes,omitempty"`
	Attempt *attempt `json:"attempt,omitempty"`
}

// attempt is one saved plan.
type attempt struct {
	Job    tool.Job `json:"job"`
	File   string   `json:"file"`
	SHA256 string   `json:"sha256"`
	Serial int      `json:"serial"`
}

type applyOut struct {
	Changed   bool     `json:"changed" doc:"whether there was anything to change"`
	Created   []string `json:"created" doc:"addresses of resources that were created"`
	Updated   []string `json:"updated" doc:"addresses of resources that were changed in place"`
	Replaced  []string `json:"replaced" doc:"addresses of resources that were replaced by new ones"`
	Deleted   []string `json:"deleted" doc:"addresses of resources that were deleted, or forgotten"`
	Complete  bool     `json:"complete" doc:"whether the plan covered the whole configuration"`
	Workspace string   `json:"workspace" doc:"workspace of the state"`
	Lineage   string   `json:"lineage" doc:"lineage of the state; empty when there was none before"`
	Serial    int      `json:"serial" doc:"serial of the state that the plan was made for"`
	Commit    string   `json:"commit" doc:"commit of the configuration; empty when it was taken as it stands"`
}

const noUndo = "what an apply deleted or replaced does not come back by itself; go to the configuration from before with terraform.rollback and its commit"

func (f family) applyAction() actions.Action {
	return actions.Define(actions.Def[applyIn, prepared, applyOut]{
		Name:    "terraform.apply",
		Summary: "Plan a configuration of terraform or OpenTofu, and apply exactly that plan; what it may delete or replace must be named.",
		Effect:  actions.Destroy,
		Prepare: func(ctx context.Context, c *actions.Call, in applyIn) (prepared, error) {
			s, err := f.site(c, in.Terraform)
			if err != nil {
				return prepared{}, err
			}
			return f.prepare(ctx, c, s, in)
		},
		Preview: func(_ context.Context, _ *actions.Call, in applyIn, st prepared) (actions.Preview, error) {
			return in.preview(st), nil
		},
		Run: f.run, Probe: f.probe, NoUndo: noUndo, Tell: tellApply,
		Owes: func(in applyIn, st prepared) []actions.Obligation {
			if len(in.Targets) == 0 || st.Plan.empty() {
				return nil
			}
			return []actions.Obligation{st.owed("only "+some(in.Targets)+" of "+st.Site.Home+" was applied: what else the configuration says is not known to be so", "a full plan is empty")}
		},
		Settles: func(in applyIn, st prepared) []string {
			if len(in.Targets) > 0 || !st.Plan.Complete {
				return nil
			}
			return st.settled()
		},
		Examples: []actions.Example{
			{Title: "Put one module back to what the configuration says", YAML: "uses: terraform.apply\nwith: {targets: [module.app]}\ntimeout: 10m"},
			{Title: "Let a release's own resources go", YAML: "uses: terraform.apply\nwith: {terraform: app, allow_delete: [aws_lb_listener_rule], allow_replace: [module.app.aws_launch_template.app]}\ntimeout: 10m"},
		},
	})
}

// prepare makes the plan. In a plan of a playbook nothing is kept of it.
func (f family) prepare(ctx context.Context, c *actions.Call, s site, in applyIn) (prepared, error) {
	if inPlan(c) {
		path, done, err := memory()
		if err != nil {
			return prepared{}, err
		}
		defer done()
		st, _, err := f.planned(ctx, c, s, in, path)
		return st, err
	}
	job := tool.Announce(c.Key)
	path, err := f.reserve(job, s)
	if err != nil {
		return prepared{}, err
	}
	st, serial, err := f.planned(ctx, c, s, in, path)
	if err != nil {
		f.forget(job)
		return prepared{}, err
	}
	st.Attempt = &attempt{Job: job, File: path, Serial: serial}
	if st.Attempt.SHA256, err = settle(path); err != nil {
		f.forget(job)
		return prepared{}, err
	}
	f.tidy(job)
	if st.Plan.empty() {
		f.forget(job) // there is nothing to apply
	}
	return st, nil
}

// planned makes the plan at path and holds it against what is allowed.
func (f family) planned(ctx context.Context, c *actions.Call, s site, in applyIn, path string) (prepared, int, error) {
	m, err := f.plan(ctx, c, s, in.options, path)
	if err != nil {
		return prepared{}, 0, err
	}
	if err := in.admits(m); err != nil {
		return prepared{}, 0, err
	}
	st := prepared{Site: m.site, Lineage: m.Lineage, Backend: m.site.backend().String(), Plan: m.planned, Notes: m.notes}
	st.Config, st.Locks, err = m.site.configuration()
	return st, m.Serial, err
}

// keys name the state: by its lineage, and by its place as long as it has none.
func keys(home, workspace, lineage string) []string {
	at := "full plan of " + home + " " + workspace
	if lineage == "" {
		return []string{at}
	}
	return []string{"full plan of " + lineage + " " + workspace, at}
}

func (st prepared) owed(what, until string) actions.Obligation {
	return actions.Obligation{Key: st.settled()[0], What: what, Until: until, Instead: "terraform.confirm, when its full plan is empty; or terraform.apply of all of it"}
}

func (st prepared) settled() []string { return keys(st.Site.Home, st.Site.Workspace, st.Lineage) }
