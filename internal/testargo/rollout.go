package testargo

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/runbackhq/runback/internal/kube"
)

const (
	// Name is that of the Rollout, of its pods' label app, and of its route.
	Name = "app"
	// Good is the image of the stable version.
	Good = "myapp:1.4.2"
	// Bad is that of the canary.
	Bad = "myapp:1.5.0-errors"

	// HashLabel is on each ReplicaSet of a Rollout, and in the template of each.
	HashLabel = "rollouts-pod-template-hash"

	// pod is the same text in the Rollout and in its ReplicaSets.
	pod = `{terminationGracePeriodSeconds: 5, containers: [{name: app, image: "IMAGE", ports: [{name: http, containerPort: 8080}], ` +
		`readinessProbe: {httpGet: {path: /ready, port: http}, periodSeconds: 1}}]}`

	// Ways to share the traffic, as a Rollout names them. The plugin for the Gateway
	// API is another program, so that only the played controller can do without.
	byRoute   = `{plugins: {argoproj-labs/gatewayAPI: {httpRoute: app, namespace: NAMESPACE}}}`
	byIngress = `{nginx: {stableIngress: app}}`
)

//go:embed objects.yaml
var objects string

//go:embed replicaset.yaml
var replicaSet string

// Rollout is one in a namespace of a test.
type Rollout struct {
	t         testing.TB
	dyn       dynamic.Interface
	namespace string
}

// In names the Rollout of a namespace, which is there already.
func In(t testing.TB, dyn dynamic.Interface, namespace string) *Rollout {
	return &Rollout{t, dyn, namespace}
}

// MidCanary makes a Rollout whose bad canary has reached its first pause, by the
// played controller: both versions have pods, as real ReplicaSets make them.
func (r *Rollout) MidCanary(stable, canary int) {
	r.t.Helper()
	r.make(byRoute, Bad)
	r.status(`"stableRS":"good"`)
	owner := r.Get().GetUID()
	r.replicas(string(owner), "good", Good, stable)
	r.replicas(string(owner), "bad", Bad, canary)
	for _, track := range [][2]string{{"app-stable", "good"}, {"app-canary", "bad"}} {
		r.patch(kind("", "v1", "services"), track[0], `{"spec":{"selector":{"`+HashLabel+`":"`+track[1]+`"}}}`)
	}
	r.Settle()
}

// make creates the Rollout and what leads to its pods.
func (r *Rollout) make(routing, image string) {
	r.t.Helper()
	class := fromYAML(r.t, "apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {name: sandbox}\nspec: {controllerName: runback.dev/sandbox-front}\n")
	_, err := r.dyn.Resource(kind("gateway.networking.k8s.io", "v1", "gatewayclasses")).Create(r.t.Context(), class, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		r.t.Fatal(err)
	}
	text := strings.NewReplacer("POD", pod, "ROUTING", routing).Replace(objects)
	text = strings.NewReplacer("NAMESPACE", r.namespace, "IMAGE", image).Replace(text)
	for _, part := range strings.Split(text, "\n---\n") {
		r.Create(part)
	}
}

// Create makes an object of the namespace.
func (r *Rollout) Create(text string) {
	r.t.Helper()
	obj := fromYAML(r.t, text)
	gvk := obj.GroupVersionKind()
	plural := strings.ToLower(gvk.Kind) + "s"
	if gvk.Kind == "Ingress" {
		plural = "ingresses"
	}
	if _, err := r.dyn.Resource(gvk.GroupVersion().WithResource(plural)).Namespace(r.namespace).Create(r.t.Context(), obj, metav1.CreateOptions{}); err != nil {
		r.t.Fatalf("%s: %v", gvk.Kind, err)
	}
}

func (r *Rollout) replicas(owner, hash, image string, count int) {
	r.t.Helper()
	text := strings.NewReplacer("HASH", hash, "OWNER", owner, "COUNT", fmt.Sprint(count), "POD", strings.ReplaceAll(pod, "IMAGE", image)).Replace(replicaSet)
	client := r.dyn.Resource(sets()).Namespace(r.namespace)
	made, err := client.Create(r.t.Context(), fromYAML(r.t, text), metav1.CreateOptions{})
	if err != nil {
		r.t.Fatal(err)
	}
	r.Eventually("pods of "+hash, func() bool {
		now, err := client.Get(r.t.Context(), made.GetName(), metav1.GetOptions{})
		return err == nil && number(now, "status", "availableReplicas") == count
	})
}

// Get gives the Rollout as it is now.
func (r *Rollout) Get() *kube.Object {
	r.t.Helper()
	obj, err := r.dyn.Resource(rollouts()).Namespace(r.namespace).Get(context.Background(), Name, metav1.GetOptions{})
	if err != nil {
		r.t.Fatal(err)
	}
	return obj
}

// Patch changes the Rollout, or a subresource of it, by a merge patch.
func (r *Rollout) Patch(body string, sub ...string) {
	r.t.Helper()
	r.patch(rollouts(), Name, body, sub...)
}

// Deploy puts another image into the template.
func (r *Rollout) Deploy(image string) {
	r.t.Helper()
	r.patchAs(types.JSONPatchType, rollouts(), Name, `[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"`+image+`"}]`)
}

func (r *Rollout) status(fields string) {
	r.t.Helper()
	r.Patch(`{"status":{`+fields+`}}`, "status")
}

func (r *Rollout) patch(of schema.GroupVersionResource, name, body string, sub ...string) {
	r.t.Helper()
	r.patchAs(types.MergePatchType, of, name, body, sub...)
}

func (r *Rollout) patchAs(as types.PatchType, of schema.GroupVersionResource, name, body string, sub ...string) {
	r.t.Helper()
	if _, err := r.dyn.Resource(of).Namespace(r.namespace).Patch(context.Background(), name, as, []byte(body), metav1.PatchOptions{}, sub...); err != nil {
		r.t.Fatal(err)
	}
}

// Eventually waits half a minute for something.
func (r *Rollout) Eventually(what string, is func() bool) {
	r.t.Helper()
	for range 300 {
		if is() {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	r.t.Fatalf("never came true: %s", what)
}

func kind(group, version, resource string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: group, Version: version, Resource: resource}
}

func rollouts() schema.GroupVersionResource { return kind("argoproj.io", "v1alpha1", "rollouts") }
func sets() schema.GroupVersionResource     { return kind("apps", "v1", "replicasets") }

// number gives a field that holds a number, 0 when it is absent.
func number(obj *kube.Object, path ...string) int {
	n, _ := kube.Number(obj, path...)
	return n
}
