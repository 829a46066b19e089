// Package scenario brings a sandbox into the states of a release that somebody
// may have to roll back, by the steps by which a real release gets there.
package scenario

import (
	"k8s.io/apimachinery/pkg/util/intstr"
	appsv1 "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1 "k8s.io/client-go/applyconfigurations/core/v1"
	metav1 "k8s.io/client-go/applyconfigurations/meta/v1"
	networkingv1 "k8s.io/client-go/applyconfigurations/networking/v1"

	apinetworking "k8s.io/api/networking/v1"
	gatewayapi "sigs.k8s.io/gateway-api/apis/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/applyconfiguration/apis/v1"

	"github.com/runbackhq/runback/internal/sandbox/front"
)

// Names that scenarios, runbooks and playbooks share.
const (
	Stable  = "app-stable"
	Canary  = "app-canary"
	Service = "app-service"
	Ingress = "app-ingress"
	Route   = "app-route"
	Gateway = "sandbox-gateway"

	// Manager is the field manager of everything a scenario writes.
	Manager = "sandbox-deploy"
	// KnownGood marks a ReplicaSet whose version has proven itself.
	KnownGood = "runback.dev/known-good"

	good        = "myapp:1.4.2"
	stableTrack = "stable"
)

// labelsOf are the labels of a track: stable or canary.
func labelsOf(track string) map[string]string {
	return map[string]string{"app": "myapp", "version": track}
}

func deployment(ns, name, track, image string, replicas int32) *appsv1.DeploymentApplyConfiguration {
	ready := corev1.Probe().
		WithHTTPGet(corev1.HTTPGetAction().WithPath("/ready").WithPort(intstr.FromString("http"))).
		WithPeriodSeconds(1)
	container := corev1.Container().WithName("app").WithImage(image).
		WithPorts(corev1.ContainerPort().WithName("http").WithContainerPort(8080)).
		WithReadinessProbe(ready)
	pod := corev1.PodTemplateSpec().WithLabels(labelsOf(track)).
		WithSpec(corev1.PodSpec().WithTerminationGracePeriodSeconds(10).WithContainers(container))
	strategy := appsv1.DeploymentStrategy().WithRollingUpdate(appsv1.RollingUpdateDeployment().
		WithMaxSurge(intstr.FromInt32(1)).WithMaxUnavailable(intstr.FromInt32(0)))
	return appsv1.Deployment(name, ns).WithLabels(labelsOf(track)).WithSpec(appsv1.DeploymentSpec().
		WithReplicas(replicas).
		WithProgressDeadlineSeconds(600).
		WithSelector(metav1.LabelSelector().WithMatchLabels(labelsOf(track))).
		WithStrategy(strategy).
		WithTemplate(pod))
}

func service(ns, name, track string) *corev1.ServiceApplyConfiguration {
	return corev1.Service(name, ns).WithLabels(map[string]string{"app": "myapp"}).WithSpec(corev1.ServiceSpec().
		WithSelector(labelsOf(track)).
		WithPorts(corev1.ServicePort().WithName("http").WithPort(80).WithTargetPort(intstr.FromString("http"))))
}

func ingress(ns string) *networkingv1.IngressApplyConfiguration {
	backend := networkingv1.IngressBackend().WithService(networkingv1.IngressServiceBackend().
		WithName(Service).WithPort(networkingv1.ServiceBackendPort().WithName("http")))
	path := networkingv1.HTTPIngressPath().WithPath("/").WithPathType(apinetworking.PathTypePrefix).WithBackend(backend)
	return networkingv1.Ingress(Ingress, ns).WithLabels(map[string]string{"app": "myapp"}).WithSpec(networkingv1.IngressSpec().
		WithRules(networkingv1.IngressRule().WithHTTP(networkingv1.HTTPIngressRuleValue().WithPaths(path))))
}

func gatewayClass() *gatewayv1.GatewayClassApplyConfiguration {
	return gatewayv1.GatewayClass(front.ClassName).
		WithSpec(gatewayv1.GatewayClassSpec().WithControllerName(front.ControllerName))
}

func gateway(ns string) *gatewayv1.GatewayApplyConfiguration {
	return gatewayv1.Gateway(Gateway, ns).WithSpec(gatewayv1.GatewaySpec().
		WithGatewayClassName(front.ClassName).
		WithListeners(gatewayv1.Listener().WithName("http").WithPort(80).WithProtocol(gatewayapi.HTTPProtocolType)))
}

func route(ns string, stable, canary int32) *gatewayv1.HTTPRouteApplyConfiguration {
	backend := func(name string, weight int32) *gatewayv1.HTTPBackendRefApplyConfiguration {
		return gatewayv1.HTTPBackendRef().WithName(gatewayapi.ObjectName(name)).WithPort(80).WithWeight(weight)
	}
	match := gatewayv1.HTTPRouteMatch().WithPath(gatewayv1.HTTPPathMatch().
		WithType(gatewayapi.PathMatchPathPrefix).WithValue("/"))
	return gatewayv1.HTTPRoute(Route, ns).WithLabels(map[string]string{"app": "myapp"}).WithSpec(gatewayv1.HTTPRouteSpec().
		WithParentRefs(gatewayv1.ParentReference().WithName(Gateway)).
		WithRules(gatewayv1.HTTPRouteRule().WithMatches(match).
			WithBackendRefs(backend(Stable, stable), backend(Canary, canary))))
}
