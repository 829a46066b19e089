package e2e

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/runbackhq/runback/internal/testcluster"
	"github.com/runbackhq/runback/playbooks"
)

// finding is how a diagnosis ends.
type finding struct {
	found                 any
	finding, playbook     string
	findings, unknown, on string // on the screen, too
}

// diagnose runs a playbook that only looks, and gives its finding.
func (p *program) diagnose(args ...string) finding {
	p.t.Helper()
	res := p.must(0, append([]string{"run", "--yes", "--reason", "test"}, args...)...)
	v := p.status("last")
	out := v.Steps[len(v.Steps)-1].Outputs
	if out == nil || !strings.Contains(res.out, "FINDING: ") || v.Changed {
		p.t.Fatalf("no finding, or something was changed: %+v\n%s", v, res.out)
	}
	text := func(name string) string { return fmt.Sprint(out[name]) }
	return finding{out["found"], text("finding"), text("playbook"), text("findings"), text("unknown"), res.out}
}

func (w *world) patchDeployment(namespace, name, body string) {
	w.t.Helper()
	if _, err := w.core.AppsV1().Deployments(namespace).Patch(context.Background(), name, types.StrategicMergePatchType, []byte(body), metav1.PatchOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

func imagePatch(image string) string {
	return fmt.Sprintf(`{"spec":{"template":{"spec":{"containers":[{"name":"app","image":%q}]}}}}`, image)
}

// diagnosed asks again until a finding is there: a cluster takes its time to fail.
func (p *program) diagnosed(want string, args ...string) finding {
	p.t.Helper()
	var f finding
	for range 40 {
		if f = p.diagnose(args...); strings.Contains(f.findings, want) || want == "" {
			return f
		}
		time.Sleep(500 * time.Millisecond)
	}
	p.t.Errorf("never found %q: %+v", want, f)
	return f
}

// Each way in which pods get stuck is found, and the playbook that helps named.
func TestTroubleshootStuck(t *testing.T) {
	env := testcluster.Up(t, "healthy", "--metrics")
	w := newWorld(t, env)
	for name, tc := range map[string]struct {
		patch, says, playbook string
		args                  []string
	}{
		"no image":    {patch: imagePatch("nobody:1"), says: "an image cannot be pulled", playbook: "rolling --set deployment=app-stable"},
		"crash":       {patch: imagePatch("myapp:1.5.0-crash"), says: "containers crash", playbook: "rolling --set deployment=app-stable"},
		"not ready":   {patch: imagePatch("myapp:1.5.0-unready"), says: "do not pass their readiness probe", playbook: "troubleshoot-load-balancer"},
		"paused":      {patch: `{"spec":{"paused":true}}`, says: "the rollout is paused", playbook: "rolling --set deployment=app-stable --set allow_paused=true"},
		"no room":     {patch: `{"spec":{"template":{"spec":{"containers":[{"name":"app","resources":{"requests":{"cpu":"1000"}}}]}}}}`, says: "no node takes some of the pods"},
		"no config":   {patch: `{"spec":{"template":{"spec":{"containers":[{"name":"app","envFrom":[{"configMapRef":{"name":"gone"}}]}]}}}}`, says: "config maps or secrets that its pods need are not there"},
		"at zero":     {patch: `{"spec":{"replicas":0}}`, says: "scaled to 0", playbook: "emergency"},
		"not there":   {says: "there is no workload", args: []string{"--set", "name=nobody"}},
		"nothing bad": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ns := "stuck-" + strings.ReplaceAll(name, " ", "-")
			seed(t, env, "healthy", ns)
			p := newProgram(t, env)
			if tc.patch != "" {
				w.patchDeployment(ns, "app-stable", tc.patch)
			}
			args := append([]string{"troubleshoot-stuck", "--set", "namespace=" + ns}, tc.args...)
			f := p.diagnosed(tc.says, args...)
			if tc.says == "" {
				for range 60 { // until the metrics server knows the pods
					if f = p.diagnose(args...); f.unknown == "[]" {
						break
					}
					time.Sleep(time.Second)
				}
				if f.found != false || f.unknown != "[]" {
					t.Errorf("%+v", f)
				}
			} else if f.found != true || !strings.Contains(f.finding, tc.says) || f.playbook != tc.playbook && tc.playbook != "" {
				t.Errorf("%+v", f)
			}
			if writes := w.writes(ns); len(writes) > 0 {
				t.Errorf("it wrote: %+v", writes)
			}
		})
	}
}

// What cannot be seen is named, and nothing is said to be well because of it.
func TestTroubleshootWithoutMetrics(t *testing.T) {
	env := testcluster.Up(t, "healthy")
	w, p := newWorld(t, env), newProgram(t, env)
	f := p.diagnose("troubleshoot-stuck")
	if f.found != nil || !strings.Contains(f.unknown, "whether a node is full") || !strings.Contains(f.on, "could not be found out: whether a node is full") {
		t.Errorf("%+v", f)
	}
	plan := p.must(0, "plan", "troubleshoot-load-balancer")
	if !strings.Contains(plan.out, "asks GET /") || !strings.Contains(plan.out, "could not be found out") {
		t.Errorf("%s", plan.out)
	}
	balancer := func(args ...string) finding {
		return p.diagnose(append([]string{"troubleshoot-load-balancer"}, args...)...)
	}
	url := func(base string) []string { return []string{"--set", "url=" + base} }
	for name, tc := range map[string]struct {
		args           []string
		found          any
		says, playbook string
	}{
		"all is well":          {url(env.AppURL), false, "the way leads to them", ""},
		"nobody asks":          {nil, false, "the way leads to them", ""},
		"customers get errors": {url("http://127.0.0.1:1"), true, "a pod answers well", ""},
		"it answers otherwise": {append(url(env.AppURL), "--set", "status=503"), true, "the application itself answers wrong", "direct --set service=app-service"},
		"no ingress":           {[]string{"--set", "ingress=nowhere"}, true, "there is no such Ingress", ""},
		"no route":             {[]string{"--set", "route=nowhere"}, true, "there is no such HTTPRoute", ""},
		"no service":           {[]string{"--set", "service=nowhere", "--set", "ingress="}, true, "there is no such Service", ""},
	} {
		if f := balancer(tc.args...); f.found != tc.found || !strings.Contains(f.finding, tc.says) || f.playbook != tc.playbook {
			t.Errorf("%s: %+v", name, f)
		}
	}
	w.patchService("app-service", `{"spec":{"selector":{"version":"nobody"}}}`)
	f = p.diagnosed("matches no pod", "troubleshoot-load-balancer")
	if f.playbook != "emergency --set service=app-service" || !strings.Contains(f.findings, "ends before ready pods") || !strings.Contains(f.unknown, "asked directly") {
		t.Errorf("%+v", f)
	}
	w.patchService("app-service", `{"spec":{"selector":{"version":"stable"}}}`)
	connection(t, p)
}

func (w *world) patchService(name, body string) {
	w.t.Helper()
	if _, err := w.core.CoreV1().Services("default").Patch(context.Background(), name, types.MergePatchType, []byte(body), metav1.PatchOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

func connection(t *testing.T, p *program) {
	t.Helper()
	port := "port=" + strconv.Itoa(postgresServer(t).Port)
	for name, tc := range map[string]struct {
		args           []string
		found          any
		says, playbook string
	}{
		"it answers":      {[]string{"--set", port}, false, "the database answers the application", ""},
		"nobody answers":  {[]string{"--set", "port=1"}, true, "nobody answers at that host and port", "troubleshoot-database"},
		"no such program": {[]string{"--set", "program=pg_nothing", "--set", port}, true, "the image has no such program", "troubleshoot-database"},
		"not there":       {[]string{"--set", "deployment=nobody"}, true, "there is no such Deployment", ""},
		"its logs say so": {[]string{"--set", "word=listen", "--set", port}, true, "speak of the database", "troubleshoot-database"},
	} {
		f := p.diagnose(append([]string{"troubleshoot-connection", "--set", "host=127.0.0.1"}, tc.args...)...)
		if f.found != tc.found || !strings.Contains(f.finding, tc.says) || f.playbook != tc.playbook {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// A database on which nobody waits is not the cause; one on which sessions wait
// is, and so is one with transactions that are left open.
func TestTroubleshootDatabase(t *testing.T) {
	t.Parallel()
	db := copyOf(t, "")
	db.sql("create table account(id int)")
	p := newProgram(t, &testcluster.Env{})
	p.more = db.env()
	args := []string{"troubleshoot-database", "--set", "database_url=" + db.url(), "--set", "password_env=" + passwordEnv, "--set", "wait=0", "--set", "idle=0"}
	if f := p.diagnose(args...); f.found != false || !strings.Contains(f.finding, "not the cause") {
		t.Errorf("%+v", f)
	}
	behind := func(statements string) {
		go func() { _, _ = db.srv.SQL(context.Background(), db.name, statements) }() // ended with the database
	}
	behind("begin; lock table account; select pg_sleep(120)")
	for db.sql("select count(*) from pg_locks where relation = 'account'::regclass and granted") == "0" {
		time.Sleep(50 * time.Millisecond)
	}
	behind("begin; lock table account")
	for db.sql("select count(*) from pg_locks where not granted") == "0" {
		time.Sleep(50 * time.Millisecond)
	}
	f := p.diagnose(args...)
	// The owner may not see how long others wait: then that is what is told.
	if !strings.Contains(f.findings, "sessions wait for locks") && !strings.Contains(f.unknown, "how long sessions wait") {
		t.Errorf("%+v", f)
	}
}

// A playbook that a finding names is one that there is, and what it is told are
// inputs of it.
func TestFindingsNamePlaybooksThatThereAre(t *testing.T) {
	files, err := playbooks.Files.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`(?m)^\s+playbook: (\S+)(.*)$`)
	inputs := regexp.MustCompile(`--set (\w+)=`)
	n := 0
	for _, file := range files {
		text, err := playbooks.Files.ReadFile(file.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range named.FindAllStringSubmatch(string(text), -1) {
			n++
			other, err := playbooks.Files.ReadFile(m[1] + ".yaml")
			if err != nil {
				t.Errorf("%s names %s: %v", file.Name(), m[1], err)
			}
			for _, in := range inputs.FindAllStringSubmatch(m[2], -1) {
				if !strings.Contains(string(other), "    "+in[1]+": {type:") {
					t.Errorf("%s: %s has no input %s", file.Name(), m[1], in[1])
				}
			}
		}
	}
	if n < 10 {
		t.Errorf("%d playbooks are named", n)
	}
}
