package terraform

import (
	"context"

	"github.com/runbackhq/runback/actions"
)

type confirmIn struct {
	place
	values
}

// confirmed is a full plan, as far as it says whether anything is left to do.
type confirmed struct {
	Dir       string   `json:"dir"`
	Workspace string   `json:"workspace"`
	Lineage   string   `json:"lineage,omitempty"`
	Made      bool     `json:"made"` // a plan of a playbook makes none: it would be out of date when the step runs
	Empty     bool     `json:"empty"`
	Left      []string `json:"left,omitempty"`
	Outputs   int      `json:"outputs,omitempty"`
	Serial    int      `json:"serial,omitempty"`
}

type confirmOut struct {
	Empty  bool     `json:"empty" doc:"whether the full plan is empty, so that nothing is owed any more"`
	Left   []string `json:"left" doc:"addresses that the configuration would still change"`
	Serial int      `json:"serial" doc:"serial of the state"`
}

func (f family) confirmAction() actions.Action {
	return actions.Define(actions.Def[confirmIn, confirmed, confirmOut]{
		Name:    "terraform.confirm",
		Summary: "Make a full plan of the configuration as it stands; when it is empty, what targeted applies and rollbacks owe is settled, else it stays open.",
		// It changes nothing in the world, but what it finds is on record and
		// settles what others owe, which an observation cannot do.
		Effect:  actions.Change,
		Prepare: f.prepareConfirm,
		Preview: previewConfirm,
		Run: func(_ context.Context, _ *actions.Call, _ confirmIn, st confirmed) (confirmOut, error) {
			if !st.Made {
				return confirmOut{}, actions.Invalid("", "no full plan was made")
			}
			return st.out(), nil
		},
		Probe: func(_ context.Context, _ *actions.Call, _ confirmIn, st confirmed) (actions.Verdict, confirmOut, error) {
			return actions.Applied, st.out(), nil
		},
		Undo: func(confirmIn, confirmed, confirmOut) ([]actions.Step, error) { return nil, nil }, // it only looks
		Settles: func(_ confirmIn, st confirmed) []string {
			if !st.Made || !st.Empty {
				return nil
			}
			return keys(st.Dir, st.Workspace, st.Lineage)
		},
		Tell: func(o confirmOut) string {
			if o.Empty {
				return "the full plan is empty"
			}
			return "the full plan is not empty: " + some(o.Left)
		},
		Examples: []actions.Example{{Title: "Settle what a targeted apply owes", YAML: "uses: terraform.confirm\ntimeout: 5m"}},
	})
}

func (f family) prepareConfirm(ctx context.Context, c *actions.Call, in confirmIn) (confirmed, error) {
	s, err := f.site(c, in.Terraform)
	if err != nil {
		return confirmed{}, err
	}
	st := confirmed{Dir: s.Home, Workspace: s.Workspace}
	if inPlan(c) {
		return st, nil
	}
	m, err := f.passing(ctx, c, s, options{Refresh: true, values: in.values})
	if err != nil {
		return st, err
	}
	st.Made, st.Empty, st.Lineage, st.Serial = true, m.empty() && m.Complete && m.refusal == "", m.Lineage, m.Serial
	for _, r := range m.Resources {
		st.Left = append(st.Left, r.Address)
	}
	st.Outputs = len(m.Outputs)
	return st, nil
}

func previewConfirm(_ context.Context, _ *actions.Call, _ confirmIn, st confirmed) (actions.Preview, error) {
	p := actions.Preview{Label: actions.Predicted, Summary: "makes a full plan then", Object: st.Dir + " (" + st.Workspace + ")"}
	switch {
	case st.Made && st.Empty:
		p.Label, p.Summary = actions.Exact, "the full plan is empty: what is owed is settled"
	case st.Made:
		p.Label, p.Summary = actions.Exact, "the full plan is not empty: what is owed stays open"
	}
	return p, nil
}

func (st confirmed) out() confirmOut {
	left := append([]string{}, st.Left...)
	if st.Outputs > 0 {
		left = append(left, "outputs")
	}
	return confirmOut{Empty: st.Empty, Left: left, Serial: st.Serial}
}
