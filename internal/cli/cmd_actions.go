package cli

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/schema"
)

func (a *App) actionsCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "actions [NAME]",
		Short: "List the step types, or describe one: inputs, outputs, examples",
		Args:  cobra.MaximumNArgs(1), ValidArgsFunction: a.actionNames,
		RunE: func(_ *cobra.Command, args []string) error {
			_, registry, err := a.world()
			if err != nil {
				return err
			}
			if len(args) == 1 {
				return a.describeAction(registry, args[0])
			}
			if a.data() {
				specs := []actions.Spec{}
				for _, n := range registry.Names() {
					specs = append(specs, registry[n].Spec)
				}
				return a.print(specs)
			}
			names := registry.Names()
			return a.table([]string{"NAME", "EFFECT", "UNDO", "SUMMARY"}, len(names), func(i int) []string {
				s := registry[names[i]].Spec
				return []string{s.Name, s.Effect.String(), undoWord(s), s.Summary}
			})
		},
	}
	a.outputFlag(cmd)
	return cmd
}

func undoWord(s actions.Spec) string {
	switch {
	case s.Effect == actions.Observe:
		return "-"
	case s.Undoes:
		return "yes"
	default:
		return "no"
	}
}

func (a *App) describeAction(registry actions.Registry, name string) error {
	act, ok := registry[name]
	if !ok {
		return &exitError{code: exitInvalid, hint: cmp.Or(schema.DidYouMean(name, registry.Names()), "see: runback actions"), err: fmt.Errorf("no action %q", name)}
	}
	if a.data() {
		return a.print(act.Spec)
	}
	writeAction(a.Out, act.Spec, a.style(a.OutTTY))
	return nil
}

// writeAction prints one action for people. The reference page of the docs is
// made by the same function.
func writeAction(w io.Writer, s actions.Spec, st style) {
	fmt.Fprintf(w, "%s  (%s)\n%s\n", st.bold(s.Name), s.Effect, s.Summary)
	if s.Effect != actions.Observe {
		undo := "gives its inverse"
		if !s.Undoes {
			undo = "cannot be undone: " + s.NoUndo
		}
		fmt.Fprintf(w, "undo: %s\n", undo)
	}
	fmt.Fprintf(w, "\n%s\n", st.bold("Inputs"))
	writeFields(w, s.In(), "  ", inputNote)
	fmt.Fprintf(w, "\n%s\n", st.bold("Outputs"))
	writeFields(w, s.Out(), "  ", outputNote)
	for _, e := range s.Examples {
		fmt.Fprintf(w, "\n%s %s\n", st.bold("Example:"), e.Title)
		for _, line := range strings.Split(strings.TrimSpace(e.YAML), "\n") {
			fmt.Fprintf(w, "  %s\n", line)
		}
	}
}

func writeFields(w io.Writer, t *schema.Type, indent string, note func(schema.Field) string) {
	for _, f := range t.Fields {
		fmt.Fprintf(w, "%s%-18s %s%s\n%s  %s\n", indent, f.Name, typeWord(f.Type), note(f), indent+strings.Repeat(" ", 17), f.Doc)
		switch {
		case f.Type.Kind == "object":
			writeFields(w, f.Type, indent+"  ", note)
		case f.Type.Kind == "list" && f.Type.Elem.Kind == "object":
			writeFields(w, f.Type.Elem, indent+"  ", note)
		}
	}
}

func inputNote(f schema.Field) string {
	var note string
	switch {
	case f.Required:
		note = ", required"
	case f.Default != "":
		note = ", default " + f.Default
	default:
		note = ", optional"
	}
	if len(f.Enum) > 0 {
		note += ", one of " + strings.Join(f.Enum, ", ")
	}
	if f.Secret {
		note += ", may hold a secret"
	}
	return note
}

func outputNote(f schema.Field) string {
	if f.Type.Nullable {
		return ", may be unknown"
	}
	return ""
}

func typeWord(t *schema.Type) string {
	switch t.Kind {
	case "list":
		return "list of " + typeWord(t.Elem)
	case "map":
		return "map to " + typeWord(t.Elem)
	default:
		return t.Kind
	}
}
