package e2e

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/runbackhq/runback/internal/testcluster"
	"github.com/runbackhq/runback/playbooks"
)

// runbookRow is a line of the runbook on its page: the steps that do it, and the
// playbooks that contain one of them.
type runbookRow struct {
	line      string
	uses      []string
	with      string
	playbooks []string
}

var (
	tableRow   = regexp.MustCompile("(?m)^\\| `(.+?)` \\| (.+?) \\| (.*?) ?\\|.*$")
	actionName = regexp.MustCompile("`([a-z0-9]+\\.[a-z_]+)`")
	withInputs = regexp.MustCompile("` `(\\{.*\\})`$")
)

func runbookRows(t *testing.T) []runbookRow {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "runbook.md"))
	if err != nil {
		t.Fatal(err)
	}
	var out []runbookRow
	for _, m := range tableRow.FindAllStringSubmatch(string(page), -1) {
		row := runbookRow{line: strings.ReplaceAll(m[1], `\|`, "|")}
		for _, a := range actionName.FindAllStringSubmatch(m[2], -1) {
			row.uses = append(row.uses, a[1])
		}
		if with := withInputs.FindStringSubmatch(m[2]); with != nil {
			row.with = with[1]
		}
		if m[3] != "" {
			row.playbooks = strings.Split(m[3], ", ")
		}
		out = append(out, row)
	}
	return out
}

// The page has every line of the runbook, in its order, once; and the playbooks
// that it names contain the step.
func TestRunbookPageIsComplete(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "runbook-lines.txt"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	rows := runbookRows(t)
	have := map[string]int{}
	for _, row := range rows {
		have[row.line]++
		if len(row.uses) == 0 || strings.HasPrefix(row.line, "kubectl") != (row.with != "") {
			t.Errorf("no step, or none that can be run: %+v", row)
		}
		for _, name := range row.playbooks {
			text, err := playbooks.Files.ReadFile(name + ".yaml")
			if err != nil || !slices.ContainsFunc(row.uses, func(a string) bool { return strings.Contains(string(text), "uses: "+a+"\n") }) {
				t.Errorf("%s: playbook %s does not contain %v (%v)", row.line, name, row.uses, err)
			}
		}
	}
	for _, line := range lines {
		if have[line] != 1 {
			t.Errorf("%d rows for: %s", have[line], line)
		}
	}
	if len(rows) != len(lines) {
		t.Errorf("%d rows, %d lines", len(rows), len(lines))
	}
}

// TestRunbookLines runs the step of each line that calls kubectl, as the page
// writes it, on the cluster that the runbook speaks of.
func TestRunbookLines(t *testing.T) {
	env := testcluster.Up(t, "blue-green", "--metrics")
	w, p := newWorld(t, env), newProgram(t, env)
	pod := w.firstPod("version=stable")
	// The runbook's words for what is called otherwise in each cluster.
	named := strings.NewReplacer("app-pod", pod, "app-stable-xxx", pod, "db-host]", fmt.Sprintf("127.0.0.1, -p, %q]", strconv.Itoa(postgresServer(t).Port)))
	ran := 0
	for _, row := range runbookRows(t) {
		if !strings.HasPrefix(row.line, "kubectl") {
			continue
		}
		if row.uses[0] == "k8s.delete_pods" {
			w.scaleByHand("default", "app-canary", 2) // an earlier line scaled it down
			w.eventually("the canary is there", func() bool { return w.ready("version=canary") == 2 })
		}
		ran++
		file := writePlaybook(t, fmt.Sprintf(`apiVersion: runback/v1
kind: Playbook
metadata: {name: line, version: 1.0.0}
spec:
  budget: 2m
  target: {kubernetes: {namespace: default}}
  steps:
    - id: line
      uses: %s
      with: %s
      timeout: 90s
      %s
`, row.uses[0], named.Replace(row.with), settled[row.uses[0]]))
		res := p.run("run", file, "--yes", "--reason", "test")
		if res.code != 0 {
			t.Errorf("%s: exit code %d\n%s%s", row.line, res.code, res.out, res.err)
			continue
		}
		v := p.status("last")
		out := v.Steps[0].Outputs
		if bad := w.wrong(row.line, out); bad != "" {
			t.Errorf("%s: %s\n%v", row.line, bad, out)
		}
	}
	if ran != 13 {
		t.Errorf("%d lines were run, want 13", ran)
	}
}

// settled says for what a step waits in this test, where a cluster takes its time.
var settled = map[string]string{
	"k8s.top": "verify: {until: outputs.complete, every: 1s, within: 80s}",
}

func (w *world) firstPod(selector string) string {
	w.t.Helper()
	pods, err := w.core.CoreV1().Pods("default").List(context.Background(), metav1.ListOptions{LabelSelector: selector})
	if err != nil || len(pods.Items) == 0 {
		w.t.Fatal(pods, err)
	}
	return pods.Items[0].Name
}

// wrong holds what a line did, or told, against the cluster.
func (w *world) wrong(line string, out map[string]any) string {
	w.t.Helper()
	want := func(name string, value any) string {
		if fmt.Sprint(out[name]) != fmt.Sprint(value) {
			return fmt.Sprintf("%s is %v, want %v", name, out[name], value)
		}
		return ""
	}
	switch {
	case strings.Contains(line, "patch service"):
		if got := w.fields("default")["service/app-service spec.selector.version"]; got != "stable" {
			return fmt.Sprintf("the selector is %v", got)
		}
	case strings.Contains(line, "--replicas="):
		name, n := strings.Fields(line)[3], line[len(line)-1:]
		if got := w.fields("default")["deployment/"+name+" spec.replicas"]; fmt.Sprint(got) != n {
			return fmt.Sprintf("%s has %v replicas", name, got)
		}
	case strings.Contains(line, "delete pods"):
		return cmp.Or(want("removed", 2), want("ready", 2))
	case strings.Contains(line, "get deployments"):
		return want("count", 2)
	case strings.Contains(line, "describe deployment"):
		return want("problems", "[]")
	case strings.Contains(line, "top"):
		return want("silent", "[]")
	case strings.Contains(line, "pg_isready"):
		return want("exit_code", 0)
	case strings.Contains(line, "logs"):
		return want("pods", 5)
	case strings.Contains(line, "endpoints"):
		return want("ready", 5)
	case strings.Contains(line, "describe ingress"):
		return want("problems", "[]")
	case strings.Contains(line, "port-forward"):
		return want("ok", true)
	default:
		return "the test knows nothing of it"
	}
	return ""
}
