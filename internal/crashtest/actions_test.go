package crashtest

import (
	"context"
	"net/http/httptrace"
	"net/textproto"
	"slices"

	"github.com/runbackhq/runback/actions"
)

// family is the actions that act on the ledger:
//
//	ledger.get       looks
//	ledger.set       a compare-and-set of an absolute value, with a receipt
//	ledger.raise     the same of a relative one: Prepare makes it absolute
//	ledger.push      adds, whatever is there; only its receipt tells that it did
//	ledger.add_once  adds, and nothing can tell afterwards: at most once
type family struct {
	client *client
	hit    func(point string)
	begins func() // tells that an effect begins
}

type getIn struct {
	Name string `json:"name" doc:"what to look at"`
}

type getOut struct {
	Value *int `json:"value" doc:"as it is; unknown when there is none"`
}

type setIn struct {
	Name  string `json:"name" doc:"what to set"`
	Value int    `json:"value" doc:"wanted, or by how much"`
}

type setState struct {
	Before  int    `json:"before"`
	After   int    `json:"after"`
	Receipt string `json:"receipt"`
}

type setOut struct {
	Value int `json:"value" doc:"as it is now"`
}

func (f family) registry() (actions.Registry, error) {
	set := actions.Def[setIn, setState, setOut]{Name: "ledger.set", Effect: actions.Change, Prepare: f.absolute, Preview: preview, Run: f.set, Probe: f.probeSet,
		Undo: func(in setIn, st setState, _ setOut) ([]actions.Step, error) {
			return []actions.Step{{Uses: "ledger.set", With: map[string]any{"name": in.Name, "value": st.Before}}}, nil
		}}
	raise, push := set, set
	raise.Name, raise.Prepare = "ledger.raise", f.relative
	push.Name, push.Prepare, push.Run, push.Probe, push.Undo, push.NoUndo = "ledger.push", f.relative, f.push, f.probePush, nil, "it is a log"
	once := push
	once.Name, once.Probe = "ledger.add_once", nil
	return actions.NewRegistry([]actions.Action{
		f.watched(actions.Define(set)), f.watched(actions.Define(raise)), f.watched(actions.Define(push)), f.watched(actions.Define(once)),
		f.watched(actions.Define(actions.Def[getIn, struct{}, getOut]{Name: "ledger.get", Run: f.get})),
	})
}

func (f family) ask(ctx context.Context, q ask) (answer, error) {
	// The ledger says with an early status that a write landed, or that it is
	// on its way; the reply comes after it.
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: func(code int, _ textproto.MIMEHeader) error {
		f.hit(map[int]string{102: "effect in flight", 103: "effect landed"}[code])
		return nil
	}})
	var a answer
	err := f.client.post(ctx, "/ask", q, &a)
	return a, err
}

func (f family) get(ctx context.Context, c *actions.Call, in getIn, _ struct{}) (getOut, error) {
	a, err := f.ask(ctx, ask{Key: c.Key, Name: in.Name, Op: "get"})
	if err != nil || !a.Exists {
		return getOut{}, err
	}
	return getOut{&a.Value}, nil
}

func (f family) absolute(ctx context.Context, c *actions.Call, in setIn) (setState, error) {
	a, err := f.ask(ctx, ask{Key: c.Key, Name: in.Name, Op: "get"})
	return setState{a.Value, in.Value, a.Receipt}, err
}

func (f family) relative(ctx context.Context, c *actions.Call, in setIn) (setState, error) {
	a, err := f.ask(ctx, ask{Key: c.Key, Name: in.Name, Op: "get"})
	return setState{a.Value, a.Value + in.Value, a.Receipt}, err
}

func preview(_ context.Context, _ *actions.Call, in setIn, st setState) (actions.Preview, error) {
	p := actions.Preview{Label: actions.Exact, Object: in.Name, Sets: []actions.FieldValue{{Path: "value", Value: st.After}}}
	if st.Before != st.After {
		p.Changes = []actions.FieldChange{{Path: "value", Before: st.Before, After: st.After}}
	}
	return p, nil
}

func (f family) set(ctx context.Context, c *actions.Call, in setIn, st setState) (setOut, error) {
	if st.Before == st.After {
		return setOut{st.After}, nil
	}
	a, err := f.ask(ctx, ask{c.Key, in.Name, "set", st.Before, st.After})
	if err == nil && a.Moved && (a.Receipt != c.Key || a.Value != st.After) {
		err = actions.Conflict("", "%s is %d, expected %d", in.Name, a.Value, st.Before)
	}
	return setOut{a.Value}, err
}

func (f family) probeSet(ctx context.Context, c *actions.Call, in setIn, st setState) (actions.Verdict, setOut, error) {
	a, err := f.ask(ctx, ask{Key: c.Key, Name: in.Name, Op: "get"})
	if err != nil {
		return actions.Unknown, setOut{}, err
	}
	switch {
	case st.Receipt != c.Key && a.Receipt == c.Key && a.Value == st.After, a.Value == st.After && st.Before == st.After:
		return actions.Applied, setOut{a.Value}, nil
	case a.Value == st.Before && a.Receipt == st.Receipt:
		return actions.NotApplied, setOut{a.Value}, nil
	default:
		return actions.Foreign, setOut{a.Value}, nil
	}
}

func (f family) push(ctx context.Context, c *actions.Call, in setIn, _ setState) (setOut, error) {
	a, err := f.ask(ctx, ask{Key: c.Key, Name: in.Name, Op: "push", Value: in.Value})
	return setOut{a.Value}, err
}

func (f family) probePush(ctx context.Context, c *actions.Call, in setIn, _ setState) (actions.Verdict, setOut, error) {
	a, err := f.ask(ctx, ask{Key: c.Key, Name: in.Name, Op: "get"})
	switch {
	case err != nil:
		return actions.Unknown, setOut{}, err
	case slices.Contains(a.Pushed, c.Key):
		return actions.Applied, setOut{a.Value}, nil
	default:
		return actions.NotApplied, setOut{a.Value}, nil
	}
}
