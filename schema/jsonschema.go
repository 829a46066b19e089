package schema

import (
	"maps"
	"reflect"
	"slices"
)

// Use is an action as the JSON Schema needs it.
type Use struct {
	Name string
	Doc  string
	In   *Type
}

// JSONSchema gives the JSON Schema (2020-12) of playbooks, made from the Go
// types of the language and from the actions.
func JSONSchema(uses []Use) map[string]any {
	g := &generator{defs: map[string]any{}}
	root := g.object(TypeOf(reflect.TypeFor[Playbook]()))
	g.defs["step"] = g.step(uses)
	g.defs["expression"] = map[string]any{"type": []any{"string", "boolean"}, "description": "an expression, without ${{ }}"}
	maps.Copy(root, map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"title":   "Runback playbook, " + APIVersion,
		"$defs":   g.defs,
	})
	return root
}

type generator struct{ defs map[string]any }

// schema gives the JSON Schema of a type. Where a value may be given by an
// expression, text that holds one is allowed too.
func (g *generator) schema(t *Type, templated bool) map[string]any {
	s := g.plain(t, templated)
	if templated && t.Kind != "string" && t.Kind != "any" && t.Kind != "object" {
		return map[string]any{"anyOf": []any{s, template()}}
	}
	return s
}

func (g *generator) plain(t *Type, templated bool) map[string]any {
	switch t.Kind {
	case "string":
		return map[string]any{"type": "string"}
	case "int":
		return map[string]any{"type": "integer"}
	case "number":
		return map[string]any{"type": "number"}
	case "bool":
		return map[string]any{"type": "boolean"}
	case "duration":
		return map[string]any{"type": "string", "pattern": writtenDuration, "description": "a duration like 90s or 2m30s"}
	case "share":
		return map[string]any{"type": []any{"number", "string"}, "description": "a share like 5% or 0.05"}
	case "expression":
		return ref("expression")
	case "list":
		return map[string]any{"type": "array", "items": g.elem(t.Elem, templated)}
	case "map":
		return map[string]any{"type": "object", "additionalProperties": g.elem(t.Elem, templated)}
	case "object":
		if t.Ref == "Step" {
			return ref("step")
		}
		return g.objectOf(t, templated)
	case "inputs":
		return map[string]any{"type": "object", "additionalProperties": g.object(TypeOf(reflect.TypeFor[Input]()))}
	case "expectations":
		one := map[string]any{"anyOf": []any{ref("expression"), g.object(TypeOf(reflect.TypeFor[Expectation]()))}}
		return map[string]any{"anyOf": []any{one, map[string]any{"type": "array", "items": one}}}
	default:
		return map[string]any{}
	}
}

func (g *generator) elem(t *Type, templated bool) map[string]any {
	if t.Kind == "object" && t.Ref == "" && t.Field("uses") != nil && t.Field("steps") != nil {
		return ref("step")
	}
	return g.schema(t, templated)
}

func (g *generator) object(t *Type) map[string]any { return g.objectOf(t, false) }

func (g *generator) objectOf(t *Type, templated bool) map[string]any {
	props, required := map[string]any{}, []any{}
	for _, f := range t.Fields {
		props[f.Name] = g.field(f, templated)
		if f.Required {
			required = append(required, f.Name)
		}
	}
	s := map[string]any{"type": "object", "additionalProperties": false, "properties": props}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

func (g *generator) field(f Field, templated bool) map[string]any {
	s := g.plain(f.Type, templated)
	if len(f.Enum) > 0 {
		s["enum"] = anys(f.Enum)
	}
	if f.Minimum != nil {
		s["minimum"] = *f.Minimum
	}
	if f.Maximum != nil {
		s["maximum"] = *f.Maximum
	}
	if templated && (f.Type.Kind != "string" || len(f.Enum) > 0) && f.Type.Kind != "any" && f.Type.Kind != "object" {
		s = map[string]any{"anyOf": []any{s, template()}}
	}
	if f.Doc != "" {
		s["description"] = f.Doc
	}
	if f.Default != "" {
		s["default"] = f.defaultTree(Pos{}).Plain()
	}
	return s
}

// step makes the schema of a step: what with may hold follows from uses.
func (g *generator) step(uses []Use) map[string]any {
	s := g.object(TypeOf(reflect.TypeFor[Step]()))
	names, rules := []any{}, []any{}
	call := Use{CallAction, "another playbook as a step: it acts on the target of this one, within its own budget", TypeOf(reflect.TypeFor[Call]())}
	for _, u := range append(slices.Clip(uses), call) {
		names = append(names, map[string]any{"const": u.Name, "description": u.Doc})
		with := g.objectOf(u.In, true)
		rule := map[string]any{
			"if":   map[string]any{"properties": map[string]any{"uses": map[string]any{"const": u.Name}}, "required": []any{"uses"}},
			"then": map[string]any{"properties": map[string]any{"with": with}},
		}
		if with["required"] != nil {
			rule["then"].(map[string]any)["required"] = []any{"with"}
		}
		rules = append(rules, rule)
	}
	s["properties"].(map[string]any)["uses"] = map[string]any{"oneOf": names, "description": "action, as in: runback actions"}
	s["allOf"] = rules
	return s
}

func ref(name string) map[string]any { return map[string]any{"$ref": "#/$defs/" + name} }

func template() map[string]any {
	return map[string]any{"type": "string", "pattern": `\$\{\{`}
}

func anys(in []string) []any {
	out := make([]any, len(in))
	for i, s := range in {
		out[i] = s
	}
	return out
}
