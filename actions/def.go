package actions

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"

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
	// now. Nil means that an interrupted Change is in doubt.
	Probe func(context.Context, *Call, In, State) (Verdict, Out, error)
	// Undo gives the inverse steps. Nil means that it cannot be undone;
	// NoUndo says why.
	Undo   func(In, State, Out) ([]Step, error)
	NoUndo string

	// Tell gives the outputs in one line for people. Nil leaves it to the
	// screen to list them.
	Tell func(Out) string

	Examples []Example
}

// Example is a step as a user would write it. A test compiles each of them.
type Example struct {
	Title string
	YAML  string // the step, without the leading dash
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
	In, Out  *schema.Type
	Previews bool   // whether a plan asks it what it would do; otherwise, as an Observe, it looks for real
	Probes   bool   // whether it can say after a crash what happened
	Undoes   bool   // whether it can give its inverse
	NoUndo   string // why not
	Examples []Example
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
			In: schema.TypeOf(reflect.TypeFor[In]()), Out: schema.TypeOf(reflect.TypeFor[Out]()),
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

func (d Def[In, State, Out]) prepare(ctx context.Context, c *Call, in any) (json.RawMessage, error) {
	if d.Prepare == nil {
		return json.RawMessage("null"), nil
	}
	st, err := d.Prepare(ctx, c, in.(In))
	if err != nil {
		return nil, err
	}
	return json.Marshal(st)
}

func (d Def[In, State, Out]) preview(ctx context.Context, c *Call, in any, state json.RawMessage) (Preview, error) {
	if d.Preview == nil {
		return Preview{Label: Exact, Summary: "reads only"}, nil
	}
	st, err := unpack[State](state)
	if err != nil {
		return Preview{}, err
	}
	return d.Preview(ctx, c, in.(In), st)
}

func (d Def[In, State, Out]) run(ctx context.Context, c *Call, in any, state json.RawMessage) (Outputs, error) {
	st, err := unpack[State](state)
	if err != nil {
		return nil, err
	}
	out, err := d.Run(ctx, c, in.(In), st)
	if err != nil {
		return nil, err
	}
	return pack(out)
}

func (d Def[In, State, Out]) probe(ctx context.Context, c *Call, in any, state json.RawMessage) (Verdict, Outputs, error) {
	st, err := unpack[State](state)
	if err != nil {
		return Unknown, nil, err
	}
	v, out, err := d.Probe(ctx, c, in.(In), st)
	if err != nil {
		return Unknown, nil, err
	}
	packed, err := pack(out)
	return v, packed, err
}

func (d Def[In, State, Out]) undo(in any, state json.RawMessage, out Outputs) ([]Step, error) {
	st, err := unpack[State](state)
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(out)
	if err != nil {
		return nil, err
	}
	typed, err := unpack[Out](raw)
	if err != nil {
		return nil, err
	}
	return d.Undo(in.(In), st, typed)
}

// tell is for people only: outputs that cannot be read are not told.
func (d Def[In, State, Out]) tell(out Outputs) string {
	raw, err := json.Marshal(out)
	if err != nil {
		return ""
	}
	typed, err := unpack[Out](raw)
	if err != nil {
		return ""
	}
	return d.Tell(typed)
}

func unpack[T any](raw json.RawMessage) (T, error) {
	var v T
	if len(raw) == 0 {
		return v, nil
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, fmt.Errorf("recorded value of %T cannot be read: %w", v, err)
	}
	return v, nil
}

func pack(v any) (Outputs, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return DecodeOutputs(b)
}
