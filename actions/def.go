package actions

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"sync"

	"github.com/runbackhq/runback/schema"
)

// Effect says what an action does to the world.
type Effect uint8

// Observe changes nothing and may be repeated at will. Change can be undone or
// converges. Destroy loses something: pods, data, capacity.
const (
	Observe Effect = iota
	Change
	Destroy
)

// String names the effect as the catalogue shows it.
func (e Effect) String() string { return [...]string{"observe", "change", "destroy"}[e] }

// Def defines an action in the types of its inputs, its prepared state and its
// outputs. The types are plain structs with json and doc tags; from them come
// decoding, JSON Schema, the catalogue and the types of expressions. State and
// outputs are journaled as JSON.
type Def[In, State, Out any] struct {
	Name    string // family.verb
	Summary string // one sentence
	Effect  Effect

	// Prepare resolves what is relative and captures what was there. It must
	// not change anything. Nil means that there is nothing to resolve.
	Prepare func(context.Context, *Call, In) (State, error)
	// Preview says what Run would do. Nil is allowed for Observe only: then a
	// plan runs the action for real, because looking changes nothing. An
	// Observe that waits has a Preview, so that a plan does not.
	Preview func(context.Context, *Call, In, State) (Preview, error)
	// Run acts. It may be called again with the same state after Probe said
	// NotApplied.
	Run func(context.Context, *Call, In, State) (Out, error)
	// Probe says whether Run took effect, and gives the outputs as they are
	// now. Nil means that an interrupted Change is in doubt. With an error the
	// verdict is Unknown, but for Partial, Foreign, and InFlight with AtWork.
	Probe func(context.Context, *Call, In, State) (Verdict, Out, error)
	// Undo gives the inverse steps. Nil means that it cannot be undone;
	// NoUndo says why. It refuses where this one cannot be.
	Undo   func(In, State, Out) ([]Step, error)
	NoUndo string
	// Differs gives the fields that Run wrote and that hold something else by
	// now, Before being what Run wrote and After what is there. A step is
	// undone only where nothing differs. Nil means that Probe is asked.
	Differs func(context.Context, *Call, In, State) ([]FieldChange, error)
	// Owes gives what the step leaves to be put right later, and Settles the
	// keys of the obligations that it puts right; both of what Run would change,
	// so nothing when there is nothing to change. Nil means none.
	Owes    func(In, State) []Obligation
	Settles func(In, State) []string

	// Tell gives the outputs in one line for people. Nil leaves it to the
	// screen to list them.
	Tell func(Out) string

	Examples []Example
}

// Example is a step as a user would write it. A test compiles each of them.
type Example struct {
	Title string `json:"title"`
	YAML  string `json:"yaml"` // the step, without the leading dash
}

// Step is a step of the language, given by Undo.
type Step struct {
	Name string         `json:"name,omitempty"`
	Uses string         `json:"uses"`
	With map[string]any `json:"with,omitempty"`
}

// Spec is what can be known of an action without running it.
type Spec struct {
	Name     string
	Summary  string
	Effect   Effect
	Previews bool   // whether a plan asks it what it would do; otherwise, as an Observe, it looks for real
	Probes   bool   // whether it can say after a crash what happened
	Undoes   bool   // whether it can give its inverse
	NoUndo   string // why not
	Examples []Example

	in, out func() *schema.Type
}

// In is the type of the inputs. It is made when it is first asked for, as is
// that of the outputs: a run needs those of a few actions, not of all.
func (s Spec) In() *schema.Type { return s.in() }

// Out is the type of the outputs.
func (s Spec) Out() *schema.Type { return s.out() }

// MarshalJSON implements json.Marshaler.
func (s Spec) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Name     string       `json:"name"`
		Summary  string       `json:"summary"`
		Effect   string       `json:"effect"`
		Previews bool         `json:"previews"`
		Probes   bool         `json:"probes"`
		Undoes   bool         `json:"undoes"`
		NoUndo   string       `json:"no_undo,omitempty"`
		Examples []Example    `json:"examples"`
		Inputs   *schema.Type `json:"inputs"`
		Outputs  *schema.Type `json:"outputs"`
	}{s.Name, s.Summary, s.Effect.String(), s.Previews, s.Probes, s.Undoes, s.NoUndo, s.Examples, s.in(), s.out()})
}

// Action is a Def with its types erased: inputs decoded by Decode, state and
// outputs as JSON. It is what the executor sees.
type Action struct {
	Spec    Spec
	Decode  func(schema.Tree) (any, schema.Diagnostics)
	Prepare func(ctx context.Context, c *Call, in any) (json.RawMessage, error)
	Preview func(ctx context.Context, c *Call, in any, state json.RawMessage) (Preview, error)
	Run     func(ctx context.Context, c *Call, in any, state json.RawMessage) (Outputs, error)
	Probe   func(ctx context.Context, c *Call, in any, state json.RawMessage) (Verdict, Outputs, error) // nil if the Def has none
	Undo    func(in any, state json.RawMessage, out Outputs) ([]Step, error)                            // nil if the Def has none
	Tell    func(Outputs) string                                                                        // nil if the Def has none
	Differs func(ctx context.Context, c *Call, in any, state json.RawMessage) ([]FieldChange, error)    // nil if the Def has none
	Owes    func(in any, state json.RawMessage) (owes []Obligation, settles []string, err error)
}

// Told gives outputs in one line for people, or "".
func (a Action) Told(out Outputs) string {
	if a.Tell == nil || out == nil {
		return ""
	}
	return a.Tell(out)
}

// Outputs are the outputs of a step: a JSON object with whole numbers as int.
type Outputs map[string]any

// Define erases the types of a definition. It panics on a definition that no
// run could make right: the mistake is the programmer's and shows in the first
// test that lists the catalogue.
func Define[In, State, Out any](d Def[In, State, Out]) Action {
	if d.Run == nil || d.Name == "" || (d.Preview == nil && d.Effect != Observe) {
		panic(fmt.Sprintf("actions: %q needs a name, Run, and a Preview unless it only observes", d.Name))
	}
	a := Action{
		Spec: Spec{
			Name: d.Name, Summary: d.Summary, Effect: d.Effect, Examples: d.Examples,
			in:       sync.OnceValue(func() *schema.Type { return schema.TypeOf(reflect.TypeFor[In]()) }),
			out:      sync.OnceValue(func() *schema.Type { return schema.TypeOf(reflect.TypeFor[Out]()) }),
			Previews: d.Preview != nil, Probes: d.Probe != nil, Undoes: d.Undo != nil, NoUndo: d.NoUndo,
		},
		Decode: func(t schema.Tree) (any, schema.Diagnostics) {
			var in In
			found := schema.Decode(t, &in)
			return in, found
		},
		Prepare: d.prepare,
		Preview: d.preview,
		Run:     d.run,
		Owes:    d.owes,
	}
	if d.Differs != nil {
		a.Differs = d.differs
	}
	if d.Probe != nil {
		a.Probe = d.probe
	}
	if d.Undo != nil {
		a.Undo = d.undo
	}
	if d.Tell != nil {
		a.Tell = d.tell
	}
	return a
}
