package k8s

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/runbackhq/runback/actions"
)

// newSelector gives the selector that a Service will have after the write, and
// whether the write changes it.
func (w write) newSelector(live *object) (labels.Set, bool, error) {
	touches := slices.ContainsFunc(w.Edits, func(e edit) bool {
		return len(e.Path) >= 2 && e.Path[0] == "spec" && e.Path[1] == "selector" && !same(e.Before, e.After)
	})
	if !w.Kind.is(services) || !touches {
		return nil, false, nil
	}
	after, err := w.predicted(live)
	if err != nil {
		return nil, false, err
	}
	svc, err := typed[corev1.Service](after)
	if err != nil {
		return nil, false, actions.Invalid("a selector is a map of label to text", "selector of %s: %w", w.object(), err)
	}
	return svc.Spec.Selector, true, nil
}

// checkSelector refuses a selector that matches no ready pod: the API server
// accepts it, dry run included, and the Service is without endpoints at once.
func (cl *Cluster) checkSelector(ctx context.Context, w write, live *object) error {
	selector, changes, err := w.newSelector(live)
	if err != nil || !changes || w.holds(live) {
		return err
	}
	if len(selector) == 0 {
		return actions.Refuse("give the labels of the pods that shall serve", "%s would have no selector, and its endpoints would no longer follow the pods", w.object())
	}
	good, bad, err := cl.matched(ctx, selector)
	if err != nil || good > 0 {
		return err
	}
	return actions.Refuse(fmt.Sprintf("look at: kubectl get pods -n %s -l %s", cl.Namespace, selector),
		"%s would have no endpoints: no ready pod matches %s (%d match and are not ready)", w.object(), selector, bad)
}

// matched counts the pods that a Service with this selector would send traffic
// to, and those that it would leave out.
func (cl *Cluster) matched(ctx context.Context, selector labels.Set) (ready, notReady int, err error) {
	pods, err := cl.pods(ctx, metav1.SetAsLabelSelector(selector))
	if err != nil {
		return 0, 0, err
	}
	ready = count(pods, serving)
	return ready, count(pods, exists) - ready, nil
}

func (cl *Cluster) selectorNotes(ctx context.Context, w write) ([]string, error) {
	live, err := w.live(ctx, cl)
	if err != nil {
		return nil, err
	}
	selector, changes, err := w.newSelector(live)
	if err != nil || !changes {
		return nil, err
	}
	good, bad, err := cl.matched(ctx, selector)
	if err != nil {
		return nil, err
	}
	return []string{
		fmt.Sprintf("selector %s matches %d ready pods and %d that are not ready", selector, good, bad),
		"connections that are open stay with the pods they lead to until they are closed",
	}, nil
}

// awaitSelector waits until the endpoints are those of the new selector: until
// then traffic goes where it went before.
func (cl *Cluster) awaitSelector(ctx context.Context, c *actions.Call, w write) error {
	live, err := w.live(ctx, cl)
	if err != nil {
		return err
	}
	selector, changes, err := w.newSelector(live)
	if err != nil || !changes {
		return err
	}
	return actions.Until(ctx, c, pause, func(ctx context.Context) (bool, string, error) {
		endpoints, err := cl.endpointsOf(ctx, w.Name)
		if err != nil {
			return false, "", err
		}
		good, other := 0, 0
		for _, e := range endpoints {
			switch {
			case e.pod == nil || !selector.AsSelector().Matches(labels.Set(e.pod.Labels)):
				other++
			case e.ready:
				good++
			}
		}
		return good > 0 && other == 0, fmt.Sprintf("%d endpoints are of the new selector and ready, %d of the old one are left", good, other), nil
	})
}
