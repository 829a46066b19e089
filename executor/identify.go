package executor

import (
	"context"
	"fmt"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/journal"
)

// Pin asks who the target is and holds it against the cluster that the
// playbook names, if it names one.
func (r *Runner) Pin(ctx context.Context, t actions.Target) (journal.Identity, error) {
	id, err := r.World.Identify(ctx, t)
	if err != nil {
		return nil, err
	}
	if want := t.Kubernetes.Cluster; want != "" && id["cluster"] != want {
		return nil, &WrongTargetError{[]string{fmt.Sprintf("the playbook is for cluster %s, this is %s", want, id["cluster"])}}
	}
	return id, nil
}

// SameTarget proves that a recorded target is still what it was.
func (r *Runner) SameTarget(ctx context.Context, state *journal.State) (journal.Identity, error) {
	return r.identify(ctx, state.Started.Target, state.Started.Identity)
}

// SameNamespace says whether two identities are of one namespace of one cluster.
func SameNamespace(a, b journal.Identity) bool { return targetKey("", a) == targetKey("", b) }
