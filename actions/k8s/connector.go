package k8s

import (
	"context"

	"github.com/runbackhq/runback/actions"
)

// Connector gives the cluster that a target names. It is asked for every step,
// so it should connect once and keep the connection.
type Connector func(ctx context.Context, t actions.KubernetesTarget) (*Cluster, error)

// family is what the actions of this package share: the way to a cluster.
type family struct{ connect Connector }

func (f family) cluster(ctx context.Context, c *actions.Call) (*Cluster, error) {
	return f.connect(ctx, c.Target.Kubernetes)
}

// Actions lists the family.
func Actions(connect Connector) []actions.Action {
	f := family{connect}
	return []actions.Action{
		getAction(f), waitAction(f), patchAction(f), scaleAction(f), setImageAction(f),
		rolloutUndoAction(f), rolloutPauseAction(f), rolloutResumeAction(f), rolloutStatusAction(f),
		restartAction(f), endpointsAction(f), trafficAction(f), logsAction(f),
		suspendAction(f), restoreAction(f), lookAction(f), execAction(f), deletePodsAction(f),
		applyAction(f), deleteAction(f), describeAction(f), eventsAction(f), topAction(f), ingressAction(f), portForwardAction(f),
	}
}
