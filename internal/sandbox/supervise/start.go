package supervise

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/runbackhq/runback/internal/sandbox/controlplane"
	"github.com/runbackhq/runback/internal/sandbox/gatewaycrd"
)

// start runs the components in the order in which they need each other. While
// it waits, the death of any of them ends the attempt with its reason.
func (s *Supervisor) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("not ready after %s", startTimeout))
	defer cancel()
	rc, err := controlplane.RestConfig(s.opts.Dir.PKI(controlplane.Admin+".kubeconfig"), "sandbox-supervisor")
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(rc)
	if err != nil {
		return err
	}
	stages := []stage{
		{"start etcd and the API server", s.launchAll(Etcd, APIServer), func(ctx context.Context) error { return controlplane.WaitReady(ctx, client) }},
		{"start controllers, scheduler and nodes", s.launchAll(ControllerManager, Scheduler, Nodes), func(ctx context.Context) error { return s.bootstrap(ctx, rc, client) }},
		{"start the front proxy and the load", s.launchAll(Front), func(ctx context.Context) error { return s.awaitFront(ctx, client) }},
	}
	if s.opts.Metrics != "" {
		stages = append(stages, s.metricsStage(rc, client))
	}
	for _, st := range stages {
		if err := s.runStage(ctx, st); err != nil {
			return err
		}
	}
	return s.writeEnv()
}

// stage is one step of the start: what to launch, and when it is there.
type stage struct {
	title  string
	launch func(context.Context) error
	await  func(context.Context) error
}

func (s *Supervisor) launchAll(names ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		for _, name := range names {
			if err := s.launch(ctx, name); err != nil {
				return err
			}
		}
		return nil
	}
}

func (s *Supervisor) runStage(ctx context.Context, st stage) error {
	done := s.report.Step(st.title)
	if err := st.launch(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	result := make(chan error, 1)
	go func() { result <- st.await(ctx) }()
	var err error
	select {
	case err = <-result:
	case e := <-s.exits:
		cancel()
		<-result //nolint:errcheck // the first reason has been given
		err = s.failure(e)
	case keep := <-s.opts.Keep:
		cancel()
		<-result //nolint:errcheck // the first reason has been given
		err = keepError(keep)
	}
	cancel()
	if err != nil {
		if cause := context.Cause(ctx); cause != nil && ctx.Err() == context.DeadlineExceeded {
			err = fmt.Errorf("%w: %w", err, cause)
		}
		return fmt.Errorf("%s: %w", st.title, err)
	}
	done()
	return nil
}

// bootstrap makes the cluster usable: roles, Gateway API, a default service
// account, and every node Ready.
func (s *Supervisor) bootstrap(ctx context.Context, rc *rest.Config, client kubernetes.Interface) error {
	if err := controlplane.GrantRoles(ctx, client); err != nil {
		return err
	}
	if err := gatewaycrd.Install(ctx, rc); err != nil {
		return err
	}
	if err := poll(ctx, func() (bool, error) {
		_, err := client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return false, nil
		}
		return err == nil, err
	}); err != nil {
		return fmt.Errorf("wait for the default service account: %w", err)
	}
	return nil
}

func (s *Supervisor) awaitFront(ctx context.Context, client kubernetes.Interface) error {
	for _, port := range []int{s.cfg.AppPort(), s.cfg.LoadPort()} {
		if err := poll(ctx, func() (bool, error) { return dial(ctx, port) == nil, nil }); err != nil {
			return err
		}
	}
	return poll(ctx, func() (bool, error) { return s.nodesReady(ctx, client) })
}

func (s *Supervisor) nodesReady(ctx context.Context, client kubernetes.Interface) (bool, error) {
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return false, err
	}
	ready := 0
	for _, n := range nodes.Items {
		for _, c := range n.Status.Conditions {
			if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue && len(n.Spec.Taints) == 0 {
				ready++
			}
		}
	}
	return ready == s.cfg.Nodes, nil
}

func poll(ctx context.Context, done func() (bool, error)) error {
	for {
		ok, err := done()
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
