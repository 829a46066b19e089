package e2e

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/runbackhq/runback/internal/testcluster"
)

// TestCrashAtEveryEvent kills the executor right after a journal event became
// durable, resumes, and holds the world and the API server's audit log against
// those of an undisturbed run: the same end, and no effect twice.
//
// RUNBACK_CRASH_EVERY=1 tries every event of every strategy; without it every
// third is tried, and always the events around an effect.
func TestCrashAtEveryEvent(t *testing.T) {
	every := 3
	if n, err := strconv.Atoi(os.Getenv("RUNBACK_CRASH_EVERY")); err == nil && n > 0 {
		every = n
	}
	env := testcluster.Up(t, "healthy")
	w := newWorld(t, env)
	slots := make(chan struct{}, 6) // the machine has few cores, the runs mostly wait
	var tally tally
	t.Run("strategies", func(t *testing.T) {
		for _, playbook := range []string{"blue-green", "canary", "rolling", "direct"} {
			calm := crashRun(t, env, w, playbook, 0)
			if calm.code != 0 {
				t.Fatalf("%s undisturbed: exit code %d\n%s", playbook, calm.code, calm.out)
			}
			for k := 1; k <= len(calm.events); k++ {
				if k%every != 0 && !nearEffect(calm.events, k) {
					continue
				}
				t.Run(fmt.Sprintf("%s at %d %s", playbook, k, calm.events[k-1]), func(t *testing.T) {
					t.Parallel()
					slots <- struct{}{}
					defer func() { <-slots }()
					got := crashRun(t, env, w, playbook, k)
					compare(t, calm, got, k == len(calm.events))
					tally.add(got)
				})
			}
		}
	})
	t.Logf("%d crash points, %d ended in doubt, %d writes in all", tally.points, tally.doubt, tally.writes)
	if tally.points == 0 {
		t.Error("no crash point was tried")
	}
}

type tally struct {
	sync.Mutex
	points, doubt, writes int
}

func (y *tally) add(o crashed) {
	y.Lock()
	defer y.Unlock()
	y.points++
	y.writes += len(o.writes)
	if o.code == 4 {
		y.doubt++
	}
}

func nearEffect(events []string, k int) bool {
	around := events[max(k-2, 0):min(k+1, len(events))]
	return slices.ContainsFunc(around, func(e string) bool { return strings.HasPrefix(e, "step.intent") })
}

// crashed is what remained of one run.
type crashed struct {
	code   int
	out    string
	events []string
	fields map[string]any
	writes []string
}

// crashRun brings a release into a scenario in a namespace of its own and rolls
// it back; with at > 0 the executor dies at that event and the run is resumed.
func crashRun(t *testing.T, env *testcluster.Env, w *world, playbook string, at int) crashed {
	t.Helper()
	ns := fmt.Sprintf("%s-%d", playbook, at)
	seed(t, env, playbook, ns)
	p := newProgram(t, env)
	p.bin = testcluster.Binary(t, "runback-crash")
	cmd := p.command("run", playbook, "--yes", "--reason", "crash test", "--set", "namespace="+ns)
	if at > 0 {
		cmd.Env = append(cmd.Env, "RUNBACK_CRASH_AT="+strconv.Itoa(at))
	}
	res := finish(t, cmd)
	if at > 0 {
		if res.code != -1 {
			t.Fatalf("the executor did not die: exit code %d\n%s%s", res.code, res.out, res.err)
		}
		var rows []struct{ Status string }
		if p.json(&rows, "runs"); len(rows) != 1 {
			t.Fatalf("runs: %+v", rows)
		}
		res = p.run("resume", "last")
	}
	var id []struct{ ID string }
	p.json(&id, "runs")
	return crashed{
		code: res.code, out: res.out + res.err, events: eventNames(t, p, id[0].ID),
		fields: normal(w.inNamespace(ns).fields(ns), ns, id[0].ID), writes: normalWrites(w.writes(ns), ns, id[0].ID),
	}
}

// inNamespace makes failures of the look-up those of the sub-test.
func (w *world) inNamespace(string) *world { c := *w; return &c }

func eventNames(t *testing.T, p *program, id string) []string {
	t.Helper()
	var doc []struct{ Type, Path string }
	p.json(&doc, "status", id, "--events")
	var out []string
	for _, e := range doc {
		out = append(out, strings.TrimSpace(e.Type+" "+strings.ReplaceAll(e.Path, "/", ".")))
	}
	return out
}

// normal takes out what differs between any two runs: names of namespace and run.
func normal(fields map[string]any, ns, run string) map[string]any {
	out := map[string]any{}
	for k, v := range fields {
		if strings.Contains(k, "clusterIP") {
			continue // given by the API server
		}
		if s, ok := v.(string); ok {
			v = strings.NewReplacer(ns, "NS", run, "RUN").Replace(s)
		}
		out[k] = v
	}
	return out
}

func normalWrites(writes []write, ns, run string) []string {
	var out []string
	for _, x := range writes {
		body := x.Body
		if i := strings.Index(body, `"/metadata/uid"`); i >= 0 {
			body = uidPattern.ReplaceAllString(body, "UID")
		}
		out = append(out, strings.NewReplacer(ns, "NS", run, "RUN").Replace(x.Verb+" "+x.Resource+"/"+x.Name+" "+body))
	}
	return out
}

func compare(t *testing.T, calm, got crashed, over bool) {
	t.Helper()
	want := 0
	if over {
		want = 3 // the run was over when the executor died: there is nothing to resume
	}
	if got.code != want {
		t.Errorf("resume: exit code %d, want %d\n%s", got.code, want, got.out)
	}
	for k, v := range got.fields {
		if jsonText(calm.fields[k]) != jsonText(v) {
			t.Errorf("%s is %v, undisturbed it is %v", k, v, calm.fields[k])
		}
	}
	for k := range calm.fields {
		if _, ok := got.fields[k]; !ok {
			t.Errorf("%s is missing", k)
		}
	}
	if !slices.Equal(calm.writes, got.writes) {
		t.Errorf("writes differ from those of an undisturbed run:\n%s\nundisturbed:\n%s", strings.Join(got.writes, "\n"), strings.Join(calm.writes, "\n"))
	}
}
