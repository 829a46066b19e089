// Package all lists every family of actions. It is the only place that knows
// them all, and the list is written out: what is in the catalogue can be read
// here.
package all

import (
	"github.com/runbackhq/runback/actions"
	httpcheck "github.com/runbackhq/runback/actions/http"
	"github.com/runbackhq/runback/actions/k8s"
	"github.com/runbackhq/runback/actions/time"
)

// Registry gives the catalogue. Kubernetes clusters are reached through kube;
// nothing is reached before an action needs it.
func Registry(kube k8s.Connector) (actions.Registry, error) {
	return actions.NewRegistry(
		httpcheck.Actions(),
		k8s.Actions(kube),
		time.Actions(),
	)
}
