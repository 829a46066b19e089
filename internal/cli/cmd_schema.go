package cli

import (
	"github.com/spf13/cobra"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/schema"
)

func (a *App) schemaCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of playbooks, for editors",
		Long: `Print the JSON Schema of playbooks. Editors with a YAML language server check
and complete a playbook whose first line names it:

  # yaml-language-server: $schema=playbook.schema.json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, registry, err := a.world()
			if err != nil {
				return err
			}
			return printJSON(a.Out, jsonSchema(registry))
		},
	}
}

func jsonSchema(registry actions.Registry) map[string]any {
	var uses []schema.Use
	for _, name := range registry.Names() {
		s := registry[name].Spec
		uses = append(uses, schema.Use{Name: s.Name, Doc: s.Summary, In: s.In()})
	}
	return schema.JSONSchema(uses)
}
