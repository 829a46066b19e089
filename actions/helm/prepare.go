package helm

import (
	"context"
	"os"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/tool"
)

// prepare makes the revision absolute and remembers what the last one is.
func (f family) prepare(ctx context.Context, c *actions.Call, in rollbackIn) (prepared, error) {
	st := prepared{Release: in.Release}
	if d := os.Getenv("HELM_DRIVER"); d != "" && d != "secret" && d != "secrets" {
		return st, actions.Refuse("", "HELM_DRIVER is %q here: only releases that helm stores in Secrets can be read", d)
	}
	cl, err := f.cluster(ctx, c)
	if err != nil {
		return st, err
	}
	h, err := cl.must(ctx, in.Release)
	if err != nil {
		return st, err
	}
	to, err := h.choose(in, c.Key)
	if err != nil {
		return st, err
	}
	st.From, st.To = h.last().remembered(), to.remembered()
	if st.Program, err = tool.Find(in.Program, ""); err != nil {
		return st, err
	}
	if st.Version, err = f.version(ctx, c, st.Program); err != nil {
		return st, err
	}
	st.ServerSide = to.Method == "ssa" && major(st.Version) >= 4
	if h.last().already(to) {
		same, err := cl.compare(ctx, h.last(), to, st.ServerSide)
		if err != nil {
			return st, err
		}
		st.Done = len(same.changes) == 0 && len(same.refusals) == 0 && same.exact
	}
	st.Job = tool.Announce(c.Key)
	return st, nil
}

// already says whether the revision is what a rollback to that one would make.
func (r record) already(to record) bool {
	back, _ := r.rollsBack()
	return r.Info.Status == deployed && r.digest() == to.digest() && (r.Version == to.Version || back == to.Version)
}
