package kubeapi

import (
	appsv1 "k8s.io/api/apps/v1"
	authn "k8s.io/api/authentication/v1"
	coordination "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The kinds below are read as Go types. Each has had this version since 1.25 or
// longer (SelfSubjectReview since 1.28), and none has a later one.

// Leases are what a lock is kept in.
type Leases = Objects[coordination.Lease, coordination.LeaseList]

func objects[T, L any](c *Client, group, resource, namespace string) Objects[T, L] {
	return Objects[T, L]{c.REST, schema.GroupVersionResource{Group: group, Version: "v1", Resource: resource}, namespace}
}

// Deployments of a namespace.
func (c *Client) Deployments(namespace string) Objects[appsv1.Deployment, appsv1.DeploymentList] {
	return objects[appsv1.Deployment, appsv1.DeploymentList](c, "apps", "deployments", namespace)
}

// ReplicaSets of a namespace.
func (c *Client) ReplicaSets(namespace string) Objects[appsv1.ReplicaSet, appsv1.ReplicaSetList] {
	return objects[appsv1.ReplicaSet, appsv1.ReplicaSetList](c, "apps", "replicasets", namespace)
}

// StatefulSets of a namespace.
func (c *Client) StatefulSets(namespace string) Objects[appsv1.StatefulSet, appsv1.StatefulSetList] {
	return objects[appsv1.StatefulSet, appsv1.StatefulSetList](c, "apps", "statefulsets", namespace)
}

// DaemonSets of a namespace.
func (c *Client) DaemonSets(namespace string) Objects[appsv1.DaemonSet, appsv1.DaemonSetList] {
	return objects[appsv1.DaemonSet, appsv1.DaemonSetList](c, "apps", "daemonsets", namespace)
}

// Pods of a namespace.
func (c *Client) Pods(namespace string) Objects[corev1.Pod, corev1.PodList] {
	return objects[corev1.Pod, corev1.PodList](c, "", "pods", namespace)
}

// Secrets of a namespace.
func (c *Client) Secrets(namespace string) Objects[corev1.Secret, corev1.SecretList] {
	return objects[corev1.Secret, corev1.SecretList](c, "", "secrets", namespace)
}

// ConfigMaps of a namespace.
func (c *Client) ConfigMaps(namespace string) Objects[corev1.ConfigMap, corev1.ConfigMapList] {
	return objects[corev1.ConfigMap, corev1.ConfigMapList](c, "", "configmaps", namespace)
}

// Events of a namespace.
func (c *Client) Events(namespace string) Objects[corev1.Event, corev1.EventList] {
	return objects[corev1.Event, corev1.EventList](c, "", "events", namespace)
}

// Namespaces of the cluster.
func (c *Client) Namespaces() Objects[corev1.Namespace, corev1.NamespaceList] {
	return objects[corev1.Namespace, corev1.NamespaceList](c, "", "namespaces", "")
}

// Nodes of the cluster.
func (c *Client) Nodes() Objects[corev1.Node, corev1.NodeList] {
	return objects[corev1.Node, corev1.NodeList](c, "", "nodes", "")
}

// EndpointSlices of a namespace.
func (c *Client) EndpointSlices(namespace string) Objects[discovery.EndpointSlice, discovery.EndpointSliceList] {
	return objects[discovery.EndpointSlice, discovery.EndpointSliceList](c, "discovery.k8s.io", "endpointslices", namespace)
}

// Ingresses of a namespace.
func (c *Client) Ingresses(namespace string) Objects[networking.Ingress, networking.IngressList] {
	return objects[networking.Ingress, networking.IngressList](c, "networking.k8s.io", "ingresses", namespace)
}

// IngressClasses of the cluster.
func (c *Client) IngressClasses() Objects[networking.IngressClass, networking.IngressClassList] {
	return objects[networking.IngressClass, networking.IngressClassList](c, "networking.k8s.io", "ingressclasses", "")
}

// Budgets are the PodDisruptionBudgets of a namespace.
func (c *Client) Budgets(namespace string) Objects[policy.PodDisruptionBudget, policy.PodDisruptionBudgetList] {
	return objects[policy.PodDisruptionBudget, policy.PodDisruptionBudgetList](c, "policy", "poddisruptionbudgets", namespace)
}

// Leases of a namespace.
func (c *Client) Leases(namespace string) Leases {
	return objects[coordination.Lease, coordination.LeaseList](c, "coordination.k8s.io", "leases", namespace)
}

// Reviews ask who one is; they are created and not kept.
func (c *Client) Reviews() Objects[authn.SelfSubjectReview, struct{}] {
	return objects[authn.SelfSubjectReview, struct{}](c, "authentication.k8s.io", "selfsubjectreviews", "")
}
