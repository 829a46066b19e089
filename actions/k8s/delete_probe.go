package k8s

import (
	"context"

	"github.com/runbackhq/runback/actions"
)

func (st deleteState) out(ctx context.Context, cl *Cluster) (deleteOut, error) {
	out := deleteOut{Pods: []string{}}
	for _, v := range st.Pods {
		pod, err := cl.victim(ctx, v)
		if err != nil {
			return out, err
		}
		if pod == nil {
			out.Removed++
			out.Pods = append(out.Pods, v.Name)
		}
	}
	for _, w := range st.Crews {
		_, ready, err := cl.crewNow(ctx, w)
		if err != nil {
			return out, err
		}
		out.Ready += ready
	}
	return out, nil
}

// probe says Applied when the step is over. As long as a pod of the list is
// there that nobody asked to end, there is something to do, and it may be done:
// a removal is for one UID, so NotApplied is true of what is left. Where pods are
// only ending, or their replacements are not ready yet, it is in flight.
func (a deletePods) probe(ctx context.Context, c *actions.Call, in deleteIn, st deleteState) (actions.Verdict, deleteOut, error) {
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return actions.Unknown, deleteOut{}, err
	}
	r := &removal{cl: cl, in: in, st: st}
	var p progress
	if _, _, err := r.survey(ctx, &p); err != nil {
		return actions.Unknown, deleteOut{}, err
	}
	out, err := st.out(ctx, cl)
	if err != nil {
		return actions.Unknown, out, err
	}
	if p.left > 0 {
		return actions.NotApplied, out, nil
	}
	if p.ending > 0 {
		return actions.InFlight, out, nil
	}
	for _, w := range st.Crews {
		need, ready, err := cl.crewNow(ctx, w)
		if err != nil {
			return actions.Unknown, out, err
		}
		if in.Wait && ready < need {
			return actions.InFlight, out, nil
		}
	}
	return actions.Applied, out, nil
}
