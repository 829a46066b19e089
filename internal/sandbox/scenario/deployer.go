package scenario

import (
	"context"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	appsapply "k8s.io/client-go/applyconfigurations/apps/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	gatewayclient "sigs.k8s.io/gateway-api/pkg/client/clientset/versioned"
)

// Deployer does what a deploy pipeline does, in one namespace.
type Deployer struct {
	ns      string
	core    kubernetes.Interface
	gateway gatewayclient.Interface
}

// NewDeployer makes a deployer for the cluster behind rc.
func NewDeployer(rc *rest.Config, namespace string) (*Deployer, error) {
	core, coreErr := kubernetes.NewForConfig(rc)
	gw, gwErr := gatewayclient.NewForConfig(rc)
	if err := errors.Join(coreErr, gwErr); err != nil {
		return nil, fmt.Errorf("make client: %w", err)
	}
	return &Deployer{ns: namespace, core: core, gateway: gw}, nil
}

func applyOptions() metav1.ApplyOptions {
	return metav1.ApplyOptions{FieldManager: Manager, Force: true}
}

// entry makes what leads customers to the application.
func (d *Deployer) entry() Step {
	return Step{"create service and ingress", func(ctx context.Context) error {
		if err := d.applyService(ctx, Service, stableTrack); err != nil {
			return err
		}
		_, err := d.core.NetworkingV1().Ingresses(d.ns).Apply(ctx, ingress(d.ns), applyOptions())
		return err
	}}
}

func (d *Deployer) applyService(ctx context.Context, name, track string) error {
	_, err := d.core.CoreV1().Services(d.ns).Apply(ctx, service(d.ns, name, track), applyOptions())
	return err
}

func (d *Deployer) switchService(track string) Step {
	return Step{"switch app-service to " + track, func(ctx context.Context) error {
		return d.applyService(ctx, Service, track)
	}}
}

// shareTraffic splits the traffic between the two tracks by a route.
func (d *Deployer) shareTraffic(stable, canary int32) Step {
	return Step{fmt.Sprintf("share traffic %d:%d", stable, canary), func(ctx context.Context) error {
		gw := d.gateway.GatewayV1()
		err := errors.Join(d.applyService(ctx, Stable, "stable"), d.applyService(ctx, Canary, "canary"))
		if err != nil {
			return err
		}
		if _, err := gw.GatewayClasses().Apply(ctx, gatewayClass(), applyOptions()); err != nil {
			return err
		}
		if _, err := gw.Gateways(d.ns).Apply(ctx, gateway(d.ns), applyOptions()); err != nil {
			return err
		}
		_, err = gw.HTTPRoutes(d.ns).Apply(ctx, route(d.ns, stable, canary), applyOptions())
		return err
	}}
}

// deployGood rolls the good version out and marks its ReplicaSet once it serves.
func (d *Deployer) deployGood(replicas int32) Step {
	s := d.deploy(Stable, stableTrack, good, replicas)
	return Step{s.Title, func(ctx context.Context) error {
		if err := s.Do(ctx); err != nil {
			return err
		}
		return d.markKnownGood(ctx, Stable)
	}}
}

func (d *Deployer) deploy(name, track, image string, replicas int32) Step {
	return Step{fmt.Sprintf("deploy %s: %d × %s", name, replicas, image), func(ctx context.Context) error {
		if err := d.apply(ctx, name, track, image, replicas); err != nil {
			return err
		}
		return d.await(ctx, name, func(dep *appsv1.Deployment, pods []corev1.Pod) bool {
			s := dep.Status
			return s.UpdatedReplicas == replicas && s.AvailableReplicas == replicas && s.Replicas == replicas && len(pods) == int(replicas)
		})
	}}
}

// rollUntilStuck rolls out a version of which only two instances can be ready.
func (d *Deployer) rollUntilStuck(name, track, image string, replicas int32) Step {
	return Step{"roll out " + image + " until it stops half-way", func(ctx context.Context) error {
		if err := d.apply(ctx, name, track, image, replicas); err != nil {
			return err
		}
		return d.await(ctx, name, func(_ *appsv1.Deployment, pods []corev1.Pod) bool {
			oldReady, newReady, newUnready := 0, 0, 0
			for _, p := range pods {
				switch isNew := p.Spec.Containers[0].Image == image; {
				case isNew && podReady(p):
					newReady++
				case isNew:
					newUnready++
				case podReady(p):
					oldReady++
				default:
					return false
				}
			}
			return oldReady == 2 && newReady == 2 && newUnready == 1
		})
	}}
}

func podReady(p corev1.Pod) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue && p.DeletionTimestamp == nil
		}
	}
	return false
}

func (d *Deployer) apply(ctx context.Context, name, track, image string, replicas int32) error {
	_, err := d.core.AppsV1().Deployments(d.ns).Apply(ctx, deployment(d.ns, name, track, image, replicas), applyOptions())
	return err
}

// await polls a Deployment and its pods until they are as wanted.
func (d *Deployer) await(ctx context.Context, name string, done func(*appsv1.Deployment, []corev1.Pod) bool) error {
	for {
		dep, err := d.core.AppsV1().Deployments(d.ns).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		pods, err := d.core.CoreV1().Pods(d.ns).List(ctx, metav1.ListOptions{
			LabelSelector: labels.SelectorFromSet(dep.Spec.Selector.MatchLabels).String(),
		})
		if err != nil {
			return err
		}
		if dep.Status.ObservedGeneration >= dep.Generation && done(dep, pods.Items) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s did not get there: %+v: %w", name, dep.Status, context.Cause(ctx))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// markKnownGood annotates the ReplicaSet that serves now.
func (d *Deployer) markKnownGood(ctx context.Context, name string) error {
	dep, err := d.core.AppsV1().Deployments(d.ns).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	sets, err := d.core.AppsV1().ReplicaSets(d.ns).List(ctx, metav1.ListOptions{
		LabelSelector: labels.SelectorFromSet(dep.Spec.Selector.MatchLabels).String(),
	})
	if err != nil {
		return err
	}
	const revision = "deployment.kubernetes.io/revision"
	for _, rs := range sets.Items {
		if !metav1.IsControlledBy(&rs, dep) || rs.Annotations[revision] != dep.Annotations[revision] {
			continue
		}
		mark := appsapply.ReplicaSet(rs.Name, d.ns).WithAnnotations(map[string]string{KnownGood: "true"})
		_, err := d.core.AppsV1().ReplicaSets(d.ns).Apply(ctx, mark, applyOptions())
		return err
	}
	return fmt.Errorf("mark known good: %s has no current ReplicaSet", name)
}
