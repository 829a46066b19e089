package actions

// Obligation is something that a step leaves behind and that must be put right
// before the incident is over: a suspended controller, a paused rollout, an old
// database that was kept. A run that leaves one open ends as mitigated.
type Obligation struct {
	// Key names it, so that another step can settle it: "suspended
	// applications.argoproj.io/shop". The same thing has the same key in every
	// run.
	Key string `json:"key"`
	// What says in words what is not as it should be.
	What string `json:"what"`
	// Until says when it may be put right: "Git holds the version that runs".
	Until string `json:"until,omitempty"`
	// Instead says what puts it right where undoing the step does not: a step of
	// the language, or a command.
	Instead string `json:"instead,omitempty"`
}
