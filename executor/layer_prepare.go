package executor

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/journal"
	"github.com/runbackhq/runback/internal/secret"
	"github.com/runbackhq/runback/schema"
)

// prepared resolves the inputs, lets the action make them absolute, and says
// what will happen. A step that was announced before a crash keeps what was
// prepared then: preparing again could resolve "the previous revision" to
// another one.
func (s *session) prepared(next stepFunc) stepFunc {
	return func(ctx context.Context, c *call) outcome {
		if c.pending {
			in, err := decodeRecorded(c.node, c.intent.In, s.secrets)
			if err != nil {
				return failed(err, c.node.Path)
			}
			c.in = in
			return next(ctx, c)
		}
		if ctx.Err() != nil {
			return failed(context.Cause(ctx), c.node.Path)
		}
		tree, err := s.resolved(c.node)
		if err != nil {
			return failed(err, c.node.Path)
		}
		in, found := c.node.Action.Decode(revealed(tree, s.secrets))
		if err := found.Err(); err != nil {
			return failed(actions.Invalid("", "%w", err), c.node.Path)
		}
		c.in = in
		if err := s.sameTarget(ctx, c.node); err != nil {
			return failed(actions.Cause(ctx, err), c.node.Path)
		}
		intent := &journal.Intent{Attempt: c.attempt}
		if intent.State, err = c.node.Action.Prepare(ctx, c.act, in); err != nil {
			return failed(actions.Cause(ctx, err), c.node.Path)
		}
		if c.node.Action.Spec.Effect != actions.Observe {
			if intent.Preview, err = c.node.Action.Preview(ctx, c.act, in, intent.State); err != nil {
				return failed(actions.Cause(ctx, err), c.node.Path)
			}
			if err := asReviewed(s.state.Started.Reviewed, c.node.Path, intent.Preview); err != nil {
				return failed(err, c.node.Path)
			}
			if intent.Owes, intent.Settles, err = c.node.Action.Owes(in, intent.State); err != nil {
				return failed(err, c.node.Path)
			}
			if intent.In, err = json.Marshal(tree.Plain()); err != nil {
				return failed(err, c.node.Path)
			}
		}
		c.intent = intent
		return next(ctx, c)
	}
}

func withTree(n *Node) schema.Tree {
	if n.Step.With.IsZero() {
		return schema.Tree{Pos: n.Step.Pos, Kind: schema.Map}
	}
	return n.Step.With
}

func (s *session) resolved(n *Node) (schema.Tree, error) {
	tree, missing, err := resolve(withTree(n), n.values, s.values(n, n.reads))
	if err != nil {
		return tree, err
	}
	if len(missing) > 0 {
		return tree, actions.Refuse("", "inputs of %s are not known: %s", owner(n), strings.Join(missing, ", "))
	}
	return tree, nil
}

func decodeRecorded(n *Node, raw json.RawMessage, secrets *secret.Book) (any, error) {
	tree, err := schema.FromJSON(raw, schema.Pos{File: "journal"})
	if err != nil {
		return nil, err
	}
	in, found := n.Action.Decode(revealed(tree, secrets))
	if err := found.Err(); err != nil {
		return nil, fmt.Errorf("recorded inputs of %s: %w", owner(n), err)
	}
	return in, nil
}

// sameTarget asks before each change whether this is still the target that was
// planned: a context may have been pointed elsewhere meanwhile.
func (s *session) sameTarget(ctx context.Context, n *Node) error {
	if n.Action.Spec.Effect == actions.Observe {
		return nil
	}
	err := s.sameCluster(ctx, s.target, s.state.Started.Identity)
	if _, wrong := err.(*WrongTargetError); wrong { //nolint:errorlint // identify returns it unwrapped
		return actions.Refuse("check --context and --kubeconfig", "%w", err)
	}
	return err
}
