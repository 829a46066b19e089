package k8s

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd/api"
)

// Cluster is a namespace of a cluster, with the clients to reach it.
type Cluster struct {
	Namespace string
	Typed     kubernetes.Interface
	Dynamic   dynamic.Interface
	Mapper    meta.RESTMapperWithContext

	config  *rest.Config
	context string
	said    *api.Config // what the kubeconfig said of this context when it was read
}

func newCluster(config *rest.Config, context, namespace string) (*Cluster, error) {
	web, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("client of %s: %w", config.Host, err)
	}
	typed, err := kubernetes.NewForConfigAndClient(config, web)
	if err != nil {
		return nil, fmt.Errorf("client of %s: %w", config.Host, err)
	}
	dyn, err := dynamic.NewForConfigAndClient(config, web)
	if err != nil {
		return nil, fmt.Errorf("client of %s: %w", config.Host, err)
	}
	disco, err := discovery.NewDiscoveryClientForConfigAndClient(config, web)
	if err != nil {
		return nil, fmt.Errorf("client of %s: %w", config.Host, err)
	}
	cached := memory.NewMemCacheClientWithContext(disco)
	mapper := restmapper.NewDeferredDiscoveryRESTMapperWithContext(cached)
	return &Cluster{
		Namespace: namespace, Typed: typed, Dynamic: dyn,
		Mapper: restmapper.NewShortcutExpanderWithContext(mapper, cached, func(string) {}),
		config: config, context: context,
	}, nil
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
func (cl *Cluster) Close() {
	if r, ok := cl.Typed.CoreV1().RESTClient().(*rest.RESTClient); ok && r != nil && r.Client != nil {
		r.Client.CloseIdleConnections()
	}
}
