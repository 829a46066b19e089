package actions

import (
	"context"
	"encoding/json"
	"fmt"
)

// The methods below take the types from a Def: what the executor sees is JSON.

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
		if v != Partial && v != Foreign && (v != InFlight || KindOf(err) != KindAtWork) {
			v = Unknown // nothing is done again, or taken for done, on an answer that came with an error
		}
		return v, nil, err
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

func (d Def[In, State, Out]) differs(ctx context.Context, c *Call, in any, state json.RawMessage) ([]FieldChange, error) {
	st, err := unpack[State](state)
	if err != nil {
		return nil, err
	}
	return d.Differs(ctx, c, in.(In), st)
}

func (d Def[In, State, Out]) owes(in any, state json.RawMessage) (owes []Obligation, settles []string, err error) {
	if d.Owes == nil && d.Settles == nil {
		return nil, nil, nil
	}
	st, err := unpack[State](state)
	if err != nil {
		return nil, nil, err
	}
	if d.Owes != nil {
		owes = d.Owes(in.(In), st)
	}
	if d.Settles != nil {
		settles = d.Settles(in.(In), st)
	}
	return owes, settles, nil
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
