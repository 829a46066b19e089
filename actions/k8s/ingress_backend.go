package k8s

import (
	"context"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/runbackhq/runback/actions"
)

// served is a Service with its slices, read once for all rules that lead to it.
type served struct {
	svc    *corev1.Service // nil when there is none
	slices []discovery.EndpointSlice
}

func (cl *Cluster) serviceBehind(ctx context.Context, name string) (*served, error) {
	obj, err := cl.find(ctx, services, name)
	if err != nil || obj == nil {
		return &served{}, err
	}
	svc, err := typed[corev1.Service](obj)
	if err != nil {
		return nil, err
	}
	found, err := cl.API.EndpointSlices(cl.Namespace).List(ctx,
		metav1.ListOptions{LabelSelector: discovery.LabelServiceName + "=" + name})
	if err != nil {
		return nil, explain(ctx, err, "listing endpoints of service "+name)
	}
	return &served{svc, found.Items}, nil
}

// port finds a port of the Service by number or name.
func (s *served) port(want string) *corev1.ServicePort {
	for i := range s.svc.Spec.Ports {
		p := &s.svc.Spec.Ports[i]
		if want == p.Name || want == strconv.Itoa(int(p.Port)) {
			return p
		}
	}
	return nil
}

// endpoints counts the endpoints that have the port, each address once: a pod
// whose containers do not name the target port is in no slice with it.
func (s *served) endpoints(port *corev1.ServicePort) (ready, notReady int) {
	seen := map[string]bool{}
	for _, slice := range s.slices {
		if !hasPort(slice, port) {
			continue
		}
		for _, e := range slice.Endpoints {
			id := ""
			if e.TargetRef != nil {
				id = string(e.TargetRef.UID)
			} else if len(e.Addresses) > 0 {
				id = e.Addresses[0]
			}
			if seen[id] {
				continue
			}
			seen[id] = true
			if asEndpoint(e, nil).ready {
				ready++
			} else {
				notReady++
			}
		}
	}
	return ready, notReady
}

func hasPort(slice discovery.EndpointSlice, port *corev1.ServicePort) bool {
	for _, p := range slice.Ports {
		name := ""
		if p.Name != nil {
			name = *p.Name
		}
		if name == port.Name && p.Port != nil {
			return true
		}
	}
	return false
}

// follow goes from a rule to the pods, and says where the way ends.
func (out *ingressOut) follow(ctx context.Context, cl *Cluster, b destination) error {
	s, err := out.look(ctx, cl, b.Service)
	if err != nil {
		return err
	}
	defer func() { out.Backends = append(out.Backends, b) }()
	idle := b.Weight != nil && *b.Weight == 0
	if s.svc == nil {
		out.problem("%s leads to service %s, which is not there", b.where(), b.Service)
		out.unserved(idle)
		return nil
	}
	b.Exists = true
	port := s.port(b.Port)
	if port == nil {
		out.problem("%s leads to port %s of service %s, which has no such port", b.where(), b.Port, b.Service)
		out.unserved(idle)
		return nil
	}
	b.HasPort, b.Target = true, port.TargetPort.String()
	if s.svc.Spec.Type == corev1.ServiceTypeExternalName {
		out.note("service %s leads out of the cluster, to %s, which was not looked at", b.Service, s.svc.Spec.ExternalName)
		return nil
	}
	ready, notReady := s.endpoints(port)
	b.Ready, b.NotReady = &ready, &notReady
	if ready == 0 && !idle {
		out.problem("%s leads to service %s, of which no endpoint is ready (%d are not)", b.where(), b.Service, notReady)
		out.unserved(false)
	}
	if s.svc.Spec.PublishNotReadyAddresses {
		out.note("service %s publishes pods that are not ready, so ready endpoints prove nothing", b.Service)
	}
	return nil
}

func (out *ingressOut) unserved(idle bool) {
	if !idle {
		out.Unserved++
	}
}

func (out *ingressOut) look(ctx context.Context, cl *Cluster, service string) (*served, error) {
	if s := out.seen[service]; s != nil {
		return s, nil
	}
	s, err := cl.serviceBehind(ctx, service)
	if err == nil {
		out.seen[service] = s
	}
	return s, err
}

// unread turns something that may not be read into a note: what is not seen is
// neither well nor wrong.
func (out *ingressOut) unread(what string, err error) error {
	if err != nil && actions.KindOf(err) == actions.KindInvalid {
		out.note("%s may not be read, so it was not checked", what)
		return nil
	}
	return err
}
