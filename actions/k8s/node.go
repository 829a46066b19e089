package k8s

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/runbackhq/runback/actions"
)

// isNode: nodes belong to the whole cluster, and are only read.
func isNode(kind string) bool {
	lower := strings.ToLower(kind)
	return lower == "node" || lower == "nodes" || lower == "no"
}

// node gives a node, or nil when there is none.
func (cl *Cluster) node(ctx context.Context, name string) (*corev1.Node, error) {
	n, err := cl.API.Nodes().Get(ctx, name)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, explain(ctx, err, "reading node/"+name)
	}
	return n, nil
}

// nodeEvents are found by the name of the node: the kubelet gives the name as
// the UID of some of them (kubectl's describe looks for both), and all of them
// live in the namespace default.
func (cl *Cluster) nodeEvents(ctx context.Context, name string, now time.Time) ([]event, error) {
	found, err := cl.listEvents(ctx, metav1.NamespaceDefault, "involvedObject.kind=Node,involvedObject.name="+name, now)
	newestEventsFirst(found)
	return found, err
}

// nodeProblems says what is wrong with a node by its conditions.
func nodeProblems(n *corev1.Node) []string {
	var out []string
	for _, c := range n.Status.Conditions {
		switch {
		case c.Type == corev1.NodeReady && c.Status != corev1.ConditionTrue:
			out = append(out, fmt.Sprintf("node %s is not ready: %s", n.Name, text(c.Reason, c.Message)))
		case c.Type != corev1.NodeReady && c.Status == corev1.ConditionTrue:
			out = append(out, fmt.Sprintf("node %s reports %s: %s", n.Name, c.Type, text(c.Reason, c.Message)))
		}
	}
	if n.Spec.Unschedulable {
		out = append(out, fmt.Sprintf("node %s takes no new pods: it was cordoned", n.Name))
	}
	return out
}

func (a description) node(ctx context.Context, cl *Cluster, out *describeOut, name string) error {
	n, err := cl.node(ctx, name)
	if err != nil || n == nil {
		return err
	}
	out.meta("node", &n.ObjectMeta)
	for _, c := range n.Status.Conditions {
		out.Conditions = append(out.Conditions, condition{string(c.Type), string(c.Status), c.Reason, shorten(c.Message, mostMessage), stamp(c.LastTransitionTime.Time)})
	}
	out.Problems = append(out.Problems, nodeProblems(n)...)
	out.Capacity = map[string]string{}
	for name, q := range n.Status.Allocatable {
		out.Capacity[string(name)] = q.String()
	}
	if out.Events, err = cl.nodeEvents(ctx, name, out.now); err != nil && actions.KindOf(err) == actions.KindInvalid {
		out.Problems, err = append(out.Problems, "its events may not be read"), nil
	}
	return err
}
