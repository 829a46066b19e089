package k8s

import (
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/runbackhq/runback/internal/kubeapi"
)

// Cluster is a namespace of a cluster, with the client to reach it.
type Cluster struct {
	Namespace string
	API       *kubeapi.Client

	config  *rest.Config
	context string
	said    *api.Config // what the kubeconfig said of this context when it was read
}

func newCluster(config *rest.Config, context, namespace string) (*Cluster, error) {
	client, err := kubeapi.New(config)
	if err != nil {
		return nil, err
	}
	return &Cluster{Namespace: namespace, API: client, config: config, context: context}, nil
}

// at gives the same cluster at another namespace: a GitOps controller's objects
// do not live where it acts.
func (cl *Cluster) at(namespace string) *Cluster {
	other := *cl
	other.Namespace = namespace
	return &other
}

// where gives the cluster at the namespace of the object.
func (w write) where(cl *Cluster) *Cluster {
	if w.Namespace == "" {
		return cl
	}
	return cl.at(w.Namespace)
}

// Context is the context of the kubeconfig that led here.
func (cl *Cluster) Context() string { return cl.context }

// Close lets go of idle connections.
func (cl *Cluster) Close() { cl.API.Close() }
