package controlplane

import (
	"context"
	"fmt"
	"os"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	aggregator "k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset"
	"k8s.io/utils/ptr"

	"github.com/runbackhq/runback/internal/sandbox/layout"
)

const (
	metricsUser      = "sandbox:metrics-server"
	metricsService   = "metrics-server"
	metricsNamespace = "kube-system"
)

// RegisterMetrics lets the metrics server in and tells the API server where it
// is: behind a Service without endpoints, since those cannot be on loopback.
func RegisterMetrics(ctx context.Context, dir layout.Dir, cfg layout.Config, rc *rest.Config, client kubernetes.Interface) error {
	if err := grantMetrics(ctx, client); err != nil {
		return fmt.Errorf("grant roles to the metrics server: %w", err)
	}
	svc := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: metricsService},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "localhost"},
	}
	_, err := client.CoreV1().Services(metricsNamespace).Create(ctx, svc, metav1.CreateOptions{})
	if err := unlessExists(err); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	ca, err := os.ReadFile(dir.PKI("ca.crt"))
	if err != nil {
		return err
	}
	apis, err := aggregator.NewForConfig(rc)
	if err != nil {
		return err
	}
	_, err = apis.ApiregistrationV1().APIServices().Create(ctx, metricsAPI(cfg, ca), metav1.CreateOptions{})
	if err := unlessExists(err); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	return nil
}

func metricsAPI(cfg layout.Config, ca []byte) *apiregistrationv1.APIService {
	return &apiregistrationv1.APIService{
		ObjectMeta: metav1.ObjectMeta{Name: "v1beta1.metrics.k8s.io"},
		Spec: apiregistrationv1.APIServiceSpec{
			Group: "metrics.k8s.io", Version: "v1beta1", GroupPriorityMinimum: 100, VersionPriority: 100, CABundle: ca,
			Service: &apiregistrationv1.ServiceReference{
				Namespace: metricsNamespace, Name: metricsService, Port: ptr.To(int32(cfg.MetricsPort())),
			},
		},
	}
}

func grantMetrics(ctx context.Context, client kubernetes.Interface) error {
	rbac := client.RbacV1()
	err := grant(ctx, rbac, metricsUser, []rbacv1.PolicyRule{
		rule("", []string{"nodes", "pods", "namespaces"}, "get", "list", "watch"),
		rule("", []string{"nodes/metrics", "configmaps"}, "get"),
	})
	if err != nil {
		return err
	}
	subject := []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: metricsUser}}
	delegator := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: metricsUser + ":delegator"}, Subjects: subject,
		RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "system:auth-delegator"},
	}
	_, err = rbac.ClusterRoleBindings().Create(ctx, delegator, metav1.CreateOptions{})
	if err := unlessExists(err); err != nil {
		return err
	}
	reader := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: metricsUser}, Subjects: subject,
		RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "extension-apiserver-authentication-reader"},
	}
	_, err = rbac.RoleBindings(metricsNamespace).Create(ctx, reader, metav1.CreateOptions{})
	return unlessExists(err)
}

func unlessExists(err error) error {
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}
