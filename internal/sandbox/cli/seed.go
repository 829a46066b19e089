package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/runbackhq/runback/internal/sandbox/controlplane"
	"github.com/runbackhq/runback/internal/sandbox/layout"
	"github.com/runbackhq/runback/internal/sandbox/scenario"
)

// seed brings a release into a scenario in a namespace of its own. Customers
// do not reach it; it is for trying many rollbacks in one cluster.
func seed(ctx context.Context, args []string, stdout io.Writer) error {
	f := newFlags("seed", stdout)
	path := f.String("dir", "", "folder of the sandbox (required)")
	name := f.String("scenario", "healthy", "one of "+strings.Join(scenario.Names(), ", "))
	namespace := f.String("namespace", "", "namespace, made when there is none (required)")
	if err := parse(f, args); err != nil {
		return err
	}
	if *path == "" || *namespace == "" {
		return usageError{errors.New("seed needs --dir and --namespace")}
	}
	sc, err := scenario.Find(*name)
	if err != nil {
		return usageError{err}
	}
	dir, err := layout.Open(*path)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, deployTimeout, fmt.Errorf("not there after %s", deployTimeout))
	defer cancel()
	return seedNamespace(ctx, dir, sc, *namespace)
}

func seedNamespace(ctx context.Context, dir layout.Dir, sc scenario.Scenario, namespace string) error {
	rc, err := controlplane.RestConfig(dir.Kubeconfig(), scenario.Manager)
	if err != nil {
		return err
	}
	core, err := kubernetes.NewForConfig(rc)
	if err != nil {
		return err
	}
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	if _, err := core.CoreV1().Namespaces().Create(ctx, ns, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	d, err := scenario.NewDeployer(rc, namespace)
	if err != nil {
		return err
	}
	for _, step := range sc.Steps(d) {
		if err := step.Do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.Title, err)
		}
	}
	return nil
}
