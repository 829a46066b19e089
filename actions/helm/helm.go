// Package helm rolls releases of Helm back, with the helm of this machine.
//
// What is true of a release is read from where helm stores it (Secrets of the
// type helm.sh/release.v1 in its namespace), over a connection of our own, and
// never from what helm prints.
//
//   - Prepare makes the revision absolute. "helm rollback REL" and "REL 0" go to
//     the last revision less one, and after a crash the last one is the rollback
//     itself, so doing it again leads to the bad release (helm, action/rollback.go).
//   - Preview asks the API server what the stored manifest would change, object
//     by object, by the same kind of write that helm would send. Helm's own dry
//     run of a rollback returns before it looks at any object.
//   - Run hands the absolute revision to helm, as a child that outlives this
//     process, with a kubeconfig in memory that leads to this cluster only.
//   - Probe looks at the child, and then at what is stored: helm writes the new
//     revision as pending before it touches an object, and as deployed at the end.
//
// A rollback says whose it is in its description, which is shown by helm history.
package helm

import (
	"context"
	"sync"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/kubeapi"
	"github.com/runbackhq/runback/internal/tool"
)

// Cluster is a namespace of a cluster, with the ways to reach it.
type Cluster struct {
	Context   string
	Namespace string
	API       *kubeapi.Client
	// Kubeconfig gives one that leads here and nowhere else; it holds credentials.
	Kubeconfig func() ([]byte, error)
	// Explain gives an error of a request its kind.
	Explain func(ctx context.Context, err error, doing string) error

	kinds func() (*runtime.Scheme, error) // builtIn, made once
}

// Connector gives the cluster that a target names.
type Connector func(ctx context.Context, t actions.KubernetesTarget) (Cluster, error)

// family is what the actions share: the way to a cluster, and where children are
// recorded.
type family struct {
	room    tool.Room
	connect Connector
	kinds   func() (*runtime.Scheme, error)
}

func (f family) cluster(ctx context.Context, c *actions.Call) (Cluster, error) {
	cl, err := f.connect(ctx, c.Target.Kubernetes)
	cl.kinds = f.kinds
	return cl, err
}

// Actions lists the family.
func Actions(room tool.Room, connect Connector) []actions.Action {
	f := family{room, connect, sync.OnceValues(builtIn)}
	return []actions.Action{f.rollbackAction(), f.statusAction()}
}
