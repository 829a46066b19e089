package executor

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/secret"
	"github.com/runbackhq/runback/schema"
)

// Vault reads the values of secrets.
type Vault interface {
	Secret(ctx context.Context, t actions.Target, s schema.SecretSource) (string, error)
}

func secretsType(sources map[string]schema.SecretSource) *schema.Type {
	t := &schema.Type{Kind: "object"}
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		t.Fields = append(t.Fields, schema.Field{Name: name, Type: &schema.Type{Kind: "string"}})
	}
	return t
}

// secrets lists where the secrets are that a program uses, those of the
// playbooks that it runs included.
func (p *Program) secrets() map[string]schema.SecretSource {
	out := maps.Clone(p.Playbook.Spec.Secrets)
	if out == nil {
		out = map[string]schema.SecretSource{}
	}
	p.Walk(func(n *Node, _ string, _ int) {
		if n.Call != nil {
			maps.Copy(out, n.Call.Program.Playbook.Spec.Secrets)
		}
	})
	return out
}

// book reads every secret of a program, before anything is done: one that is not
// there refuses the run while nothing was changed.
func (r *Runner) book(ctx context.Context, p *Program, run string, t actions.Target) (*secret.Book, error) {
	sources := p.secrets()
	if len(sources) == 0 {
		return nil, nil
	}
	if r.Vault == nil {
		return nil, fmt.Errorf("playbook %s needs secrets, and there is no way to read them", p.Playbook.Metadata.Name)
	}
	values := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		v, err := r.Vault.Secret(ctx, t, sources[name])
		if err != nil {
			return nil, fmt.Errorf("secret %s (%s): %w", name, sources[name], err)
		}
		values[name] = v
	}
	b, err := secret.NewBook(run, values)
	if err != nil {
		return nil, actions.Refuse("", "%w", err)
	}
	return b, nil
}

// revealed gives a tree with the secrets in place of their marks.
func revealed(t schema.Tree, b *secret.Book) schema.Tree {
	if b.Empty() {
		return t
	}
	switch t.Kind {
	case schema.String:
		if s, ok := t.Value.(string); ok {
			t.Value = b.Reveal(s)
		}
	case schema.List:
		t.Items = slices.Clone(t.Items)
		for i := range t.Items {
			t.Items[i] = revealed(t.Items[i], b)
		}
	case schema.Map:
		t.Pairs = slices.Clone(t.Pairs)
		for i := range t.Pairs {
			t.Pairs[i].Value = revealed(t.Pairs[i].Value, b)
		}
	default: // holds no text
	}
	return t
}

// hidden gives data as it may be recorded.
func hidden(b *secret.Book, data any) (any, error) {
	if b.Empty() {
		return data, nil
	}
	raw, err := json.Marshal(data)
	if err != nil {
		return nil, err
	}
	raw, err = b.HideJSON(raw)
	return json.RawMessage(raw), err
}
