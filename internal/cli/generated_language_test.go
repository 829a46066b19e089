package cli

import (
	"bytes"
	"cmp"
	"fmt"
	"reflect"
	"strings"

	"github.com/runbackhq/runback/internal/guard"
	"github.com/runbackhq/runback/schema"
)

// generatedLanguage gives the reference of the language: every field of every
// kind of value, and every function, from the types that decode and check them.
func generatedLanguage() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Reference of the language\n\nMade by `make generate` from the code. [language.md](language.md) explains it.\n")
	for _, part := range []struct {
		title string
		typ   reflect.Type
	}{
		{"Playbook", reflect.TypeFor[schema.Playbook]()}, {"metadata", reflect.TypeFor[schema.Metadata]()}, {"spec", reflect.TypeFor[schema.Spec]()},
		{"spec.inputs.NAME", reflect.TypeFor[schema.Input]()}, {"spec.secrets.NAME", reflect.TypeFor[schema.SecretSource]()}, {"spec.secrets.NAME.kubernetes", reflect.TypeFor[schema.SecretKey]()},
		{"spec.target", reflect.TypeFor[schema.Target]()}, {"spec.target.kubernetes", reflect.TypeFor[schema.KubernetesTarget]()},
		{"spec.target.databases.NAME", reflect.TypeFor[schema.DatabaseTarget]()}, {"spec.target.terraform.NAME", reflect.TypeFor[schema.TerraformTarget]()},
		{"A step or block", reflect.TypeFor[schema.Step]()}, {"expect, as a list", reflect.TypeFor[schema.Expectation]()}, {"verify", reflect.TypeFor[schema.Verify]()},
		{"retry", reflect.TypeFor[schema.Retry]()}, {"spec.success, each", reflect.TypeFor[schema.Criterion]()}, {"with of playbook.run", reflect.TypeFor[schema.Call]()},
		{"Project", reflect.TypeFor[schema.Project]()}, {"metadata of a project", reflect.TypeFor[schema.ProjectName]()}, {"spec of a project", reflect.TypeFor[schema.ProjectSpec]()},
		{"contacts of a project, each", reflect.TypeFor[schema.Contact]()},
	} {
		fmt.Fprintf(&b, "\n## %s\n\n| field | value | default | what it says |\n| --- | --- | --- | --- |\n", part.title)
		for _, f := range schema.TypeOf(part.typ).Fields {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.Name, valueOf(f), defaultOf(f), cell(f.Doc))
		}
	}
	fmt.Fprintf(&b, "\n## Functions\n\nBeside those of [expr](https://expr-lang.org): %s.\n\n| function | gives |\n| --- | --- |\n", strings.Join(guard.Borrowed(), ", "))
	for _, f := range guard.Functions() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", f.Use, cell(f.Doc))
	}
	return b.Bytes()
}

func valueOf(f schema.Field) string {
	kind := map[string]string{"object": "map", "any": "value", "inputs": "map", "expectations": "expression or list"}
	s := cmp.Or(kind[f.Type.Kind], f.Type.Kind)
	if len(f.Enum) > 0 {
		s = strings.Join(f.Enum, ", ")
	}
	if f.Minimum != nil {
		s += fmt.Sprintf(", from %v", *f.Minimum)
	}
	if f.Maximum != nil {
		s += fmt.Sprintf(" to %v", *f.Maximum)
	}
	return s
}

func defaultOf(f schema.Field) string {
	switch {
	case f.Required:
		return "must be given"
	case f.Default != "":
		return "`" + f.Default + "`"
	default:
		return ""
	}
}

func cell(s string) string { return strings.ReplaceAll(s, "|", "\\|") }
