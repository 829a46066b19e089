package controlplane

import (
	"context"
	"fmt"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	rbacclient "k8s.io/client-go/kubernetes/typed/rbac/v1"
)

func rule(group string, resources []string, verbs ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{group}, Resources: resources, Verbs: verbs}
}

func nodeRules() []rbacv1.PolicyRule {
	return []rbacv1.PolicyRule{
		rule("", []string{"nodes"}, "get", "list", "watch", "create", "update", "patch"),
		rule("", []string{"nodes/status"}, "get", "update", "patch"),
		rule("", []string{"pods"}, "get", "list", "watch", "delete"),
		rule("", []string{"pods/status"}, "get", "update", "patch"),
		rule("", []string{"configmaps", "secrets"}, "get"),
		rule("", []string{"events"}, "create", "patch", "update"),
		rule("coordination.k8s.io", []string{"leases"}, "get", "create", "update", "patch"),
	}
}

func frontRules() []rbacv1.PolicyRule {
	gateway := "gateway.networking.k8s.io"
	return []rbacv1.PolicyRule{
		rule("", []string{"services"}, "get", "list", "watch"),
		rule("discovery.k8s.io", []string{"endpointslices"}, "get", "list", "watch"),
		rule("networking.k8s.io", []string{"ingresses"}, "get", "list", "watch"),
		rule(gateway, []string{"httproutes", "gateways", "gatewayclasses", "referencegrants"}, "get", "list", "watch"),
		rule(gateway, []string{"httproutes/status", "gateways/status", "gatewayclasses/status"}, "get", "update", "patch"),
	}
}

// kubeletClientRules are for the API server's own calls to nodes, which a node
// authorises by certificate; the rule exists so that `auth can-i` is truthful.
func kubeletClientRules() []rbacv1.PolicyRule {
	return []rbacv1.PolicyRule{rule("", []string{"nodes/proxy", "nodes/stats", "nodes/log", "nodes/metrics"}, "*")}
}

// GrantRoles gives the node agent and the front proxy what they need and no more.
func GrantRoles(ctx context.Context, client kubernetes.Interface) error {
	grants := map[string][]rbacv1.PolicyRule{
		"sandbox:node":                  nodeRules(),
		"sandbox:front":                 frontRules(),
		"kube-apiserver-kubelet-client": kubeletClientRules(),
	}
	for name, rules := range grants {
		if err := grant(ctx, client.RbacV1(), name, rules); err != nil {
			return fmt.Errorf("grant role %s: %w", name, err)
		}
	}
	return nil
}

func grant(ctx context.Context, rbac rbacclient.RbacV1Interface, user string, rules []rbacv1.PolicyRule) error {
	meta := metav1.ObjectMeta{Name: user}
	role := &rbacv1.ClusterRole{ObjectMeta: meta, Rules: rules}
	_, err := rbac.ClusterRoles().Create(ctx, role, metav1.CreateOptions{})
	if err := unlessExists(err); err != nil {
		return err
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: meta,
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: user}},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: user},
	}
	_, err = rbac.ClusterRoleBindings().Create(ctx, binding, metav1.CreateOptions{})
	return unlessExists(err)
}
