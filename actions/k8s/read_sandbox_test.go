package k8s

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/runbackhq/runback/actions"
)

func TestGet(t *testing.T) {
	w := newWorld(t)
	w.deploy("app", "myapp:1.4.2", 0)
	out := w.do("k8s.get", values{"kind": "Deployment", "name": "app"})
	if out["found"] != true || strings.Contains(fmt.Sprint(out["object"]), "managedFields") {
		t.Errorf("get: %v", out)
	}
	if out := w.do("k8s.get", values{"kind": "deploy", "name": "nobody"}); out["found"] != false || out["object"] != nil {
		t.Errorf("get of nobody: %v", out)
	}
	if _, err := w.must("k8s.get", values{"kind": "Deployment", "name": ""}).run(); err == nil || !strings.Contains(err.Error(), "name is empty") {
		t.Errorf("an empty name: %v", err)
	}
	if out := w.do("k8s.get", values{"kind": "httproute"}); out["count"] != 0 {
		t.Errorf("list: %v", out)
	}
	if out := w.do("k8s.get", values{"kind": "deployments.apps", "selector": "app=myapp"}); out["count"] != 1 {
		t.Errorf("list: %v", out)
	}
}

func TestGetHidesSecrets(t *testing.T) {
	w := newWorld(t)
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "db"}, StringData: map[string]string{"password": "hunter2"}}
	if _, err := w.typed.CoreV1().Secrets(w.cl.Namespace).Create(w.ctx(), s, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, with := range []values{{"kind": "secret", "name": "db"}, {"kind": "secrets"}} {
		text := fmt.Sprint(w.do("k8s.get", with))
		if !strings.Contains(text, "password:(redacted)") || strings.Contains(text, "aHVudGVyMg") || strings.Contains(text, "hunter2") {
			t.Errorf("%v: %s", with, text)
		}
	}
}

func TestLogs(t *testing.T) {
	w := newWorld(t)
	w.deploy("app", "myapp:1.5.0-crash", 2)
	w.eventually("a container was restarted", func() bool {
		_, pods, err := w.cl.replicaSets(w.ctx(), w.mustDeployment("app"))
		return err == nil && len(pods) == 2 && restarts(&pods[0]) > 0 && restarts(&pods[1]) > 0
	})
	out := w.do("k8s.logs", values{"deployment": "app", "tail": 5})
	previous, text := 0, 0
	for _, e := range out["entries"].([]any) {
		entry := e.(map[string]any)
		if entry["previous"] == true {
			previous++
			if entry["text"] != "" {
				text++
			}
		}
		if n := strings.Count(entry["text"].(string), "\n"); n > 5 {
			t.Errorf("%d lines of %v", n, entry)
		}
	}
	if out["pods"] != 2 || previous != 2 || text != 2 || out["lines"] == 0 {
		t.Errorf("logs: %v", out)
	}
	_, err := w.must("k8s.logs", values{}).run()
	wantKind(t, err, actions.KindInvalid, "0 of deployment, statefulset, daemonset, selector and pod")
	if out := w.do("k8s.logs", values{"selector": "app=nobody"}); out["pods"] != 0 || out["lines"] != 0 {
		t.Errorf("logs of nobody: %v", out)
	}
}

func TestIdentity(t *testing.T) {
	w := newWorld(t)
	id, err := w.cl.Identity(w.ctx())
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]string{"server": id.Server, "ca": id.CASHA256, "cluster": id.Cluster, "version": id.Version,
		"context": id.Context, "namespace": id.Namespace, "namespace uid": id.NamespaceUID, "user": id.User} {
		if v == "" {
			t.Errorf("%s is empty: %+v", name, id)
		}
	}
}

// A person without rights is told which one is missing, and how to ask for it.
func TestForbidden(t *testing.T) {
	w := newWorld(t)
	w.deploy("app", "myapp:1.4.2", 0)
	config := tune(w.cl.config)
	config.Impersonate.UserName = "nobody"
	nobody, err := newCluster(config, w.cl.context, w.cl.Namespace)
	if err != nil {
		t.Fatal(err)
	}
	defer nobody.Close()
	a := getAction(family{func(context.Context, actions.KubernetesTarget) (*Cluster, error) { return nobody, nil }})
	_, err = a.Run(w.ctx(), w.call("k"), getIn{Kind: "deployment", Name: new("app")}, nil)
	wantKind(t, err, actions.KindInvalid, "kubectl auth can-i get deployments.apps -n "+w.cl.Namespace)
	_, err = nobody.Identity(w.ctx())
	wantKind(t, err, actions.KindInvalid, "kube-system may not be read")
}
