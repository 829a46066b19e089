package schema

import "reflect"

// Project says what is rolled back: what playbooks would otherwise be told with
// flags each time. Expressions see it as project.
type Project struct {
	APIVersion string      `json:"apiVersion" enum:"runback/v1" doc:"version of the language"`
	Kind       string      `json:"kind" enum:"Project" doc:"kind of document"`
	Metadata   ProjectName `json:"metadata" doc:"what the project is called and who owns it"`
	Spec       ProjectSpec `json:"spec" doc:"what it is"`
}

// ProjectName says what a project is called and who owns it.
type ProjectName struct {
	Name   string   `json:"name" doc:"short name, lower case with dashes"`
	Title  string   `json:"title,omitempty" doc:"one line for people"`
	Owners []string `json:"owners,omitempty" doc:"teams that answer for it"`
}

// ProjectSpec says what a project is.
type ProjectSpec struct {
	Strategy string            `json:"strategy,omitempty" enum:"blue-green|canary|rolling|direct" doc:"how it is released"`
	Context  string            `json:"context,omitempty" doc:"kubeconfig context, where neither --context nor the playbook names one"`
	Cluster  string            `json:"cluster,omitempty" doc:"UID of the namespace kube-system of its cluster; a run against another one is refused"`
	Inputs   Tree              `json:"inputs,omitempty" doc:"values for the inputs of playbooks, by name; --set wins over them"`
	Values   map[string]string `json:"values,omitempty" doc:"whatever playbooks of this project need: project.values.NAME"`
	Contacts []Contact         `json:"contacts,omitempty" doc:"who is called"`
}

// Contact is somebody who is called.
type Contact struct {
	Role   string `json:"role" doc:"what they are called for: platform-lead"`
	Handle string `json:"handle" doc:"how they are reached: @platform-lead"`
}

// LoadProject reads a project and reports every mistake.
func LoadProject(src Source) (*Project, Diagnostics) {
	tree, found := Parse(src.File, src.Text)
	if len(found) > 0 {
		return nil, found
	}
	var p Project
	if found = Decode(tree, &p); len(found) > 0 {
		return nil, found.Sorted()
	}
	c := checker{tree: tree}
	if !isName(p.Metadata.Name) {
		c.fail(c.at("metadata", "name"), "use lower-case letters, digits and dashes", "name %q cannot be used", p.Metadata.Name)
	}
	p.Spec.Inputs.Walk(func(t Tree) {
		if t.Kind == Template {
			c.fail(t.Pos, "", "the inputs of a project are plain values, not expressions")
		}
	})
	if k := p.Spec.Inputs.Kind; k != Map && k != Null {
		c.fail(p.Spec.Inputs.Pos, "write name: value", "expected a map of inputs, found %s", k)
	}
	if len(c.found) > 0 {
		return nil, c.found.Sorted()
	}
	return &p, nil
}

// ProjectType is what expressions may know of a project.
func ProjectType() *Type {
	text := &Type{Kind: "string"}
	return &Type{Kind: "object", Fields: []Field{
		{Name: "name", Type: text}, {Name: "title", Type: text}, {Name: "strategy", Type: text},
		{Name: "owners", Type: &Type{Kind: "list", Elem: text}},
		{Name: "values", Type: &Type{Kind: "map", Elem: text}},
		{Name: "contacts", Type: &Type{Kind: "list", Elem: TypeOf(reflect.TypeFor[Contact]())}},
	}}
}

// Scope gives the project as expressions see it. What it does not say is unknown.
func (p *Project) Scope() map[string]any {
	values := map[string]any{}
	for k, v := range p.Spec.Values {
		values[k] = v
	}
	owners, contacts := []any{}, []any{}
	for _, o := range p.Metadata.Owners {
		owners = append(owners, o)
	}
	for _, c := range p.Spec.Contacts {
		contacts = append(contacts, map[string]any{"role": c.Role, "handle": c.Handle})
	}
	out := map[string]any{"name": p.Metadata.Name, "owners": owners, "values": values, "contacts": contacts}
	for name, v := range map[string]string{"title": p.Metadata.Title, "strategy": p.Spec.Strategy} {
		if v != "" {
			out[name] = v
		}
	}
	return out
}
