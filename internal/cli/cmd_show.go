package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/runbackhq/runback/executor"
)

func (a *App) showCmd() *cobra.Command {
	var raw bool
	cmd := &cobra.Command{
		Use:   "show NAME",
		Short: "Show one playbook: what it does, its inputs and its steps",
		Args:  cobra.ExactArgs(1), ValidArgsFunction: a.playbookNames,
		RunE: func(_ *cobra.Command, args []string) error {
			f, err := a.find(args[0])
			if err != nil {
				return err
			}
			if raw {
				_, err := a.Out.Write(f.src.Text)
				return err
			}
			p, err := a.compileSource(f.src)
			if err != nil {
				return err
			}
			if a.data() {
				return a.print(shownOf(p))
			}
			a.showProgram(p)
			return nil
		},
	}
	cmd.Flags().BoolVar(&raw, "yaml", false, "the text of the playbook, to copy and change")
	a.outputFlag(cmd)
	return cmd
}

// shown is a playbook as data. Its JSON form is part of the interface.
type shown struct {
	Name        string       `json:"name"`
	Version     string       `json:"version"`
	Title       string       `json:"title,omitempty"`
	Description string       `json:"description,omitempty"`
	Owners      []string     `json:"owners,omitempty"`
	Budget      string       `json:"budget"`
	Digest      string       `json:"digest"`
	Inputs      []shownInput `json:"inputs"`
	Steps       []shownStep  `json:"steps"`
}

type shownInput struct {
	Name        string `json:"name"`
	Type        string `json:"type"`
	Default     any    `json:"default,omitempty"`
	Required    bool   `json:"required,omitzero"`
	Description string `json:"description,omitempty"`
}

type shownStep struct {
	Path    string `json:"path"`
	Name    string `json:"name"`
	Uses    string `json:"uses,omitempty"`
	Section string `json:"section"`
	When    string `json:"when,omitempty"`
}

func shownOf(p *executor.Program) shown {
	m, spec := p.Playbook.Metadata, p.Playbook.Spec
	out := shown{Name: m.Name, Version: m.Version, Title: m.Title, Description: m.Description, Owners: m.Owners, Budget: spec.Budget.String(), Digest: p.Source.Digest(), Inputs: []shownInput{}}
	for _, in := range spec.Inputs {
		given := in.Default.Value != nil
		row := shownInput{Name: in.Name, Type: in.Type, Required: !given, Description: in.Description}
		if given {
			row.Default = in.Default.Plain()
		}
		out.Inputs = append(out.Inputs, row)
	}
	p.Walk(func(n *executor.Node, section string, _ int) {
		s := shownStep{Path: n.Path, Name: n.Step.Label(), Uses: n.Step.Uses, Section: section}
		if n.When != nil {
			s.When = n.When.Source()
		}
		out.Steps = append(out.Steps, s)
	})
	return out
}

func (a *App) showProgram(p *executor.Program) {
	st, m, spec := a.style(a.OutTTY), p.Playbook.Metadata, p.Playbook.Spec
	fmt.Fprintf(a.Out, "%s %s  %s\n", st.bold(m.Name), m.Version, m.Title)
	fmt.Fprintln(a.Out, st.dim(fmt.Sprintf("%s  budget %s  %s", p.Source.File, spec.Budget, strings.Join(m.Owners, ", "))))
	if d := strings.TrimSpace(m.Description); d != "" {
		fmt.Fprintf(a.Out, "\n%s\n", d)
	}
	if len(spec.Inputs) > 0 {
		fmt.Fprintf(a.Out, "\n%s\n", st.bold("Inputs"))
		for _, in := range spec.Inputs {
			def := "required"
			if in.Default.Value != nil {
				def = fmt.Sprintf("%v", in.Default.Plain())
			}
			fmt.Fprintf(a.Out, "  %-16s %-9s %-14s %s\n", in.Name, in.Type, def, in.Description)
		}
	}
	section := ""
	p.Walk(func(n *executor.Node, sec string, depth int) {
		if sec != section {
			section = sec
			fmt.Fprintf(a.Out, "\n%s\n", st.bold(sectionTitle(sec)))
		}
		a.showNode(st, n, depth)
	})
}

func sectionTitle(sec string) string {
	return map[string]string{"steps": "Steps", "rescue": "If the steps fail", "finally": "Always at the end"}[sec]
}

func (a *App) showNode(st style, n *executor.Node, depth int) {
	indent := strings.Repeat("  ", depth+1)
	uses, name := n.Step.Uses, n.Step.Label()
	if n.IsBlock() {
		fmt.Fprintf(a.Out, "%s%s\n", indent, st.bold(name))
	} else {
		fmt.Fprintf(a.Out, "%s%-*s %s\n", indent, 44-2*depth, name, st.info(uses))
	}
	if n.When != nil {
		fmt.Fprintf(a.Out, "%s  %s\n", indent, st.dim("when "+n.When.Source()))
	}
}
