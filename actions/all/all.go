// Package all lists every family of actions. It is the only place that knows
// them all, and the list is written out: what is in the catalogue can be read
// here.
package all

import (
	"context"
	"errors"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/actions/alembic"
	"github.com/runbackhq/runback/actions/argo"
	"github.com/runbackhq/runback/actions/command"
	"github.com/runbackhq/runback/actions/finding"
	"github.com/runbackhq/runback/actions/flagger"
	"github.com/runbackhq/runback/actions/helm"
	httpcheck "github.com/runbackhq/runback/actions/http"
	"github.com/runbackhq/runback/actions/k8s"
	"github.com/runbackhq/runback/actions/manual"
	"github.com/runbackhq/runback/actions/postgres"
	"github.com/runbackhq/runback/actions/terraform"
	"github.com/runbackhq/runback/actions/time"
	"github.com/runbackhq/runback/internal/kube"
	"github.com/runbackhq/runback/internal/pod"
	"github.com/runbackhq/runback/internal/tool"
)

// Needs is what the families need from their surroundings. Nothing is reached
// before an action needs it.
type Needs struct {
	Kube     k8s.Connector          // connects to clusters
	Children func() (string, error) // the folder where child processes are recorded
}

// Registry gives the catalogue.
func (n Needs) Registry() (actions.Registry, error) {
	if n.Children == nil {
		n.Children = func() (string, error) { return "", errors.New("no folder for child processes is set") }
	}
	return actions.NewRegistry(
		alembic.Actions(tool.Room{Base: n.Children}, n.pods),
		argo.Actions(n.objects),
		command.Actions(tool.Room{Base: n.Children}),
		finding.Actions(),
		flagger.Actions(n.objects),
		helm.Actions(tool.Room{Base: n.Children}, n.releases),
		httpcheck.Actions(),
		k8s.Actions(n.Kube),
		manual.Actions(),
		postgres.Actions(tool.Room{Base: n.Children}),
		terraform.Actions(tool.Room{Base: n.Children}),
		time.Actions(),
	)
}

// pods gives the way into the pods of a target.
func (n Needs) pods(ctx context.Context, t actions.KubernetesTarget) (pod.Client, error) {
	cl, err := n.Kube(ctx, t)
	if err != nil {
		return pod.Client{}, err
	}
	return cl.Pods(), nil
}

// objects gives the way to the objects of a target.
func (n Needs) objects(ctx context.Context, t actions.KubernetesTarget) (kube.Cluster, error) {
	cl, err := n.Kube(ctx, t)
	if err != nil {
		return nil, err
	}
	return cl.Objects(), nil
}

// releases gives the way to the helm releases of a target.
func (n Needs) releases(ctx context.Context, t actions.KubernetesTarget) (helm.Cluster, error) {
	cl, err := n.Kube(ctx, t)
	if err != nil {
		return helm.Cluster{}, err
	}
	return helm.Cluster{
		Context: cl.Context(), Namespace: cl.Namespace, API: cl.API,
		Kubeconfig: cl.Kubeconfig, Explain: k8s.Explain,
	}, nil
}

// Registry gives the catalogue to those who start no processes.
func Registry(kube k8s.Connector) (actions.Registry, error) { return Needs{Kube: kube}.Registry() }
