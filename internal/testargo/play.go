package testargo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/runbackhq/runback/internal/kube"
	"github.com/runbackhq/runback/internal/testcluster"
)

// Look does what the controller does when it looks at the Rollout once: the
// status goes on by what there is to do, and the route follows. It scales nothing:
// with weights the real one leaves the pods of an aborted version for 30 s
// (argo-rollouts, utils/defaults, DefaultAbortScaleDownDelaySeconds).
func (r *Rollout) Look(ctx context.Context) (changed bool, err error) {
	client := r.dyn.Resource(rollouts()).Namespace(r.namespace)
	obj, err := client.Get(ctx, Name, metav1.GetOptions{})
	if err != nil {
		return false, err
	}
	owned, err := r.dyn.Resource(sets()).Namespace(r.namespace).List(ctx, metav1.ListOptions{LabelSelector: HashLabel})
	if err != nil {
		return false, err
	}
	v, err := look(obj, owned.Items)
	if err != nil {
		return false, err
	}
	next := v.next()
	if next.CurrentStepHash, err = v.stepHash(); err != nil {
		return false, err
	}
	// The traffic moves before the status says so.
	if w := next.Canary.Weights; w != nil {
		if err := r.route(ctx, *w); err != nil {
			return false, err
		}
	}
	patch, err := between(v.status, next)
	if err != nil || patch == nil {
		return false, err
	}
	_, err = client.Patch(ctx, Name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	return err == nil, err
}

// between gives the patch of the fields that changed and of no other, as the real
// one sends it: what somebody wrote to the rest meanwhile stays. Nil is none.
func between(before, after status) ([]byte, error) {
	a, err := json.Marshal(map[string]any{"status": before})
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(map[string]any{"status": after})
	if err != nil {
		return nil, err
	}
	patch, err := jsonpatch.CreateMergePatch(a, b)
	if err != nil || bytes.Equal(patch, []byte("{}")) {
		return nil, err
	}
	return patch, nil
}

// route sets the weights of the HTTPRoute, as the plugin for the Gateway API does.
func (r *Rollout) route(ctx context.Context, w weights) error {
	client := r.dyn.Resource(kind("gateway.networking.k8s.io", "v1", "httproutes")).Namespace(r.namespace)
	obj, err := client.Get(ctx, Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if shares(obj)[w.Canary.ServiceName] == w.Canary.Weight {
		return nil
	}
	rules, _ := kube.At(obj, "spec", "rules").([]any)
	for _, rule := range rules {
		refs, _ := rule.(map[string]any)["backendRefs"].([]any)
		for _, ref := range refs {
			for _, d := range []destination{w.Stable, w.Canary} {
				if m, _ := ref.(map[string]any); m["name"] == d.ServiceName {
					m["weight"] = int64(d.Weight)
				}
			}
		}
	}
	_, err = client.Update(ctx, obj, metav1.UpdateOptions{})
	return err
}

// shares gives the weights of an HTTPRoute by Service.
func shares(route *kube.Object) map[string]int {
	out := map[string]int{}
	rules, _ := kube.At(route, "spec", "rules").([]any)
	for _, rule := range rules {
		refs, _ := rule.(map[string]any)["backendRefs"].([]any)
		for _, ref := range refs {
			m, _ := ref.(map[string]any)
			name, _ := m["name"].(string)
			weight, _ := m["weight"].(int64)
			out[name] = int(weight)
		}
	}
	return out
}

// Settle looks until there is nothing to do any more.
func (r *Rollout) Settle() {
	r.t.Helper()
	for range 100 {
		switch changed, err := r.Look(context.Background()); {
		case err != nil:
			r.t.Fatal(err)
		case !changed:
			return
		}
	}
	r.t.Fatal("the rollout never settles")
}

// PlayedCanary makes a Rollout in the middle of a bad canary, whose controller
// is played until the test is over.
func (r *Rollout) PlayedCanary(_ *testcluster.Env) {
	r.t.Helper()
	r.MidCanary(2, 1)
	r.Play()
}

// Play looks again and again until the test is over.
func (r *Rollout) Play() {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.playing(ctx) }()
	r.t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			r.t.Errorf("the played controller: %v", err)
		}
	})
}

func (r *Rollout) playing(ctx context.Context) error {
	for {
		if _, err := r.Look(ctx); err != nil && ctx.Err() == nil && !apierrors.IsConflict(err) {
			return fmt.Errorf("look: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(100 * time.Millisecond):
		}
	}
}
