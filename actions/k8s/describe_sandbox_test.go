package k8s

import (
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/runbackhq/runback/actions"
)

// described is the description of a Deployment as soon as a cause is seen.
func (w *world) described(name, cause string) actions.Outputs {
	w.t.Helper()
	var out actions.Outputs
	w.eventually(cause+" is seen", func() bool {
		out = w.do("k8s.describe", values{"kind": "deployment", "name": name})
		return cause == "" || out["causes"].(map[string]any)[cause] != 0
	})
	return out
}

// Each thing that keeps a pod from serving is told by its cause, and nothing of
// the environment is.
func TestDescribeSaysWhyPodsDoNotServe(t *testing.T) {
	for name, c := range map[string]struct {
		image, cause, says string
		more               func(*appsv1.Deployment)
	}{
		"the image is not there":  {image: "nobody:1", cause: "image", says: "Image"},
		"it crashes":              {image: "myapp:1.5.0-crash", cause: "crash", says: "exit code 1"},
		"it is not ready":         {image: "myapp:1.5.0-unready", cause: "not_ready", says: "readiness"},
		"no node has room for it": {image: "myapp:1.4.2", cause: "unscheduled", says: "Insufficient cpu", more: asks("1000")},
		"a config map is not there": {image: "myapp:1.4.2", says: "configmap/gone is needed and is not there", more: func(d *appsv1.Deployment) {
			d.Spec.Template.Spec.Containers[0].EnvFrom = []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "gone"}}}}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			more := c.more
			if more == nil {
				more = func(*appsv1.Deployment) {}
			}
			w.deploy("app", c.image, 1, more)
			out := w.described("app", c.cause)
			if !strings.Contains(fmt.Sprint(out["problems"]), c.says) {
				t.Errorf("problems %v, want %q", out["problems"], c.says)
			}
			text, _ := out["text"].(string)
			if !strings.Contains(text, c.says) || strings.Contains(text, "GREETING") || strings.Contains(fmt.Sprint(out), "a < b") {
				t.Errorf("text %s", text)
			}
			if out["found"] != true || !strings.Contains(fmt.Sprint(out["images"]), c.image) {
				t.Errorf("%v", out)
			}
		})
	}
}

func asks(cpu string) func(*appsv1.Deployment) {
	return func(d *appsv1.Deployment) {
		d.Spec.Template.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu)}
	}
}

func TestDescribeWhatIsWell(t *testing.T) {
	w := newWorld(t)
	w.deployed("app", "myapp:1.4.2", 2)
	w.service("app", map[string]string{"track": "app"})
	w.eventually("it serves", func() bool { return w.do("k8s.endpoints", values{"service": "app"})["ready"] == 2 })
	for _, kind := range []string{"deployment", "Deployments", "service"} {
		out := w.do("k8s.describe", values{"kind": kind, "name": "app"})
		replicas, _ := out["replicas"].(map[string]any)
		if len(out["problems"].([]any)) > 0 || replicas["ready"] != 2 || len(out["pods"].([]any)) != 2 {
			t.Errorf("%s: %v", kind, out)
		}
	}
	sets, pods, err := w.cl.replicaSets(w.ctx(), w.mustDeployment("app"))
	if err != nil {
		t.Fatal(err)
	}
	out := w.do("k8s.describe", values{"kind": "rs", "name": sets[0].Name})
	if out["owner"] != "deployment/app" || len(out["pods"].([]any)) != 2 {
		t.Errorf("replicaset: %v", out)
	}
	out = w.do("k8s.describe", values{"kind": "pod", "name": pods[0].Name})
	containers, _ := out["containers"].([]any)
	if len(containers) != 1 || containers[0].(map[string]any)["state"] != "running" || containers[0].(map[string]any)["last_exit_code"] != nil || out["owner"] != "replicaset/"+sets[0].Name {
		t.Errorf("pod: %v", out)
	}
	out = w.do("k8s.describe", values{"kind": "node", "name": pods[0].Spec.NodeName})
	if len(out["problems"].([]any)) > 0 || out["capacity"].(map[string]any)["cpu"] == nil || len(out["conditions"].([]any)) == 0 {
		t.Errorf("node: %v", out)
	}
	out = w.do("k8s.describe", values{"kind": "deployment", "name": "nobody"})
	if out["found"] != false || out["replicas"] != nil {
		t.Errorf("nobody: %v", out)
	}
}

// What is scaled to 0 is available and complete by its conditions, and serves
// nobody.
func TestDescribeAtZero(t *testing.T) {
	w := newWorld(t)
	w.deploy("app", "myapp:1.4.2", 0)
	w.service("app", map[string]string{"track": "app"})
	w.eventually("the controller came to it", func() bool {
		return strings.Contains(fmt.Sprint(w.do("k8s.describe", values{"kind": "deployment", "name": "app"})["problems"]), "scaled to 0")
	})
	if out := w.do("k8s.describe", values{"kind": "service", "name": "app"}); !strings.Contains(fmt.Sprint(out["problems"]), "nobody serves") {
		t.Errorf("%v", out["problems"])
	}
}

func TestDescribeTheCrashOfAPod(t *testing.T) {
	w := newWorld(t)
	w.deploy("app", "myapp:1.5.0-crash", 1)
	w.described("app", "crash")
	_, pods, err := w.cl.replicaSets(w.ctx(), w.mustDeployment("app"))
	if err != nil || len(pods) != 1 {
		t.Fatal(pods, err)
	}
	var container map[string]any
	w.eventually("it was restarted", func() bool {
		out := w.do("k8s.describe", values{"kind": "pod", "name": pods[0].Name})
		container = out["containers"].([]any)[0].(map[string]any)
		return container["restarts"] != 0
	})
	if container["last_exit_code"] != 1 || container["last_reason"] != "Error" {
		t.Errorf("%v", container)
	}
}
