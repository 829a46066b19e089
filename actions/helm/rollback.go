package helm

import (
	"context"
	"fmt"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/tool"
	"github.com/runbackhq/runback/schema"
)

type rollbackIn struct {
	Release       string          `json:"release" doc:"name of the release, in the namespace of the target"`
	Revision      int             `json:"revision,omitempty" minimum:"0" doc:"revision to go back to; without it, or 0, the last one before the current that was deployed, and it is refused where that is not known"`
	Wait          bool            `json:"wait" default:"true" doc:"whether helm waits until its objects are ready, and calls the rollback failed when they are not"`
	Timeout       schema.Duration `json:"timeout" default:"5m" doc:"how long helm waits for each of its operations, a hook or the objects; the time of the step must be longer, for a helm that is stopped leaves the release pending"`
	CleanupOnFail bool            `json:"cleanup_on_fail" default:"false" doc:"whether helm deletes what a rollback that fails has newly created"`
	Stuck         int             `json:"stuck,omitempty" minimum:"0" doc:"last revision, when it is pending and it is known that nobody works on it any more; without it, or 0, a pending release is refused"`
	Program       string          `json:"program" default:"helm" doc:"helm, by name or with its folder"`
}

// revision is what is remembered of a revision.
type revision struct {
	Number     int    `json:"number"`
	UID        string `json:"uid"` // of the Secret that it is stored in
	Status     string `json:"status"`
	SHA256     string `json:"sha256"` // of the manifest
	Chart      string `json:"chart"`
	AppVersion string `json:"app_version"`
	Worked     bool   `json:"worked"` // whether it is known to have been deployed
}

func (r record) remembered() revision {
	return revision{r.Version, r.uid, r.Info.Status, r.digest(), r.chart(), r.Chart.Metadata.AppVersion, r.worked()}
}

// prepared is what is journaled before a rollback.
type prepared struct {
	Release    string       `json:"release"`
	From       revision     `json:"from"` // the last one as it was
	To         revision     `json:"to"`
	Done       bool         `json:"done"` // it is there already, and so are its objects
	ServerSide bool         `json:"server_side"`
	Program    tool.Program `json:"program"`
	Version    string       `json:"version"` // of helm
	Job        tool.Job     `json:"job"`
}

// next is the number of the revision that the rollback makes.
func (st prepared) next() int { return st.From.Number + 1 }

type rollbackOut struct {
	Release    string `json:"release" doc:"name of the release"`
	Changed    bool   `json:"changed" doc:"whether a rollback was made; not where the release and its objects were as wanted already"`
	Revision   int    `json:"revision" doc:"last revision now"`
	RolledBack int    `json:"rolled_back_to" doc:"revision that was gone back to"`
	Previous   int    `json:"previous" doc:"last revision before"`
	Chart      string `json:"chart" doc:"chart and its version, as app-1.2.0"`
	AppVersion string `json:"app_version" doc:"version of the application, as the chart says"`
}

func (st prepared) out() rollbackOut {
	o := rollbackOut{Release: st.Release, Changed: !st.Done, Revision: st.next(), RolledBack: st.To.Number, Previous: st.From.Number, Chart: st.To.Chart, AppVersion: st.To.AppVersion}
	if st.Done {
		o.Revision = st.From.Number
	}
	return o
}

func (f family) rollbackAction() actions.Action {
	return actions.Define(actions.Def[rollbackIn, prepared, rollbackOut]{
		Name:    "helm.rollback",
		Summary: "Roll a release of Helm back to an earlier revision that was deployed, with the helm of this machine, which outlives a crash of runback.",
		Effect:  actions.Destroy,
		Prepare: f.prepare, Preview: f.preview, Run: f.run, Probe: f.probe, Undo: undo, Differs: f.differs,
		Tell: func(o rollbackOut) string {
			if !o.Changed {
				return fmt.Sprintf("nothing to do: revision %d is what revision %d says", o.Revision, o.RolledBack)
			}
			return fmt.Sprintf("revision %d, rolled back to %d: %s", o.Revision, o.RolledBack, o.Chart)
		},
		Examples: []actions.Example{
			{Title: "Go back to what was deployed before", YAML: "uses: helm.rollback\nwith: {release: app, timeout: 2m}\ntimeout: 3m"},
			{Title: "Go back to a revision", YAML: "uses: helm.rollback\nwith: {release: app, revision: 3, timeout: 2m}\ntimeout: 3m"},
			{Title: "Free a release whose upgrade was killed", YAML: "uses: helm.rollback\nwith: {release: app, revision: 3, stuck: 5, timeout: 2m}\ntimeout: 3m"},
		},
	})
}

// undo goes to the revision from before by its number.
func undo(in rollbackIn, st prepared, _ rollbackOut) ([]actions.Step, error) {
	if st.Done {
		return nil, nil
	}
	if !st.From.Worked {
		return nil, actions.Refuse("", "revision %d of release %s was %s and is not known to have been deployed: there is nothing to go back to", st.From.Number, st.Release, st.From.Status)
	}
	return []actions.Step{{
		Name: fmt.Sprintf("Roll %s back to revision %d", st.Release, st.From.Number),
		Uses: "helm.rollback",
		With: map[string]any{"release": st.Release, "revision": st.From.Number, "wait": in.Wait, "timeout": in.Timeout.String(), "program": in.Program},
	}}, nil
}

// differs says whether the last revision is still the one that was made.
func (f family) differs(ctx context.Context, c *actions.Call, _ rollbackIn, st prepared) ([]actions.FieldChange, error) {
	cl, err := f.cluster(ctx, c)
	if err != nil {
		return nil, err
	}
	h, err := cl.history(ctx, st.Release)
	if err != nil || st.Done {
		return nil, err
	}
	of := actions.FieldChange{Object: "release/" + st.Release, Path: "revision", Before: st.next()}
	switch {
	case len(h) == 0:
	case h.last().Version != st.next():
		of.After = h.last().Version
	case h.last().Info.Status != deployed:
		of.Path, of.Before, of.After = "status", deployed, h.last().Info.Status
	default:
		return nil, nil
	}
	return []actions.FieldChange{of}, nil
}
