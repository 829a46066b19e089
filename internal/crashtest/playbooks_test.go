package crashtest

import "fmt"

// playbook is one that is disturbed, and the trouble that its ledger has in
// store for it besides.
type playbook struct {
	name    string
	spec    string
	trouble func(*ledger)
	timed   bool // its time runs out: how far it gets is not the same each time
	doubt   bool // it is in doubt even when nobody disturbs it
}

func (p playbook) text() string {
	return fmt.Sprintf("apiVersion: runback/v1\nkind: Playbook\nmetadata: {name: %s, version: 1.0.0}\nspec:\n%s", p.name, p.spec)
}

func playbookNamed(name string) playbook {
	for _, p := range playbooks {
		if p.name == name {
			return p
		}
	}
	panic("no playbook " + name)
}

// playbooks use, together, every feature of the language.
var playbooks = []playbook{
	{name: "straight", spec: `  budget: 5m
  steps:
    - {id: a, uses: ledger.set, with: {name: a, value: 1}}
    - {id: b, uses: ledger.push, with: {name: b, value: 2}}
    - {id: c, uses: ledger.raise, with: {name: c, value: 3}}
    - {id: d, uses: ledger.get, with: {name: c}, expect: outputs.value == 13}
`, trouble: func(l *ledger) { l.values["c"] = 10 }},

	{name: "guards", spec: `  budget: 5m
  inputs: {n: {type: int, default: 4}}
  steps:
    - {id: look, uses: ledger.get, with: {name: seed}}
    - {id: no, uses: ledger.push, with: {name: never, value: 1}, when: steps.look.outputs.value == 99}
    - {id: yes, uses: ledger.raise, with: {name: yes, value: "${{ inputs.n + steps.look.outputs.value }}"}, when: steps.look.outputs.value == 7}
    - {id: once_more, uses: ledger.raise, with: {name: seed, value: 1}, when: steps.look.outputs.value == 7, expect: [{that: outputs.value == 8, message: not eight}]}
    - {id: flips, uses: ledger.push, with: {name: flips, value: 1}, when: steps.no.status == "skipped"}
`, trouble: func(l *ledger) { l.values["seed"] = 7 }},

	{name: "retry", spec: `  budget: 5m
  steps:
    - {id: a, uses: ledger.set, with: {name: a, value: 1}, retry: {attempts: 4, delay: 1ms}}
    - {id: b, uses: ledger.push, with: {name: b, value: 1}, retry: {attempts: 4, delay: 1ms, backoff: 1}}
    - {id: c, uses: ledger.raise, with: {name: c, value: 5}, retry: {attempts: 4, delay: 1ms}}
`, trouble: func(l *ledger) { l.fails["a"], l.fails["b"] = 2, 1 }},

	{name: "lost-replies", spec: `  budget: 5m
  steps:
    - {id: a, uses: ledger.set, with: {name: a, value: 1}}
    - {id: b, uses: ledger.push, with: {name: b, value: 1}, retry: {attempts: 4, delay: 1ms}}
    - {id: c, uses: ledger.raise, with: {name: c, value: 5}, retry: {attempts: 4, delay: 1ms}}
`, trouble: func(l *ledger) { l.lost["a"], l.lost["b"], l.lost["c"] = 1, 1, 1 }},

	{name: "no-answer", spec: `  budget: 5m
  steps:
    - {id: a, uses: ledger.get, with: {name: seed}}
    - {id: b, uses: ledger.push, with: {name: b, value: 1}, timeout: 1m}
    - {id: c, uses: ledger.set, with: {name: c, value: 5}}
`, trouble: func(l *ledger) { l.values["seed"], l.down["seed"], l.down["b"], l.down["c"] = 1, 3, 2, 1 }},

	{name: "once", spec: `  budget: 5m
  steps:
    - {id: a, uses: ledger.set, with: {name: a, value: 1}}
    - {id: b, uses: ledger.add_once, with: {name: b, value: 1}}
    - {id: c, uses: ledger.push, with: {name: c, value: 5}}
  finally:
    - {id: d, uses: ledger.raise, with: {name: d, value: 1}}
`},

	{name: "blocks", spec: `  budget: 5m
  steps:
    - {id: skipped, when: false, steps: [{id: no, uses: ledger.push, with: {name: never, value: 1}}]}
    - id: outer
      budget: 4m
      steps:
        - {id: a, uses: ledger.push, with: {name: a, value: 1}}
        - id: inner
          steps:
            - {id: breaks, uses: ledger.push, with: {name: broken, value: 1}}
          finally:
            - {id: b, uses: ledger.raise, with: {name: b, value: 1}}
      rescue:
        - {id: c, uses: ledger.push, with: {name: c, value: 1}, when: steps.a.status == "succeeded"}
      finally:
        - {id: d, uses: ledger.set, with: {name: d, value: 1}}
    - {id: e, uses: ledger.push, with: {name: e, value: 1}}
`, trouble: func(l *ledger) { l.fails["broken"] = 1000 }},

	{name: "goes-on", spec: `  budget: 5m
  finally_budget: 30s
  steps:
    - {id: a, uses: ledger.push, with: {name: a, value: 1}, on_failure: continue, retry: {attempts: 2, delay: 1ms}}
    - {id: b, uses: ledger.push, with: {name: b, value: 1}, when: steps.a.status == "failed"}
  rescue:
    - {id: no, uses: ledger.push, with: {name: never, value: 1}}
  finally:
    - {id: c, uses: ledger.raise, with: {name: c, value: 1}}
`, trouble: func(l *ledger) { l.fails["a"] = 1000 }},

	{name: "verify", spec: `  budget: 5m
  steps:
    - {id: a, uses: ledger.raise, with: {name: a, value: 1}, verify: {until: outputs.value == 1, every: 1ms, for: 2ms, within: 1m}}
    - {id: b, uses: ledger.get, with: {name: seed}, verify: {until: outputs.value == 7, every: 1ms, within: 1m}}
    - {id: c, uses: ledger.push, with: {name: c, value: 1}, expect: outputs.value == 1}
`, trouble: func(l *ledger) { l.values["seed"], l.ready["seed"] = 7, 3 }},

	{name: "relative", spec: `  budget: 5m
  steps:
    - {id: a, uses: ledger.raise, with: {name: n, value: 1}}
    - {id: b, uses: ledger.raise, with: {name: n, value: "${{ steps.a.outputs.value + 1 }}"}}
    - {id: c, uses: ledger.push, with: {name: n, value: "${{ steps.b.outputs.value }}"}}
    - {id: d, uses: ledger.raise, with: {name: n, value: 100}}
`, trouble: func(l *ledger) { l.values["n"] = 10 }},

	{name: "compare-and-set", spec: `  budget: 5m
  steps:
    - {id: a, uses: ledger.set, with: {name: a, value: 1}, when: run.elapsed < duration("30m")}
    - {id: b, uses: ledger.raise, with: {name: b, value: 1}, timeout: 1m, when: run.elapsed < duration("30m")}
    - {id: c, uses: ledger.raise, with: {name: a, value: 1}}
    - {id: d, uses: ledger.raise, with: {name: b, value: 1}, verify: {until: outputs.value == 2, every: 1ms, within: 1m}}
  finally:
    - {id: e, uses: ledger.raise, with: {name: a, value: 1}}
`},

	{name: "fails", spec: `  budget: 5m
  steps:
    - {id: a, uses: ledger.push, with: {name: a, value: 1}}
    - {id: b, uses: ledger.set, with: {name: broken, value: 1}}
    - {id: no, uses: ledger.push, with: {name: never, value: 1}}
  rescue:
    - {id: r, uses: ledger.raise, with: {name: r, value: 1}}
    - {id: unknown, uses: ledger.push, with: {name: never, value: 1}, when: steps.no.outputs.value == 1}
  finally:
    - {id: f, uses: ledger.push, with: {name: f, value: 1}}
`, trouble: func(l *ledger) { l.fails["broken"] = 1000 }},

	{name: "refused", spec: `  budget: 5m
  steps:
    - {id: a, uses: ledger.get, with: {name: seed}}
    - {id: b, uses: ledger.push, with: {name: b, value: 1}}
    - {id: c, uses: ledger.get, with: {name: b}, expect: [{that: outputs.value == 99, message: it is not 99}]}
    - {id: no, uses: ledger.push, with: {name: never, value: 1}}
  finally:
    - {id: f, uses: ledger.push, with: {name: f, value: 1}}
`},

	{name: "doubt", doubt: true, spec: `  budget: 5m
  steps:
    - id: outer
      steps:
        - {id: a, uses: ledger.push, with: {name: a, value: 1}}
        - {id: b, uses: ledger.add_once, with: {name: b, value: 1}, retry: {attempts: 3, delay: 1ms}}
      finally:
        - {id: c, uses: ledger.push, with: {name: c, value: 1}}
    - {id: d, uses: ledger.raise, with: {name: d, value: 1}}
`, trouble: func(l *ledger) { l.lost["b"] = 1 }},

	{name: "budget", timed: true, spec: `  budget: 5m
  steps:
    - {id: a, uses: ledger.push, with: {name: a, value: 1}}
    - id: short
      budget: 60ms
      steps:
        - {id: b, uses: ledger.raise, with: {name: b, value: 1}}
        - {id: waits, uses: ledger.get, with: {name: never}, verify: {until: outputs.value == 1, every: 5ms, within: 1m}}
      finally:
        - {id: c, uses: ledger.push, with: {name: c, value: 1}}
    - {id: no, uses: ledger.push, with: {name: never, value: 1}}
  finally:
    - {id: d, uses: ledger.push, with: {name: d, value: 1}}
`},
}
