package helm

import (
	"context"
	"fmt"

	"github.com/runbackhq/runback/actions"
)

// mostHistory bounds what one step puts into a journal.
const mostHistory = 20

type statusIn struct {
	Release string `json:"release" doc:"name of the release, in the namespace of the target"`
}

type told struct {
	Revision    int    `json:"revision" doc:"number of the revision"`
	Status      string `json:"status" doc:"its status: deployed, superseded, failed, pending-upgrade and so on"`
	Chart       string `json:"chart" doc:"chart and its version, as app-1.2.0"`
	AppVersion  string `json:"app_version" doc:"version of the application, as the chart says"`
	Description string `json:"description" doc:"what helm, or who deployed it, says of it"`
}

type statusOut struct {
	Found        bool   `json:"found" doc:"whether there is such a release"`
	Revision     int    `json:"revision" doc:"last revision; 0 when there is no release"`
	Status       string `json:"status" doc:"status of the last revision: deployed, failed, pending-upgrade and so on"`
	Chart        string `json:"chart" doc:"chart and its version, as app-1.2.0"`
	AppVersion   string `json:"app_version" doc:"version of the application, as the chart says"`
	Updated      string `json:"updated" doc:"when the last revision was made, as helm wrote it"`
	Description  string `json:"description" doc:"what helm, or who deployed it, says of the last revision"`
	Deployed     bool   `json:"deployed" doc:"whether the last revision is deployed"`
	Pending      bool   `json:"pending" doc:"whether an operation on it has begun and not ended: somebody works on it, or was killed"`
	RolledBack   bool   `json:"rolled_back" doc:"whether the last revision is itself a rollback"`
	RolledBackTo *int   `json:"rolled_back_to" doc:"revision that the last one went back to; unknown when it is no rollback, or does not say"`
	Previous     *int   `json:"previous" doc:"revision that a rollback goes to when none is named; unknown when there is none"`
	NoPrevious   string `json:"no_previous" doc:"why there is none; empty when there is"`
	History      []told `json:"history" doc:"revisions, the newest first, 20 at most"`
}

func (f family) statusAction() actions.Action {
	return actions.Define(actions.Def[statusIn, struct{}, statusOut]{
		Name:    "helm.status",
		Summary: "Read what is stored of a release of Helm: its last revision, its history, and where a rollback would go.",
		Effect:  actions.Observe,
		Run:     f.status,
		Tell:    tellStatus,
		Examples: []actions.Example{
			{Title: "See whether nobody is deploying", YAML: "uses: helm.status\nwith: {release: app}\nexpect: outputs.found && !outputs.pending"},
		},
	})
}

func (f family) status(ctx context.Context, c *actions.Call, in statusIn, _ struct{}) (statusOut, error) {
	out := statusOut{History: []told{}}
	cl, err := f.cluster(ctx, c)
	if err != nil {
		return out, err
	}
	h, err := cl.history(ctx, in.Release)
	if err != nil {
		return out, err
	}
	if len(h) == 0 {
		out.NoPrevious = "there is no such release"
		return out, nil
	}
	last := h.last()
	out.Found, out.Revision, out.Status, out.Chart, out.AppVersion = true, last.Version, last.Info.Status, last.chart(), last.Chart.Metadata.AppVersion
	out.Updated, out.Description = last.Info.Deployed, clip(last.Info.Description)
	out.Deployed, out.Pending = last.Info.Status == deployed, last.pending()
	to, is := last.rollsBack()
	if out.RolledBack = is; to > 0 {
		out.RolledBackTo = &to
	}
	if r, err := h.implied(); err == nil {
		out.Previous = &r.Version
	} else {
		out.NoPrevious = err.Error()
	}
	for i := len(h) - 1; i >= 0 && len(out.History) < mostHistory; i-- {
		r := h[i]
		out.History = append(out.History, told{r.Version, r.Info.Status, r.chart(), r.Chart.Metadata.AppVersion, clip(r.Info.Description)})
	}
	return out, nil
}

func tellStatus(o statusOut) string {
	switch {
	case !o.Found:
		return "there is no such release"
	case o.Previous != nil:
		return fmt.Sprintf("revision %d, %s, %s; before it %d", o.Revision, o.Status, o.Chart, *o.Previous)
	default:
		return fmt.Sprintf("revision %d, %s, %s; %s", o.Revision, o.Status, o.Chart, o.NoPrevious)
	}
}
