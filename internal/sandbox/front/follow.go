package front

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	gatewayclient "sigs.k8s.io/gateway-api/pkg/client/clientset/versioned"
	gatewayinformers "sigs.k8s.io/gateway-api/pkg/client/informers/externalversions"
)

// Follower keeps a proxy's table equal to the cluster, and the status of the
// routes truthful.
type Follower struct {
	proxy    *Proxy
	core     informers.SharedInformerFactory
	gateway  gatewayinformers.SharedInformerFactory
	statuses gatewayclient.Interface
	log      *slog.Logger
	changed  chan struct{}
}

// NewFollower makes a follower of the cluster behind rc.
func NewFollower(rc *rest.Config, proxy *Proxy, log *slog.Logger) (*Follower, error) {
	client, err := kubernetes.NewForConfig(rc)
	if err != nil {
		return nil, fmt.Errorf("make client: %w", err)
	}
	gw, err := gatewayclient.NewForConfig(rc)
	if err != nil {
		return nil, fmt.Errorf("make gateway client: %w", err)
	}
	return &Follower{
		proxy: proxy, statuses: gw, log: log, changed: make(chan struct{}, 1),
		core:    informers.NewSharedInformerFactory(client, 0),
		gateway: gatewayinformers.NewSharedInformerFactory(gw, 0),
	}, nil
}

// Run follows until the context ends.
func (f *Follower) Run(ctx context.Context) error {
	for _, informer := range f.informers() {
		_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: f.notify, UpdateFunc: func(_, obj any) { f.notify(obj) }, DeleteFunc: f.notify,
		})
		if err != nil {
			return fmt.Errorf("follow: %w", err)
		}
	}
	f.core.Start(ctx.Done())
	f.gateway.Start(ctx.Done())
	defer f.core.Shutdown()
	defer f.gateway.Shutdown()
	f.core.WaitForCacheSync(ctx.Done())
	f.gateway.WaitForCacheSync(ctx.Done())
	var writer sync.WaitGroup
	defer writer.Wait()
	worlds := make(chan World, 1)
	writer.Go(func() { f.writeStatuses(ctx, worlds) })
	f.notify(nil)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-f.changed:
		}
		w, err := f.world()
		if err != nil {
			return err
		}
		f.proxy.SetTable(Build(w))
		replaceLatest(worlds, w)
	}
}

// replaceLatest puts w into a channel of one place; an older value is dropped.
func replaceLatest(worlds chan World, w World) {
	select {
	case <-worlds:
	default:
	}
	worlds <- w
}

func (f *Follower) informers() []cache.SharedIndexInformer {
	gw := f.gateway.Gateway()
	return []cache.SharedIndexInformer{
		f.core.Core().V1().Services().Informer(),
		f.core.Discovery().V1().EndpointSlices().Informer(),
		f.core.Networking().V1().Ingresses().Informer(),
		gw.V1().HTTPRoutes().Informer(),
		gw.V1().Gateways().Informer(),
		gw.V1().GatewayClasses().Informer(),
		gw.V1beta1().ReferenceGrants().Informer(),
	}
}

func (f *Follower) notify(any) {
	select {
	case f.changed <- struct{}{}:
	default:
	}
}

func (f *Follower) world() (w World, err error) {
	gw := f.gateway.Gateway()
	all := labels.Everything()
	if w.Services, err = f.core.Core().V1().Services().Lister().List(all); err != nil {
		return w, err
	}
	if w.Slices, err = f.core.Discovery().V1().EndpointSlices().Lister().List(all); err != nil {
		return w, err
	}
	if w.Ingresses, err = f.core.Networking().V1().Ingresses().Lister().List(all); err != nil {
		return w, err
	}
	if w.Routes, err = gw.V1().HTTPRoutes().Lister().List(all); err != nil {
		return w, err
	}
	if w.Gateways, err = gw.V1().Gateways().Lister().List(all); err != nil {
		return w, err
	}
	if w.Classes, err = gw.V1().GatewayClasses().Lister().List(all); err != nil {
		return w, err
	}
	w.Grants, err = gw.V1beta1().ReferenceGrants().Lister().List(all)
	return w, err
}

// statusRetry is how long a failed status write waits.
const statusRetry = 500 * time.Millisecond
