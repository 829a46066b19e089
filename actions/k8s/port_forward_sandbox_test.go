package k8s

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/runbackhq/runback/actions"
)

func TestPortForward(t *testing.T) {
	w := newWorld(t)
	w.deployed("app", "myapp:1.4.2", 2)
	w.service("app", map[string]string{"track": "app"})
	_, pods, err := w.cl.replicaSets(w.ctx(), w.mustDeployment("app"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		with values
		ok   bool
		says string
	}{
		"a Deployment":           {values{"deployment": "app"}, true, ""},
		"a pod":                  {values{"pod": pods[0].Name, "port": "8080", "path": "/health"}, true, ""},
		"a selector":             {values{"selector": "track=app", "port": "http", "path": "/ready"}, true, ""},
		"a Service":              {values{"service": "app"}, true, ""},
		"a Service and its port": {values{"service": "app", "port": "80", "host": "app.example.com"}, true, ""},
		"another status":         {values{"deployment": "app", "status": 503}, false, "answered 200, expected 503"},
		"another body":           {values{"deployment": "app", "contains": "nothing of the kind"}, false, "body does not contain"},
		"a header":               {values{"deployment": "app", "expect_headers": map[string]any{"X-App-Version": "1.4.2"}}, true, ""},
		"another header":         {values{"deployment": "app", "expect_headers": map[string]any{"X-App-Version": "1.5.0"}}, false, `"1.4.2", expected "1.5.0"`},
		"a port nobody hears":    {values{"deployment": "app", "port": "81", "attempts": 2, "every": "10ms"}, false, "refused"},
	} {
		out := w.do("k8s.port_forward", c.with)
		said, _ := out["error"].(string)
		if out["ok"] != c.ok || !strings.Contains(said, c.says) || c.ok && (said != "" || out["version"] != "1.4.2" || out["status"] != 200) {
			t.Errorf("%s: %v", name, out)
		}
		if out["pod"] == "" || out["image"] != "myapp:1.4.2" || out["ready"] != true || out["hash"] == "" {
			t.Errorf("%s: %v", name, out)
		}
		if name == "a port nobody hears" && (out["attempts"] != 2 || out["status"] != nil) {
			t.Errorf("%s: %v", name, out)
		}
	}
}

// Only a pod that serves is taken, none that is being ended; which one is
// named before anything is asked.
func TestPortForwardChoosesAReadyPod(t *testing.T) {
	w := newWorld(t)
	w.deployed("app", "myapp:1.4.2", 1)
	w.deploy("bad", "myapp:1.5.0-unready", 1)
	p := w.must("k8s.port_forward", values{"selector": "app=myapp", "port": "8080"})
	if said := p.preview(); !strings.HasPrefix(said.Object, "pod/app-") || !strings.Contains(said.Summary, "GET / at port 8080") {
		t.Errorf("%+v", said)
	}
	if out := p.mustRun(); out["ok"] != true {
		t.Errorf("%v", out)
	}
	if _, err := w.prepare("k8s.port_forward", values{"deployment": "bad"}); err == nil || actions.KindOf(err) != actions.KindFailed {
		t.Errorf("a pod that is not ready: %v", err)
	}
	// A pod that is named is asked all the same: that is how one sees why.
	_, pods, err := w.cl.replicaSets(w.ctx(), w.mustDeployment("bad"))
	if err != nil {
		t.Fatal(err)
	}
	w.eventually("it runs", func() bool {
		p, err := w.prepare("k8s.port_forward", values{"pod": pods[0].Name, "path": "/ready", "status": 503})
		if err != nil {
			return false
		}
		out, err := p.run()
		return err == nil && out["ok"] == true && out["ready"] == false
	})
	w.delete(podKind, pods[0].Name)
	_, err = w.prepare("k8s.port_forward", values{"pod": pods[0].Name})
	wantKind(t, err, actions.KindInvalid, "no pod")
	_, err = w.prepare("k8s.port_forward", values{"service": "app", "pod": "app"})
	wantKind(t, err, actions.KindInvalid, "another way")
	_, err = w.prepare("k8s.port_forward", values{"deployment": "app", "path": "health"})
	wantKind(t, err, actions.KindInvalid, "does not begin with /")
	_, err = w.prepare("k8s.port_forward", values{"deployment": "app", "port": "grpc"})
	wantKind(t, err, actions.KindInvalid, `no container of pod`)
}

// The port is open on the loopback address only while it is used, and closed
// whatever comes of the request.
func TestPortForwardLeavesNothingBehind(t *testing.T) {
	w := newWorld(t)
	w.deployed("app", "myapp:1.4.2", 1)
	_, pods, err := w.cl.replicaSets(w.ctx(), w.mustDeployment("app"))
	if err != nil {
		t.Fatal(err)
	}
	ways, err := w.cl.tunnel(w.ctx(), pods[0].Name, 8080)
	if err != nil {
		t.Fatal(err)
	}
	if host, _, _ := net.SplitHostPort(ways.address); host != "127.0.0.1" {
		t.Errorf("open at %s", ways.address)
	}
	ways.close()
	if conn, err := net.DialTimeout("tcp", ways.address, time.Second); err == nil {
		_ = conn.Close()
		t.Errorf("%s is still open", ways.address)
	} else if !errors.Is(err, os.ErrDeadlineExceeded) && !strings.Contains(fmt.Sprint(err), "refused") {
		t.Error(err)
	}
	if _, err := w.cl.tunnel(w.ctx(), "nobody", 8080); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("to a pod that is not there: %v", err)
	}
}
