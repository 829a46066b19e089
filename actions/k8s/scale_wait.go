package k8s

import (
	"context"
	"fmt"
	"time"

	"github.com/runbackhq/runback/actions"
)

// pause is the time between two looks. Looking again cannot miss an event, and
// twice a second does not burden an API server.
const pause = 500 * time.Millisecond

// scaleLook looks whether a workload has reached its number of pods.
type scaleLook struct {
	cl   *Cluster
	kind kind
	name string
	uid  string
	want int
	down bool
}

// done is an error when somebody else sets another number meanwhile: kubectl's
// own waiter returns success then, although what was asked for did not happen.
func (l scaleLook) done(ctx context.Context) (bool, string, error) {
	d, err := l.workload(ctx)
	if err != nil {
		return false, "", err
	}
	if d.desired() != l.want {
		return false, "", &actions.Error{Kind: actions.KindFailed,
			Hint: "find out who scales it: an autoscaler, a GitOps controller, another person",
			Err:  fmt.Errorf("replicas of %s was set to %d by someone else", d.label(), d.desired())}
	}
	if !d.current() {
		return false, "controller has not seen the change yet", nil
	}
	if l.down || l.want == 0 {
		return l.shrunk(ctx, d)
	}
	ready := d.ready()
	return ready >= l.want, fmt.Sprintf("%d of %d pods are ready", ready, l.want), nil
}

// verdict says whether the pods have followed. While they have not, the step is
// still at work, though its write landed.
func (l scaleLook) verdict(ctx context.Context) (actions.Verdict, error) {
	done, _, err := l.done(ctx)
	switch {
	case ctx.Err() != nil || actions.KindOf(err) == actions.KindUnreachable:
		return actions.Unknown, err
	case err != nil:
		return actions.Foreign, nil //nolint:nilerr // somebody else acted, which is the answer
	case done:
		return actions.Applied, nil
	}
	return actions.InFlight, nil
}

// shrunk counts pods rather than believe the status, which is at 0 while the
// last pods are still being ended and answer requests.
func (l scaleLook) shrunk(ctx context.Context, d *workload) (bool, string, error) {
	pods, err := l.cl.podsOfWork(ctx, d)
	if err != nil {
		return false, "", err
	}
	all, ending := count(pods, exists), 0
	for i := range pods {
		if pods[i].DeletionTimestamp != nil {
			ending++
		}
	}
	if l.want == 0 {
		return all == 0, fmt.Sprintf("%d pods are left, %d of them ending", all, ending), nil
	}
	// In the middle of a rollout there are more pods than wanted, by design.
	stay := all - ending
	return stay <= l.want || d.midRollout(), fmt.Sprintf("%d pods stay, %d are wanted", stay, l.want), nil
}

func (l scaleLook) workload(ctx context.Context) (*workload, error) {
	obj, err := l.cl.find(ctx, l.kind, l.name)
	if err != nil {
		return nil, err
	}
	if obj == nil || string(obj.GetUID()) != l.uid {
		return nil, fmt.Errorf("%s %s was deleted", l.kind.Name, l.name)
	}
	return asWorkload(l.kind, obj)
}

// ready gives the number of ready pods, or nil while the status is about what
// was wanted before.
func (l scaleLook) ready(ctx context.Context) (*int, error) {
	d, err := l.workload(ctx)
	if err != nil || !d.current() {
		return nil, err
	}
	n := d.ready()
	return &n, nil
}
