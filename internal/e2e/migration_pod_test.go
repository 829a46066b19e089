package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/runbackhq/runback/internal/testcluster"
	"github.com/runbackhq/runback/internal/testpostgres"
)

const podPlaybook = `apiVersion: runback/v1
kind: Playbook
metadata: {name: back-in-pod, version: 1.0.0}
spec:
  budget: 3m
  target:
    kubernetes: {namespace: %s}
    databases:
      app: {url: %q, password_env: %s}
  steps:
    - id: back
      uses: alembic.downgrade
      with: {deployment: app-stable, dir: %q, python: /usr/bin/python3, to: "-3", accept_data_loss: true}
      retry: {attempts: 12, delay: 500ms, backoff: 1}
    - id: after
      uses: alembic.current
      with: {deployment: app-stable, dir: %q, python: /usr/bin/python3}
      expect: outputs.head == "a1accounts"
`

// podTrial is one disturbance of a downgrade in a pod.
type podTrial struct {
	dies  string
	at    string
	after time.Duration
}

// podTrials are six that are always tried, and RUNBACK_POD_TRIALS by chance.
func podTrials() map[string]podTrial {
	const announced = "event:3"
	all := map[string]podTrial{
		"undisturbed":                  {"", announced, 0},
		"the executor, in the middle":  {"executor", announced, 600 * time.Millisecond},
		"the executor, before":         {"executor", announced, time.Millisecond},
		"the pod, in the middle":       {"pod", announced, 700 * time.Millisecond},
		"both, in the middle":          {"executor+pod", announced, 500 * time.Millisecond},
		"the sessions of the database": {"backend", announced, 700 * time.Millisecond},
	}
	rnd := rand.New(rand.NewPCG(uint64(envInt("RUNBACK_CRASH_SEED", 1)), 2)) //nolint:gosec // a choice of tests
	for n := range envInt("RUNBACK_POD_TRIALS", 0) {
		d := podTrial{at: announced, after: time.Duration(1+rnd.IntN(1500)) * time.Millisecond}
		d.dies = []string{"executor", "pod", "executor+pod", "backend", "executor+backend"}[rnd.IntN(5)]
		if rnd.IntN(3) == 0 { // at an event, which only the executor meets
			d = podTrial{dies: "executor" + []string{"", "+pod", "+backend"}[rnd.IntN(3)], at: fmt.Sprint("event:", 1+rnd.IntN(8))}
		}
		all[fmt.Sprintf("chance %d", n)] = d
	}
	return all
}

// TestDowngradeInPod takes migrations back with the alembic and the URL of the
// application's own pod, while the executor dies, or the pod.
func TestDowngradeInPod(t *testing.T) {
	env := testcluster.Up(t, "healthy")
	w, dir := newWorld(t, env), migrations(t)
	const done = "a1accounts accounts.id accounts.name alembic_version.version_num 0 500"
	tally := map[string]int{}
	for name, tc := range podTrials() {
		t.Run(name, func(t *testing.T) {
			db := migratedDatabase(t)
			before := db.sql(schemaOf)
			ns := strings.NewReplacer(" ", "-", ",", "").Replace("pod-" + name)
			seed(t, env, "healthy", ns)
			defer w.drop(ns)
			giveURL(t, w, ns, db)
			p := newProgram(t, env)
			p.bin, p.more = testcluster.Binary(t, "runback-crash"), db.env()
			file := writePlaybook(t, fmt.Sprintf(podPlaybook, ns, db.url(), passwordEnv, dir, dir))
			d := trial{at: tc.at, after: tc.after, dies: strings.Split(tc.dies, "+")}
			s := &scene{backend: db.endSessions}
			if strings.Contains(tc.dies, "pod") {
				d.dies = append(d.dies, "backend")
				s.backend = func() { killPods(t, w, ns) }
			}
			begin := []string{"run", file, "--yes", "--reason", "test"}
			var res result
			if tc.dies == "" {
				res = p.dying("", begin...)
			} else {
				res = p.until(d, s, begin)
			}
			for n := 0; res.code == -1 && n < 3; n++ {
				tally["resumed"]++
				res = p.run("resume", "last")
				switch {
				case strings.Contains(res.err, "no run"): // it died before the run began
					res = p.run(begin...)
				case strings.Contains(res.err, "is over: succeeded"): // it died when the run was over
					res = p.run("status", "last")
				}
			}
			got := db.sql(schemaOf)
			switch {
			case res.code == 0 && got == done:
				tally["as undisturbed"]++
			case !strings.HasPrefix(name, "chance"), got != done && got != before:
				t.Fatalf("exit code %d, %s\n%s%s", res.code, got, res.out, res.err)
			case res.code == 4 && strings.Contains(res.out+res.err, "--skip"):
				tally["in doubt"]++
			case res.code == 1:
				tally["failed, nothing half done"]++
			default:
				t.Fatalf("exit code %d, %s\n%s%s", res.code, got, res.out, res.err)
			}
			files(t, p.state)
			if holds(res.out+res.err, testpostgres.Password()) {
				t.Error("the program says the password")
			}
		})
	}
	t.Logf("seed %d: %v", envInt("RUNBACK_CRASH_SEED", 1), tally)
}

// giveURL gives the pods of the application the URL of a database, as a Secret
// would, and waits for those that have it.
func giveURL(t *testing.T, w *world, ns string, db *database) {
	t.Helper()
	ctx := t.Context()
	deployments := w.core.AppsV1().Deployments(ns)
	d, err := deployments.Get(ctx, "app-stable", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	u := url.URL{Scheme: "postgresql", User: url.UserPassword(testpostgres.Owner, testpostgres.Password()), Host: fmt.Sprintf("127.0.0.1:%d", db.srv.Port), Path: "/" + db.name}
	d.Spec.Template.Spec.Containers[0].Env = append(d.Spec.Template.Spec.Containers[0].Env, corev1.EnvVar{Name: "DATABASE_URL", Value: u.String()})
	d, err = deployments.Update(ctx, d, metav1.UpdateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	w.eventually("the pods have the URL", func() bool {
		now, err := deployments.Get(ctx, d.Name, metav1.GetOptions{})
		return err == nil && now.Status.ObservedGeneration >= d.Generation && now.Status.UpdatedReplicas == *d.Spec.Replicas &&
			now.Status.Replicas == *d.Spec.Replicas && now.Status.ReadyReplicas == *d.Spec.Replicas
	})
}

// killPods ends all pods at once, as a node that is lost does.
func killPods(t *testing.T, w *world, ns string) {
	t.Helper()
	now := int64(0)
	if err := w.core.CoreV1().Pods(ns).DeleteCollection(context.Background(), metav1.DeleteOptions{GracePeriodSeconds: &now}, metav1.ListOptions{}); err != nil {
		t.Fatal(err)
	}
}
