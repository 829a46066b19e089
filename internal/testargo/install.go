// Package testargo is Argo Rollouts for tests: its kinds in a cluster, a Rollout
// in the middle of a bad canary, and its controller, real or played.
//
// The real controller takes minutes to build. Where it is not asked for, a
// Rollout plays its part (Look, Play): it acts on the fields that the real one
// acts on (the template, status.abort, status.promoteFull, status.currentStepIndex
// and the pause conditions; spec.paused holds the steps), and writes what the real
// one writes of the status, by the same kind of patch. The tests under the build tag
// argorollouts hold it to the real one.
package testargo

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/runbackhq/runback/internal/kube"
	"github.com/runbackhq/runback/internal/testcluster"
)

// Install makes the kinds of Argo Rollouts in a cluster and waits until they are
// served.
func Install(t testing.TB, env *testcluster.Env) {
	t.Helper()
	cfg, err := clientcmd.BuildConfigFromFlags("", env.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	dyn := dynamic.NewForConfigOrDie(cfg)
	crds := schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	for _, file := range definitions(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := dyn.Resource(crds).Create(context.Background(), fromYAML(t, string(text)), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	served(t, discovery.NewDiscoveryClientForConfigOrDie(cfg), dyn)
}

// served waits until Rollouts are: each kind is at a time of its own, and discovery
// knows it later.
func served(t testing.TB, known discovery.DiscoveryInterface, dyn dynamic.Interface) {
	t.Helper()
	var last error
	for range 600 {
		if _, last = dyn.Resource(rollouts()).List(context.Background(), metav1.ListOptions{}); last == nil && knows(known) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("rollouts are never served: %v", last)
}

func knows(known discovery.DiscoveryInterface) bool {
	_, lists, _ := known.ServerGroupsAndResources() // what could be read is given with an error
	for _, list := range lists {
		for _, r := range list.APIResources {
			if strings.HasPrefix(list.GroupVersion, "argoproj.io/") && r.Name == "rollouts" {
				return true
			}
		}
	}
	return false
}

// definitions gives the files with the kinds, of the module that the controller
// is built from.
func definitions(t testing.TB) []string {
	t.Helper()
	cmd := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/argoproj/argo-rollouts")
	cmd.Dir = filepath.Join(testcluster.Top(t), "internal", "tools", "argo-rollouts")
	dir, err := cmd.Output()
	if err != nil {
		t.Fatalf("module of argo-rollouts: %v; get it with: internal/tasks/need-argo-rollouts", err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "manifests", "crds", "*-crd.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("definitions of argo-rollouts: %v, %v", files, err)
	}
	return files
}

func fromYAML(t testing.TB, text string) *kube.Object {
	t.Helper()
	b, err := yaml.ToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	obj := &kube.Object{}
	if err := obj.UnmarshalJSON(b); err != nil {
		t.Fatal(err)
	}
	return obj
}
