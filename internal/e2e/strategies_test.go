package e2e

import (
	"encoding/json"
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/runbackhq/runback/internal/testcluster"
)

// TestStrategies breaks a release in each of the runbook's ways and runs the
// matching playbook: the plan changes nothing, the run does what the plan
// said, customers stop seeing errors within the budget, and no request is lost
// to the switch.
func TestStrategies(t *testing.T) {
	for _, tc := range []struct {
		scenario, playbook string
		budget             time.Duration
		sets               []string
	}{
		{"blue-green", "blue-green", 2 * time.Minute, nil},
		{"canary", "canary", 3 * time.Minute, nil},
		{"rolling", "rolling", 5 * time.Minute, nil},
		{"direct", "direct", 3 * time.Minute, nil},
		{"blue-green", "emergency", 3 * time.Minute, nil},
		{"canary", "emergency", 3 * time.Minute, []string{"--set", "route=app-route"}},
	} {
		t.Run(tc.playbook+" on "+tc.scenario, func(t *testing.T) {
			env := testcluster.Up(t, tc.scenario)
			w, p := newWorld(t, env), newProgram(t, env)
			args := append([]string{tc.playbook}, tc.sets...)
			if tc.playbook != "emergency" {
				args = append(args, "--set", "url="+env.AppURL)
			}
			time.Sleep(4 * time.Second) // measure the broken level
			broken := env.Window(t, 4*time.Second)
			if broken.Errors == 0 {
				t.Fatalf("nothing is broken: %+v", broken)
			}
			plan := planChangesNothing(t, w, p, args)
			before := w.fields("default")
			begin := time.Now()
			res := p.must(0, append([]string{"run", "--yes", "--reason", "test"}, args...)...)
			end := time.Now()
			if took := end.Sub(begin); took > tc.budget {
				t.Errorf("took %s, the budget is %s", took, tc.budget)
			}
			t.Logf("error share %.3f before; run took %s\n%s", broken.ErrorShare, res.took.Round(100*time.Millisecond), res.out)
			didWhatItSaid(t, plan, before, w.fields("default"))
			time.Sleep(3 * time.Second)
			if after := env.Window(t, 2*time.Second); after.Requests == 0 || after.Errors != 0 {
				t.Errorf("after the run: %+v", after)
			}
			nothingLost(t, env, broken.ErrorShare, begin)
		})
	}
}

type planView struct {
	Refused string
	Steps   []struct {
		Path, Decision, Effect string
		Preview                *preview
	}
}

func planChangesNothing(t *testing.T, w *world, p *program, args []string) planView {
	t.Helper()
	before := w.versions()
	var plan planView
	p.json(&plan, append([]string{"plan"}, args...)...)
	if diff := changedKeys(before, w.versions()); len(diff) > 0 {
		t.Errorf("the plan changed %v", diff)
	}
	if writes := w.writes("default"); len(writes) > 0 {
		t.Errorf("the plan wrote %v", writes)
	}
	if plan.Refused != "" {
		t.Fatalf("the plan is refused at %s", plan.Refused)
	}
	return plan
}

// didWhatItSaid holds the fields that the plan announced against the fields
// that changed: no more, no fewer, and with the announced values.
func didWhatItSaid(t *testing.T, plan planView, before, after map[string]any) {
	t.Helper()
	announced := map[string]change{}
	for _, s := range plan.Steps {
		if s.Preview == nil || s.Decision == "skip" {
			continue
		}
		for _, c := range s.Preview.Changes {
			object := c.Object
			if object == "" {
				object = s.Preview.Object
			}
			first, twice := announced[object+" "+c.Path]
			if twice {
				c.Before = first.Before
			}
			announced[object+" "+c.Path] = c
		}
	}
	for key, c := range announced {
		if jsonText(before[key]) != jsonText(c.Before) || jsonText(after[key]) != jsonText(c.After) {
			t.Errorf("announced %s: %v → %v, was %v → %v", key, c.Before, c.After, before[key], after[key])
		}
	}
	for key := range after {
		if _, ok := announced[key]; !ok && jsonText(before[key]) != jsonText(after[key]) {
			t.Errorf("not announced: %s: %v → %v", key, before[key], after[key])
		}
	}
	for key := range before {
		if _, ok := announced[key]; !ok && after[key] == nil && before[key] != nil {
			t.Errorf("not announced: %s: %v is gone", key, before[key])
		}
	}
}

// nothingLost checks that the switch itself cost nobody a request: the proxy
// never ran out of a ready pod, the good version never failed, and no window
// of three seconds was worse than before, beyond what chance explains.
func nothingLost(t *testing.T, env *testcluster.Env, broken float64, begin time.Time) {
	t.Helper()
	var doc struct {
		Versions map[string]testcluster.Load `json:"versions"`
	}
	resp, err := http.Get(env.LoadURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if err := json.NewDecoder(resp.Body).Decode(&doc); err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"none", "1.4.2"} {
		if l := doc.Versions[version]; l.Errors > 0 {
			t.Errorf("version %s: %d of %d requests failed", version, l.Errors, l.Requests)
		}
	}
	series := env.Series(t)
	const width = 6 // buckets of half a second
	for i := 0; i+width <= len(series); i++ {
		if series[i].T.Before(begin) {
			continue
		}
		var l testcluster.Load
		for _, b := range series[i : i+width] {
			l.Requests, l.Errors = l.Requests+b.Requests, l.Errors+b.Errors
		}
		n := float64(l.Requests)
		// Both levels are samples of a random failure: four standard deviations.
		slack := 4 * math.Sqrt(broken*(1-broken)*(1/n+1/240.0))
		if share := float64(l.Errors) / n; share > broken+slack {
			t.Errorf("error share %.3f at %s, it was %.3f before the run", share, series[i].T, broken)
		}
	}
}
