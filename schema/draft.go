package schema

import (
	"bytes"
	"encoding/json"
	"strings"

	"gopkg.in/yaml.v3"
)

// Draft is a playbook that a program writes, for people to review.
type Draft struct {
	Name, Version, Title, Description string
	Budget                            Duration
	Target                            map[string]any // as it stands under spec.target
	Steps                             []DraftStep
}

// DraftStep is one step of a draft.
type DraftStep struct {
	ID, Name, Uses string
	With           map[string]any
	Timeout        Duration
}

// Source writes the draft as a document. Text that looks like an expression is
// written so that it stays text.
func (d Draft) Source(file string) (Source, error) {
	spec := []any{"budget", d.Budget.String()}
	if len(d.Target) > 0 {
		target, err := literal(d.Target)
		if err != nil {
			return Source{}, err
		}
		spec = append(spec, "target", target)
	}
	steps := &yaml.Node{Kind: yaml.SequenceNode}
	for _, s := range d.Steps {
		pairs := filled("id", s.ID, "name", s.Name, "uses", s.Uses)
		if len(s.With) > 0 {
			with, err := literal(s.With)
			if err != nil {
				return Source{}, err
			}
			pairs = append(pairs, "with", with)
		}
		if s.Timeout > 0 {
			pairs = append(pairs, "timeout", s.Timeout.String())
		}
		steps.Content = append(steps.Content, object(pairs...))
	}
	doc := object("apiVersion", APIVersion, "kind", "Playbook",
		"metadata", object(filled("name", d.Name, "version", d.Version, "title", d.Title, "description", d.Description)...),
		"spec", object(append(spec, "steps", steps)...))
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(doc); err != nil {
		return Source{}, err
	}
	return Source{File: file, Text: out.Bytes()}, enc.Close()
}

// object makes a map of keys and values in their order.
func object(pairs ...any) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for i := 0; i < len(pairs); i += 2 {
		key, value := &yaml.Node{}, &yaml.Node{}
		key.SetString(pairs[i].(string))
		switch v := pairs[i+1].(type) {
		case *yaml.Node:
			value = v
		case string:
			value.SetString(plainText(v))
		}
		n.Content = append(n.Content, key, value)
	}
	return n
}

// filled leaves out the keys without a value.
func filled(pairs ...string) []any {
	var out []any
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out = append(out, pairs[i], pairs[i+1])
		}
	}
	return out
}

// literal writes a value so that it is read back as it is: through JSON, whose
// types are those of the language.
func literal(v any) (*yaml.Node, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var plain any
	if err := dec.Decode(&plain); err != nil {
		return nil, err
	}
	Numbers(plain)
	n := &yaml.Node{}
	return n, n.Encode(escaped(plain))
}

func escaped(v any) any {
	switch x := v.(type) {
	case string:
		return plainText(x)
	case []any:
		for i := range x {
			x[i] = escaped(x[i])
		}
	case map[string]any:
		for k := range x {
			x[k] = escaped(x[k])
		}
	}
	return v
}

// plainText makes text that holds ${{ one expression that gives the text.
func plainText(s string) string {
	if !strings.Contains(s, openExpr) {
		return s
	}
	quoted, err := json.Marshal(s)
	if err != nil {
		return s
	}
	return openExpr + " " + string(quoted) + " " + closeExpr
}
