package actions

import (
	"strconv"
	"strings"
)

// Label says how much a preview knows.
type Label string

// Exact: the system itself said so (a server-side dry run, a terraform plan).
// Predicted: we computed it. Opaque: it cannot be known before it is done.
const (
	Exact     Label = "EXACT"
	Predicted Label = "PREDICTED"
	Opaque    Label = "OPAQUE"
)

// Preview says what a step would do. It is shown to people, saved in plans and
// journaled before the step runs, so it holds plain facts and no secrets.
type Preview struct {
	Label   Label         `json:"label"`
	Summary string        `json:"summary"`           // the effect in one line: "replicas 2 → 5"
	Object  string        `json:"object,omitempty"`  // what is touched: "deployment/app-stable"
	Changes []FieldChange `json:"changes,omitempty"` // field by field; empty means that nothing would change
	Sets    []FieldValue  `json:"sets,omitempty"`    // single fields that are enforced, also those that are so already; a plan chains steps by them
	Notes   []string      `json:"notes,omitempty"`   // consequences: "3 pods end, grace 10s"
	Assumes []string      `json:"assumes,omitempty"` // what must hold for the preview to be right
	// Acts says that a person acts while an observation waits: what is seen after
	// it may be something else than what is seen now.
	Acts bool `json:"acts,omitempty"`
	// Adversaries may change back what the step changes.
	Adversaries []Adversary `json:"adversaries,omitempty"`
}

// FieldValue is one field that an action enforces. Value is nil when the field
// shall be absent.
type FieldValue struct {
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// FieldChange is one field before and after. Before or After is nil when the
// field is absent.
type FieldChange struct {
	Object string `json:"object,omitempty"` // when it is not the preview's object
	Path   string `json:"path"`             // spec.replicas, spec.selector.version
	Before any    `json:"before"`
	After  any    `json:"after"`
}

// Quoted gives an argument list so that it can be seen where one argument ends.
func Quoted(args []string) string {
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = strconv.Quote(a)
	}
	return strings.Join(out, " ")
}
