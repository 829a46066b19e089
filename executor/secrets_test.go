package executor_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
	"github.com/runbackhq/runback/schema"
)

const hush = `s3cret "<&>" ö`

type hushIn struct {
	Key  string            `json:"key" doc:"x"`
	Text map[string]string `json:"text" secret:"true" doc:"x"`
}

type hushState struct {
	Text string `json:"text"`
}

// hushes is t.hush: an action that says its secret wherever it can.
func (w *world) hushes() actions.Action {
	return actions.Define(actions.Def[hushIn, hushState, hushState]{Name: "t.hush", Effect: actions.Change, NoUndo: "a test",
		Prepare: func(_ context.Context, _ *actions.Call, in hushIn) (hushState, error) {
			return hushState{"prepared " + in.Text["a"]}, nil
		},
		Preview: func(_ context.Context, _ *actions.Call, in hushIn, _ hushState) (actions.Preview, error) {
			return actions.Preview{Label: actions.Exact, Summary: "sends " + in.Text["a"], Changes: []actions.FieldChange{{Path: "x", After: in.Text["a"]}}}, nil
		},
		Run: func(_ context.Context, c *actions.Call, in hushIn, st hushState) (hushState, error) {
			c.Say("saying " + in.Text["a"])
			w.mu.Lock()
			defer w.mu.Unlock()
			w.said = append(w.said, in.Text["a"]+" | "+st.Text)
			w.effects[in.Key]++
			if in.Key == "fails" {
				return hushState{}, actions.Refuse("not with "+in.Text["a"], "cannot use %s", in.Text["a"])
			}
			return hushState{"sent " + in.Text["a"]}, nil
		},
		Probe: func(_ context.Context, _ *actions.Call, in hushIn, st hushState) (actions.Verdict, hushState, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.said = append(w.said, "probe "+in.Text["a"]+" | "+st.Text)
			return actions.NotApplied, hushState{}, nil
		},
	})
}

type vault map[string]string

func (v vault) Secret(_ context.Context, _ actions.Target, s schema.SecretSource) (string, error) {
	value, ok := v[s.Env]
	if !ok {
		return "", errors.New("it is not set")
	}
	return value, nil
}

const hushing = `  budget: 1m
  secrets: {token: {env: TOKEN}}
  steps:
    - {id: one, uses: t.hush, with: {key: one, text: {a: "Bearer ${{ secrets.token }}"}}, expect: 'outputs.text != ""'}
    - {id: two, uses: t.hush, with: {key: KEY, text: {a: "${{ secrets.token }}"}}}
`

// wantSilent looks for the secret in all that is kept and shown.
func (b *bench) wantSilent(more ...string) {
	b.t.Helper()
	raw, err := json.Marshal(b.store.events)
	if err != nil {
		b.t.Fatal(err)
	}
	quoted, _ := json.Marshal(hush)
	for _, text := range append(more, string(raw), strings.Join(b.heard, "\n")) {
		for _, form := range []string{hush, strings.Trim(string(quoted), `"`), "s3cret"} {
			if strings.Contains(text, form) {
				b.t.Errorf("the secret is in %s", text)
			}
		}
	}
}

func TestSecretsAreUsedAndNeverShown(t *testing.T) {
	for key, status := range map[string]journal.Status{"two": journal.Succeeded, "fails": journal.FailedRun} {
		b := newBench(t)
		b.vault = vault{"TOKEN": hush}
		text := strings.Replace(hushing, "KEY", key, 1)
		st := b.run(text)
		if st.Status != status || len(b.heard) == 0 {
			t.Errorf("%s: %s, heard %q", st.Status, st.End.Message, b.heard)
		}
		if got := fmt.Sprint(b.w.said); got != fmt.Sprintf("[Bearer %s | prepared Bearer %s %s | prepared %s]", hush, hush, hush, hush) {
			t.Errorf("the action was given %s", got)
		}
		plan, err := b.plan(text)
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := json.Marshal(plan)
		if !strings.Contains(string(raw), "secret token of plan") {
			t.Errorf("%s", raw)
		}
		b.wantSilent(string(raw), st.End.Message+st.End.Hint)
	}
}

// What was announced with a secret is asked of the world and done with it.
func TestSecretsAcrossACrash(t *testing.T) {
	for dies := 2; dies < 9; dies++ {
		b := newBench(t)
		b.vault = vault{"TOKEN": hush}
		b.store.dieAfter = dies
		text := strings.Replace(hushing, "KEY", "two", 1)
		if !b.dying(text) {
			t.Fatal("it lived")
		}
		if st := b.resume(text); st.Status != journal.Succeeded {
			t.Errorf("died at %d: %s %s", dies, st.Status, st.End.Message)
		}
		for _, said := range b.w.said {
			if strings.Contains(said, "⟦") || strings.Count(said, hush) != 2 {
				t.Errorf("died at %d: the action was given %q", dies, said)
			}
		}
		b.wantSilent()
	}
}

func TestASecretThatCannotBeReadRefuses(t *testing.T) {
	for value, want := range map[string]string{"": "secret token (variable TOKEN): it is not set", "short": "fewer than the 6"} {
		b := newBench(t)
		b.vault = vault{"TOKEN": value}
		if value == "" {
			b.vault = vault{}
		}
		_, err := b.runner().Run(t.Context(), b.program(hushing), executor.Request{ID: "r-1", Identity: journal.Identity{"cluster": "one"}})
		if err == nil || !strings.Contains(err.Error(), want) || len(b.store.events) > 0 {
			t.Errorf("%v, %d events", err, len(b.store.events))
		}
	}
}

func TestWhereSecretsMayStand(t *testing.T) {
	for text, want := range map[string]string{
		`{id: a, uses: t.hush, with: {key: "${{ secrets.token }}", text: {}}}`:                      "unknown name secrets",
		`{id: a, uses: t.hush, with: {key: a, text: {a: "${{ upper(secrets.token) }}"}}}`:           "nothing can be computed from a secret",
		`{id: a, uses: t.hush, with: {key: a, text: {a: "${{ secrets.tokem }}"}}}`:                  "unknown field tokem",
		`{id: a, uses: t.hush, with: {key: a, text: {}}, when: 'secrets.token == "x"'}`:             "unknown name secrets",
		`{id: a, uses: t.hush, with: {key: a, text: {}}, expect: 'secrets.token == "x"'}`:           "unknown name secrets",
		`{id: a, foreach: ["${{ secrets.token }}"], steps: [{id: b, uses: t.get, with: {key: k}}]}`: "unknown name secrets",
	} {
		_, found := executor.Compile(source("  budget: 1m\n  secrets: {token: {env: TOKEN}}\n  steps:\n    - "+text+"\n"), newWorld().registry(t))
		if !strings.Contains(found.Render(nil), want) {
			t.Errorf("%s: %s", text, found.Render(nil))
		}
	}
}
