package k8s

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pod"
)

// find chooses the pod and its port. A pod that is being ended is never taken,
// as kubectl may do (kubernetes/kubectl#1409).
func (in forwardIn) find(ctx context.Context, cl *Cluster) (*corev1.Pod, int, error) {
	choice := pod.Choice{Deployment: in.Deployment, StatefulSet: in.StatefulSet, DaemonSet: in.DaemonSet, Selector: in.Selector, Pod: in.Pod}
	var svc *corev1.ServicePort
	if in.Service != "" {
		if !choice.IsZero() {
			return nil, 0, actions.Invalid("leave the others out", "a Service is named together with another way to choose the pod")
		}
		selector, port, err := in.behind(ctx, cl)
		if err != nil {
			return nil, 0, err
		}
		choice.Selector, svc = selector, port
	}
	p, err := cl.Pods().Best(ctx, choice)
	if err != nil {
		return nil, 0, err
	}
	if p.DeletionTimestamp != nil {
		return nil, 0, fmt.Errorf("pod %s is being ended", p.Name)
	}
	if p.Status.Phase != corev1.PodRunning {
		return nil, 0, fmt.Errorf("pod %s does not run: %s", p.Name, reason(p))
	}
	port, err := in.port(p, svc)
	return p, port, err
}

// behind gives the pods of a Service, and the port of it that is meant.
func (in forwardIn) behind(ctx context.Context, cl *Cluster) (string, *corev1.ServicePort, error) {
	obj, err := cl.must(ctx, services, in.Service)
	if err != nil {
		return "", nil, err
	}
	svc, err := typed[corev1.Service](obj)
	if err != nil {
		return "", nil, err
	}
	if len(svc.Spec.Selector) == 0 {
		return "", nil, actions.Invalid("name the pod", "service %s selects no pods", in.Service)
	}
	s := served{svc: svc}
	port := s.port(in.Port)
	if in.Port == "" && len(svc.Spec.Ports) == 1 {
		port = &svc.Spec.Ports[0]
	}
	if port == nil {
		return "", nil, actions.Invalid("its ports are: "+strings.Join(portNames(svc), ", "), "service %s has no port %q", in.Service, in.Port)
	}
	return labels.Set(svc.Spec.Selector).String(), port, nil
}

func portNames(svc *corev1.Service) (out []string) {
	for _, p := range svc.Spec.Ports {
		out = append(out, strings.TrimPrefix(p.Name+" ", " ")+strconv.Itoa(int(p.Port)))
	}
	return out
}

// port gives the number of the port at the pod.
func (in forwardIn) port(p *corev1.Pod, svc *corev1.ServicePort) (int, error) {
	want := in.Port
	if svc != nil {
		if svc.TargetPort.Type == intstr.Int {
			return int(svc.TargetPort.IntVal), nil
		}
		want = svc.TargetPort.StrVal
	}
	if n, err := strconv.Atoi(want); err == nil {
		if n < 1 || n > 65535 {
			return 0, actions.Invalid("", "%d is no port", n)
		}
		return n, nil
	}
	if want == "" && declared(p) != 1 {
		return 0, actions.Invalid("name one with port", "pod %s declares %d ports", p.Name, declared(p))
	}
	n, ok := containerPort(p, func(c corev1.ContainerPort) bool { return want == "" || c.Name == want })
	if !ok && svc != nil {
		// A fault of the Service and no mistake of the step: it is what is looked for.
		return 0, fmt.Errorf("service %s leads to port %q, and no container of pod %s has one of that name", in.Service, want, p.Name)
	}
	if !ok {
		return 0, actions.Invalid("give its number", "no container of pod %s has a port named %q", p.Name, want)
	}
	return n, nil
}

func declared(p *corev1.Pod) (n int) {
	for _, c := range p.Spec.Containers {
		n += len(c.Ports)
	}
	return n
}

// request asks through the tunnel and says why an answer does not pass.
func (in forwardIn) request(ctx context.Context, address string) (status int, version string, err error) {
	r, err := http.NewRequestWithContext(ctx, in.Method, in.Scheme+"://"+address+in.Path, nil)
	if err != nil {
		return 0, "", fmt.Errorf("request cannot be made: %w", err)
	}
	r.Header.Set("User-Agent", "runback")
	for name, value := range in.Headers {
		r.Header.Set(name, value)
	}
	if in.Host != "" {
		r.Host = in.Host
	}
	name, _, _ := strings.Cut(in.Host, ":")
	client := http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DisableKeepAlives: true,
			TLSClientConfig: &tls.Config{ServerName: name, InsecureSkipVerify: true}}, //nolint:gosec // the way there is the API server's, which is trusted; the certificate is for another name
	}
	resp, err := client.Do(r)
	if err != nil {
		return 0, "", errors.Unwrap(err) // without the address of the tunnel, which is another one each time
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	version = resp.Header.Get("X-App-Version")
	if err != nil {
		return resp.StatusCode, version, fmt.Errorf("answer broke off: %w", err)
	}
	return resp.StatusCode, version, in.passes(resp, string(body))
}

func (in forwardIn) passes(r *http.Response, body string) error {
	if r.StatusCode != in.Status {
		return fmt.Errorf("answered %d, expected %d", r.StatusCode, in.Status)
	}
	for name, want := range in.Expect {
		if have := r.Header.Get(name); have != want {
			return fmt.Errorf("answered %s: %q, expected %q", name, have, want)
		}
	}
	if in.Contains != "" && !strings.Contains(body, in.Contains) {
		return fmt.Errorf("body does not contain %q", in.Contains)
	}
	return nil
}
