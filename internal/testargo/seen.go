package testargo

import (
	"context"
	"encoding/json"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/runbackhq/runback/internal/kube"
)

func (r *Rollout) text(field string) string {
	r.t.Helper()
	return kube.Text(r.Get(), "status", field)
}

// Aborted says whether the status says so.
func (r *Rollout) Aborted() bool {
	r.t.Helper()
	return kube.True(r.Get(), "status", "abort")
}

// Said is all that the Rollout says: spec and status.
func (r *Rollout) Said() string {
	r.t.Helper()
	obj := r.Get()
	text, err := json.Marshal([]any{obj.Object["spec"], obj.Object["status"]})
	if err != nil {
		r.t.Fatal(err)
	}
	return string(text)
}

// Image is that of the template.
func (r *Rollout) Image() string {
	r.t.Helper()
	return image(r.Get())
}

// Weight is what the canary gets of the traffic in percent, as the status says;
// -1 when it does not say.
func (r *Rollout) Weight() int {
	r.t.Helper()
	n, known := kube.Number(r.Get(), "status", "canary", "weights", "canary", "weight")
	if !known {
		return -1
	}
	return n
}

// Routed is what the canary gets where the traffic is shared: by the HTTPRoute of
// the played controller, or by the Ingress that the real one makes.
func (r *Rollout) Routed() string {
	r.t.Helper()
	ctx := context.Background()
	ingress, err := r.dyn.Resource(kind("networking.k8s.io", "v1", "ingresses")).Namespace(r.namespace).Get(ctx, "app-app-canary", metav1.GetOptions{})
	switch {
	case err == nil:
		return ingress.GetAnnotations()["nginx.ingress.kubernetes.io/canary-weight"]
	case !apierrors.IsNotFound(err):
		r.t.Fatal(err)
	}
	route, err := r.dyn.Resource(kind("gateway.networking.k8s.io", "v1", "httproutes")).Namespace(r.namespace).Get(ctx, Name, metav1.GetOptions{})
	if err != nil {
		r.t.Fatal(err)
	}
	return strconv.Itoa(shares(route)["app-canary"])
}
