package argo

import (
	"context"
	"fmt"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/kube"
)

// pause is the time between two looks.
const pause = 500 * time.Millisecond

func (a abort) run(ctx context.Context, c *actions.Call, in abortIn, st abortState) (abortOut, error) {
	out := abortOut{Hash: st.Hash, StableHash: st.Stable}
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return out, err
	}
	if st.Done == "" {
		if out.Changed, err = cl.Apply(ctx, c, st.Write); err != nil {
			return out, err
		}
	}
	if !in.Wait {
		return out, nil
	}
	err = actions.Until(ctx, c, pause, func(ctx context.Context) (bool, string, error) {
		r, err := read(ctx, cl, in.Rollout)
		if err != nil {
			return false, "", err
		}
		return r.backToStable(st)
	})
	if err != nil {
		err = kube.Written(fmt.Errorf("all traffic of rollout %s going back to its stable version: %w", in.Rollout, err))
	}
	return out, err
}

// backToStable says whether the controller took the abort and nothing of the
// traffic is left to the other version.
func (r *rollout) backToStable(st abortState) (bool, string, error) {
	if r.current() != st.Hash || r.stable() != st.Stable {
		return false, "", fmt.Errorf("rollout %s went on to another version meanwhile: %s, stable %s", r.name(), r.current(), r.stable())
	}
	if kube.Text(r.obj, "status", "abortedAt") == "" {
		return false, "the controller has not taken the abort yet", nil
	}
	if n, known := kube.Number(r.obj, "status", "canary", "weights", "canary", "weight"); known && n > 0 {
		return false, fmt.Sprintf("%d%% of the traffic still goes to the new version", n), nil
	}
	n, want := r.available(st.Stable), r.desired()
	if !r.routed() && !r.blueGreen() {
		if set := r.set(st.Hash); set != nil {
			if left, _ := kube.Number(set, "status", "replicas"); left > 0 {
				return false, fmt.Sprintf("%d pods of the new version are left, %d of %d stable ones are available", left, n, want), nil
			}
		}
	}
	return n >= want, fmt.Sprintf("%d of %d pods of the stable version are available", n, want), nil
}

func (a abort) probe(ctx context.Context, c *actions.Call, in abortIn, st abortState) (actions.Verdict, abortOut, error) {
	out := abortOut{Changed: st.Write.Changes, Hash: st.Hash, StableHash: st.Stable}
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return actions.Unknown, out, err
	}
	r, err := read(ctx, cl, in.Rollout)
	if err != nil {
		return actions.Unknown, out, err
	}
	if st.Done == "" {
		verdict, err := cl.Probe(ctx, c, st.Write)
		if err != nil || verdict != actions.Applied {
			return verdict, out, err
		}
	}
	done, _, err := r.backToStable(st)
	switch {
	case err != nil:
		return actions.Foreign, out, nil //nolint:nilerr // somebody deployed meanwhile, which is the answer
	case in.Wait && !done:
		return actions.InFlight, out, nil
	}
	return actions.Applied, out, nil
}
