package e2e

import (
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/runbackhq/runback/internal/testcluster"
)

// crashCase is a playbook on the scenario that it is for.
type crashCase struct {
	name, playbook, scenario string
	sets                     []string
}

func crashCases() []crashCase {
	return []crashCase{
		{"blue-green", "blue-green", "blue-green", nil},
		{"canary", "canary", "canary", nil},
		{"rolling", "rolling", "rolling", nil},
		{"direct", "direct", "direct", nil},
		{"emergency", "emergency", "canary", []string{"--set", "route=app-route"}},
	}
}

// TestCrash kills the executor with SIGKILL at named points (before and after
// every journal event, before and after every request to the API server, those
// for the lock included), resumes, and holds the world, the steps and the API
// server's audit log against those of an undisturbed run: the same end, and no
// effect twice.
//
// Without further notice a sample is tried. RUNBACK_CRASH_POINTS=N tries that
// many, all single points first and then pairs, in which the resume dies too;
// RUNBACK_CRASH_SEED chooses them.
func TestCrash(t *testing.T) {
	wanted, seed := envInt("RUNBACK_CRASH_POINTS", 45), envInt("RUNBACK_CRASH_SEED", 1)
	env := testcluster.Up(t, "healthy")
	w := newWorld(t, env)
	rnd := rand.New(rand.NewPCG(uint64(seed), 0)) //nolint:gosec // a choice of tests
	var all []crashPoint
	calm := map[string]crashed{}
	for _, c := range crashCases() {
		got := crashRun(t, env, w, c, crashPoint{})
		if got.code != 0 {
			t.Fatalf("%s undisturbed: exit code %d\n%s", c.name, got.code, got.out)
		}
		calm[c.name] = got
		for _, at := range got.points {
			all = append(all, crashPoint{c, at, ""})
		}
	}
	tried := choose(rnd, all, calm, wanted)
	t.Logf("seed %d: %d of %d single points, %d pairs", seed, min(len(tried), len(all)), len(all), max(len(tried)-len(all), 0))
	var tally tally
	t.Run("at", func(t *testing.T) {
		for _, at := range tried {
			t.Run(at.String(), func(t *testing.T) {
				t.Parallel()
				got := crashRun(t, env, w, at.crashCase, at)
				tally.add(got)
				if got.died {
					compare(t, calm[at.name], got)
				}
			})
		}
	})
	tally.report(t)
	if tally.died < len(tried)/2 {
		t.Errorf("only %d of %d runs died where they should", tally.died, len(tried))
	}
}

func envInt(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

// crashPoint is where the run dies, and where its resume dies too.
type crashPoint struct {
	crashCase
	first, second string
}

func (p crashPoint) String() string {
	return strings.TrimSpace(strings.ReplaceAll(p.name+" "+p.first+" "+p.second, ":", " "))
}

// choose takes n points. A sample holds some of each kind for each playbook.
func choose(rnd *rand.Rand, all []crashPoint, calm map[string]crashed, n int) []crashPoint {
	mixed := slices.Clone(all)
	rnd.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
	if n <= len(mixed) {
		perCase := map[string]int{}
		var out []crashPoint
		for _, p := range mixed {
			kind, _, _ := strings.Cut(p.first, ":")
			if key := p.name + kind; perCase[key] < n/(4*len(calm))+1 && len(out) < n {
				perCase[key]++
				out = append(out, p)
			}
		}
		return out
	}
	for len(mixed) < n {
		p := all[rnd.IntN(len(all))]
		p.second = calm[p.name].points[rnd.IntN(len(calm[p.name].points))]
		mixed = append(mixed, p)
	}
	return mixed
}

// crashed is what remained of one run.
type crashed struct {
	code   int
	died   bool // at the first point
	twice  bool // at the second point
	over   bool // the run was over when it died
	out    string
	points []string // that it passed
	steps  map[string]string
	fields map[string]any
	writes []string
}

// crashRun brings a release into a scenario in a namespace of its own and rolls
// it back; the executor dies at the point and the run is resumed.
func crashRun(t *testing.T, env *testcluster.Env, w *world, c crashCase, at crashPoint) crashed {
	t.Helper()
	ns := strings.NewReplacer(" ", "-", ":", "").Replace(strings.TrimSpace("crash " + c.name + " " + at.first + " " + at.second))
	seed(t, env, c.scenario, ns)
	defer w.drop(ns)
	from := w.auditSize()
	p := newProgram(t, env)
	p.bin = testcluster.Binary(t, "runback-crash")
	begin := append([]string{"run", c.playbook, "--yes", "--reason", "crash test", "--set", "namespace=" + ns}, c.sets...)
	got := crashed{}
	res := p.dying(at.first, begin...)
	got.died = res.code == -1
	for _, point := range []string{at.second, ""} {
		if res.code != -1 {
			break
		}
		got.twice = got.twice || got.died && point == "" && at.second != ""
		var rows []struct{ ID, Status string }
		p.json(&rows, "runs")
		switch {
		case len(rows) == 0: // it died before the run began: it is begun anew
			res = p.dying(point, begin...)
		case rows[0].Status != "running" && rows[0].Status != "interrupted":
			got.over, res.code = true, 0
		default:
			res = p.dying(point, "resume", rows[0].ID)
		}
	}
	var rows []struct{ ID string }
	p.json(&rows, "runs")
	id := rows[0].ID
	got.code, got.out, got.points = res.code, res.out+res.err, p.points()
	got.steps = map[string]string{}
	for _, s := range p.status(id).Steps {
		got.steps[s.Path] = s.Status
	}
	got.fields, got.writes = normal(w.fields(ns), ns, id), normalWrites(w.writesSince(from, ns), ns, id)
	return got
}

// dying runs the program so that it dies at a point.
func (p *program) dying(point string, args ...string) result {
	p.t.Helper()
	cmd := p.command(args...)
	cmd.Env = append(cmd.Env, "RUNBACK_CRASH_LOG="+p.state+"/points")
	if point != "" {
		cmd.Env = append(cmd.Env, "RUNBACK_CRASH_AT="+point)
	}
	return finish(p.t, cmd)
}

// points lists the crash points that were passed.
func (p *program) points() []string {
	p.t.Helper()
	b, err := os.ReadFile(p.state + "/points")
	if err != nil {
		p.t.Fatal(err)
	}
	return strings.Fields(string(b))
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

func compare(t *testing.T, calm, got crashed) {
	t.Helper()
	if got.code != 0 {
		t.Errorf("it ended with exit code %d\n%s", got.code, got.out)
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
	for path, status := range calm.steps {
		if got.steps[path] != status {
			t.Errorf("step %s is %q, undisturbed it is %q", path, got.steps[path], status)
		}
	}
	if !slices.Equal(calm.writes, got.writes) {
		t.Errorf("writes differ from those of an undisturbed run:\n%s\nundisturbed:\n%s", strings.Join(got.writes, "\n"), strings.Join(calm.writes, "\n"))
	}
}
