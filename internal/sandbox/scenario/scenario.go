package scenario

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Scenario is a state a release can be in.
type Scenario struct {
	Name string
	// Broken says in one sentence what is wrong; empty if nothing is.
	Broken string
	// ErrorShare is the share of failing requests once the scenario stands.
	ErrorShare float64
	// Fix are commands that a person would use to get out of it.
	Fix []string

	steps func(*Deployer) []Step
}

// Step is one thing a release does.
type Step struct {
	Title string
	Do    func(context.Context) error
}

// All lists the scenarios, the healthy one first.
func All() []Scenario {
	return []Scenario{healthy(), blueGreen(), canary(), rolling(), direct()}
}

// Names lists the names of the scenarios.
func Names() []string {
	var names []string
	for _, s := range All() {
		names = append(names, s.Name)
	}
	return names
}

// Find returns the scenario of a name.
func Find(name string) (Scenario, error) {
	all := All()
	i := slices.IndexFunc(all, func(s Scenario) bool { return s.Name == name })
	if i < 0 {
		return Scenario{}, fmt.Errorf("unknown scenario %q: want one of %s", name, strings.Join(Names(), ", "))
	}
	return all[i], nil
}

// Steps are what d has to do to get there.
func (s Scenario) Steps(d *Deployer) []Step { return s.steps(d) }

func healthy() Scenario {
	return Scenario{
		Name: "healthy",
		Fix:  []string{"kubectl get deployments,pods", "kubectl set image deployment/app-stable app=myapp:1.5.0-errors"},
		steps: func(d *Deployer) []Step {
			return []Step{d.entry(), d.deployGood(3)}
		},
	}
}

func blueGreen() Scenario {
	return Scenario{
		Name:       "blue-green",
		Broken:     "traffic was switched to the new colour (app-canary, 1.5.0-errors), which fails 40 % of all requests",
		ErrorShare: 0.4,
		Fix:        []string{`kubectl patch service app-service -p '{"spec":{"selector":{"version":"stable"}}}'`},
		steps: func(d *Deployer) []Step {
			return []Step{
				d.entry(),
				d.deployGood(3),
				d.deploy(Canary, "canary", "myapp:1.5.0-errors", 3),
				d.switchService("canary"),
			}
		},
	}
}

func canary() Scenario {
	return Scenario{
		Name:       "canary",
		Broken:     "25 % of the traffic goes to app-canary (1.5.0-errors), which fails 40 % of it",
		ErrorShare: 0.1,
		Fix: []string{
			`kubectl patch httproute app-route --type=json -p '[{"op":"replace","path":"/spec/rules/0/backendRefs/0/weight","value":100},{"op":"replace","path":"/spec/rules/0/backendRefs/1/weight","value":0}]'`,
			"kubectl scale deployment app-canary --replicas=0",
		},
		steps: func(d *Deployer) []Step {
			return []Step{
				d.entry(),
				d.deployGood(4),
				d.shareTraffic(100, 0),
				d.deploy(Canary, "canary", "myapp:1.5.0-errors", 2),
				d.shareTraffic(75, 25),
			}
		},
	}
}

func rolling() Scenario {
	return Scenario{
		Name:       "rolling",
		Broken:     "the roll-out of 1.5.0-shards stopped half-way: 2 new pods fail 40 % of their requests, a third never becomes ready, 2 old pods are left",
		ErrorShare: 0.2,
		Fix:        []string{"kubectl rollout undo deployment/app-stable"},
		steps: func(d *Deployer) []Step {
			return []Step{
				d.entry(),
				d.deployGood(4),
				d.rollUntilStuck(Stable, "stable", "myapp:1.5.0-shards", 4),
			}
		},
	}
}

func direct() Scenario {
	return Scenario{
		Name:       "direct",
		Broken:     "app-stable was rolled out fully to 1.5.0-errors, which fails 40 % of all requests",
		ErrorShare: 0.4,
		Fix:        []string{"kubectl rollout undo deployment/app-stable"},
		steps: func(d *Deployer) []Step {
			return []Step{
				d.entry(),
				d.deployGood(4),
				d.deploy(Stable, "stable", "myapp:1.5.0-errors", 4),
			}
		},
	}
}
