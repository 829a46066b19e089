package front

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Names by which gateways and routes know this proxy.
const (
	ClassName      = "sandbox"
	ControllerName = "runback.dev/sandbox-front"
)

// writeStatuses tells in the objects what the proxy makes of them. It works on
// the latest world only; a write that fails is tried again.
func (f *Follower) writeStatuses(ctx context.Context, worlds <-chan World) {
	var again <-chan time.Time
	var w World
	for {
		select {
		case <-ctx.Done():
			return
		case w = <-worlds:
		case <-again:
		}
		again = nil
		if err := f.writeAll(ctx, w); err != nil && ctx.Err() == nil {
			if !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
				f.log.Warn("cannot write a status", "reason", err.Error())
			}
			again = time.After(statusRetry)
		}
	}
}

func (f *Follower) writeAll(ctx context.Context, w World) error {
	gw := f.statuses.GatewayV1()
	opts := metav1.UpdateOptions{FieldManager: ControllerName}
	for _, c := range w.Classes {
		if next, changed := classStatus(c); changed {
			if _, err := gw.GatewayClasses().UpdateStatus(ctx, next, opts); err != nil {
				return err
			}
		}
	}
	for _, g := range w.Gateways {
		if next, changed := w.gatewayStatus(g); changed {
			if _, err := gw.Gateways(g.Namespace).UpdateStatus(ctx, next, opts); err != nil {
				return err
			}
		}
	}
	for _, r := range w.Routes {
		if next, changed := w.routeStatus(r); changed {
			if _, err := gw.HTTPRoutes(r.Namespace).UpdateStatus(ctx, next, opts); err != nil {
				return err
			}
		}
	}
	return nil
}

func condition(kind, reason, message string, ok bool, generation int64) metav1.Condition {
	status := metav1.ConditionFalse
	if ok {
		status = metav1.ConditionTrue
	}
	return metav1.Condition{Type: kind, Status: status, Reason: reason, Message: message, ObservedGeneration: generation}
}

func classStatus(c *gatewayv1.GatewayClass) (*gatewayv1.GatewayClass, bool) {
	if c.Spec.ControllerName != ControllerName {
		return nil, false
	}
	next := c.DeepCopy()
	meta.SetStatusCondition(&next.Status.Conditions,
		condition(string(gatewayv1.GatewayClassConditionStatusAccepted), "Accepted", "the sandbox serves this class", true, c.Generation))
	return next, !equality.Semantic.DeepEqual(c.Status, next.Status)
}

func (w World) gatewayStatus(g *gatewayv1.Gateway) (*gatewayv1.Gateway, bool) {
	if string(g.Spec.GatewayClassName) != ClassName {
		return nil, false
	}
	next := g.DeepCopy()
	s := &next.Status
	s.Addresses = []gatewayv1.GatewayStatusAddress{{Type: ptr.To(gatewayv1.HostnameAddressType), Value: "localhost"}}
	for _, kind := range []gatewayv1.GatewayConditionType{gatewayv1.GatewayConditionAccepted, gatewayv1.GatewayConditionProgrammed} {
		meta.SetStatusCondition(&s.Conditions, condition(string(kind), string(kind), "", true, g.Generation))
	}
	old := s.Listeners
	s.Listeners = nil
	for _, l := range g.Spec.Listeners {
		s.Listeners = append(s.Listeners, w.listenerStatus(g, l, old))
	}
	return next, !equality.Semantic.DeepEqual(g.Status, next.Status)
}

func (w World) listenerStatus(g *gatewayv1.Gateway, l gatewayv1.Listener, old []gatewayv1.ListenerStatus) gatewayv1.ListenerStatus {
	ls := gatewayv1.ListenerStatus{Name: l.Name}
	for _, o := range old {
		if o.Name == l.Name {
			ls.Conditions = o.Conditions
		}
	}
	ls.SupportedKinds = []gatewayv1.RouteGroupKind{{Group: ptr.To(gatewayv1.Group(gatewayv1.GroupName)), Kind: "HTTPRoute"}}
	for _, r := range w.Routes {
		for _, ref := range w.parents(r) {
			if string(ref.Name) == g.Name {
				ls.AttachedRoutes++
			}
		}
	}
	for _, kind := range []gatewayv1.ListenerConditionType{
		gatewayv1.ListenerConditionAccepted, gatewayv1.ListenerConditionProgrammed, gatewayv1.ListenerConditionResolvedRefs,
	} {
		meta.SetStatusCondition(&ls.Conditions, condition(string(kind), string(kind), "", true, g.Generation))
	}
	return ls
}

func (w World) routeStatus(r *gatewayv1.HTTPRoute) (*gatewayv1.HTTPRoute, bool) {
	next := r.DeepCopy()
	var parents []gatewayv1.RouteParentStatus
	for _, p := range r.Status.Parents {
		if p.ControllerName != ControllerName {
			parents = append(parents, p) // another controller's word
		}
	}
	accepted, reason, message := w.accepts(r)
	for _, ref := range w.parents(r) {
		p := gatewayv1.RouteParentStatus{ParentRef: ref, ControllerName: ControllerName}
		for _, old := range r.Status.Parents {
			if old.ControllerName == ControllerName && equality.Semantic.DeepEqual(old.ParentRef, ref) {
				p.Conditions = append([]metav1.Condition(nil), old.Conditions...)
			}
		}
		meta.SetStatusCondition(&p.Conditions,
			condition(string(gatewayv1.RouteConditionAccepted), string(reason), message, accepted, r.Generation))
		resolved, why, text := w.resolved(r)
		meta.SetStatusCondition(&p.Conditions,
			condition(string(gatewayv1.RouteConditionResolvedRefs), string(why), text, resolved, r.Generation))
		parents = append(parents, p)
	}
	next.Status.Parents = parents
	return next, !equality.Semantic.DeepEqual(r.Status, next.Status)
}

// resolved says whether every backend of a route can be reached by name.
func (w World) resolved(r *gatewayv1.HTTPRoute) (bool, gatewayv1.RouteConditionReason, string) {
	for _, spec := range r.Spec.Rules {
		for _, ref := range spec.BackendRefs {
			if reason, message := w.checkRef(r, ref); reason != "" {
				return false, reason, message
			}
		}
	}
	return true, gatewayv1.RouteReasonResolvedRefs, "all references are resolved"
}
