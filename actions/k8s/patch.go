package k8s

import (
	"context"
	"fmt"

	"github.com/runbackhq/runback/actions"
)

type patchIn struct {
	Kind    string         `json:"kind" doc:"kind of the object"`
	Name    string         `json:"name" doc:"name of the object"`
	Merge   any            `json:"merge,omitempty" doc:"fields to set, nested as in the object; null removes a field, a map is added to and never replaced"`
	JSON    []patchOp      `json:"json,omitempty" doc:"JSON patch operations: add, replace, remove, test"`
	Replace map[string]any `json:"replace,omitempty" doc:"whole values by path, as in spec.selector; what was in there before is gone"`
}

type patchOp struct {
	Op    string `json:"op" enum:"add|replace|remove|test" doc:"what to do; a test that does not hold refuses the whole step"`
	Path  string `json:"path" doc:"JSON pointer to the field, as in /spec/replicas"`
	Value any    `json:"value,omitempty" doc:"value to set or to test for; none tests for an absent field"`
}

type patchOut struct {
	Changed         bool     `json:"changed" doc:"whether something was changed"`
	ResourceVersion string   `json:"resource_version" doc:"version of the object after it"`
	Changes         []change `json:"changes" doc:"fields that were changed"`
}

type change struct {
	Path   string `json:"path" doc:"path of the field"`
	Before any    `json:"before" doc:"value before; none when the field was absent"`
	After  any    `json:"after" doc:"value after; none when the field is gone"`
}

type patch struct{ family }

func patchAction(f family) actions.Action {
	a := patch{f}
	return actions.Define(actions.Def[patchIn, write, patchOut]{
		Name:    "k8s.patch",
		Summary: "Set fields of an object, only if they are as they were when it was looked at.",
		Effect:  actions.Change,
		Prepare: a.prepare, Preview: a.preview, Run: a.run, Probe: a.probe, Undo: a.undo,
		Differs: differs[patchIn, write](f),
		Examples: []actions.Example{
			{Title: "Send the traffic of a Service to the stable version",
				YAML: "uses: k8s.patch\nwith:\n  kind: service\n  name: app-service\n  replace: {spec.selector: {app: myapp, version: stable}}"},
			{Title: "Set an annotation", YAML: "uses: k8s.patch\nwith:\n  kind: deployment\n  name: app\n  merge: {metadata: {annotations: {example.com/incident: \"42\"}}}"},
		},
	})
}

func (a patch) prepare(ctx context.Context, c *actions.Call, in patchIn) (write, error) {
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return write{}, err
	}
	k, err := cl.kindOf(ctx, in.Kind)
	if err != nil {
		return write{}, err
	}
	if k.is(secrets) {
		return write{}, noSecrets("patched")
	}
	obj, err := cl.must(ctx, k, in.Name)
	if err != nil {
		return write{}, err
	}
	edits, guards, err := in.edits(obj.Object)
	if err != nil {
		return write{}, err
	}
	w := newWrite(k, obj, edits, guards...)
	if err := cl.checkSelector(ctx, w, obj); err != nil {
		return write{}, err
	}
	return cl.settle(ctx, c, w, obj)
}

// settle replaces the wanted values by what the API server makes of them: it
// writes 0.5 of a CPU as 500m, and a probe that looks for 0.5 would never find
// it. What cannot be dry-run is left as it is written.
func (cl *Cluster) settle(ctx context.Context, c *actions.Call, w write, live *object) (write, error) {
	if w.holds(live) {
		return w, nil
	}
	after, err := w.send(ctx, cl, live, c.Key, true)
	if dryRunForbidden(err) {
		return w, nil
	}
	if err != nil {
		return w, err
	}
	for i := range w.Edits {
		w.Edits[i].After = lookup(after.Object, w.Edits[i].Path)
	}
	return w, nil
}

func (a patch) preview(ctx context.Context, c *actions.Call, _ patchIn, w write) (actions.Preview, error) {
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return actions.Preview{}, err
	}
	p, err := w.preview(ctx, cl, c)
	if err != nil || len(p.Changes) == 0 {
		return p, err
	}
	notes, err := cl.selectorNotes(ctx, w)
	p.Notes = append(p.Notes, notes...)
	return p, err
}

func (a patch) run(ctx context.Context, c *actions.Call, _ patchIn, w write) (patchOut, error) {
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return patchOut{}, err
	}
	live, err := w.live(ctx, cl)
	if err != nil {
		return patchOut{}, err
	}
	if err := cl.checkSelector(ctx, w, live); err != nil {
		return patchOut{}, err
	}
	obj, changed, err := w.apply(ctx, cl, c)
	if err != nil {
		return patchOut{}, err
	}
	if err := cl.awaitSelector(ctx, c, w); err != nil {
		return patchOut{}, written(fmt.Errorf("patching %s: %w", w.object(), err))
	}
	return w.out(obj, changed), nil
}

func (a patch) probe(ctx context.Context, c *actions.Call, _ patchIn, w write) (actions.Verdict, patchOut, error) {
	cl, err := a.cluster(ctx, c)
	if err != nil {
		return actions.Unknown, patchOut{}, err
	}
	verdict, obj, err := w.probe(ctx, cl, c)
	return verdict, w.out(obj, verdict == actions.Applied), err
}

func (w write) out(obj *object, changed bool) patchOut {
	out := patchOut{Changed: changed, Changes: []change{}}
	if obj == nil {
		return out
	}
	out.ResourceVersion = obj.GetResourceVersion()
	for _, e := range w.Edits {
		if changed && !same(e.Before, e.After) {
			out.Changes = append(out.Changes, change{e.Path.show(obj.Object), e.Before, e.After})
		}
	}
	return out
}

func (a patch) undo(_ patchIn, w write, out patchOut) ([]actions.Step, error) {
	if !out.Changed {
		return nil, nil
	}
	return w.inverse("Put " + w.object() + " back"), nil
}
