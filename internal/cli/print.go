package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"
)

// The formats of -o. One printer serves every command, so that what one prints
// as JSON another cannot print differently.
const (
	formatTable = "table"
	formatJSON  = "json"
	formatYAML  = "yaml"
)

// outputFlag adds -o to a command that prints data.
func (a *App) outputFlag(cmd *cobra.Command) { a.formatFlag(cmd, formatTable, formatJSON, formatYAML) }

// eventsFlag adds -o to a command that shows a run: its data are its events.
func (a *App) eventsFlag(cmd *cobra.Command) {
	a.formatFlag(cmd, formatTable, formatJSON)
	cmd.Flags().Lookup("output").Usage = "output format: table, or json (one event a line, as --progress json)"
	a.progressFlag(cmd)
}

func (a *App) formatFlag(cmd *cobra.Command, formats ...string) {
	cmd.Flags().StringVarP(&a.flags.output, "output", "o", formatTable, "output format: "+strings.Join(formats, ", "))
	complete(cmd, "output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	cmd.PreRunE = func(*cobra.Command, []string) error {
		for _, f := range formats {
			if a.flags.output == f {
				return nil
			}
		}
		return usage("use -o "+strings.Join(formats, ", -o "), "unknown output format "+cmp.Or(a.flags.output, `""`))
	}
}

// data says whether a program reads what is printed.
func (a *App) data() bool { return a.flags.output == formatJSON || a.flags.output == formatYAML }

// print writes a value in the format that was asked for.
func (a *App) print(v any) error {
	if a.flags.output != formatYAML {
		return printJSON(a.Out, v)
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	text, err := yaml.JSONToYAML(raw)
	if err != nil {
		return err
	}
	_, err = a.Out.Write(text)
	return err
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// table prints aligned columns without colours: a tabwriter counts bytes, so
// escape codes would break the alignment.
func (a *App) table(head []string, rows int, row func(int) []string) error {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 4, 2, ' ', 0)
	line := func(cells []string) {
		for i, c := range cells {
			if i > 0 {
				fmt.Fprint(w, "\t")
			}
			fmt.Fprint(w, clean(c))
		}
		fmt.Fprintln(w)
	}
	line(head)
	for i := range rows {
		line(row(i))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	width, _ := a.size()
	for l := range strings.Lines(text.String()) {
		l = strings.TrimRight(l, " \n")
		if a.OutTTY && columnsOf(l) > width {
			l = cutTo(l, width)
		}
		if _, err := fmt.Fprintln(a.Out, l); err != nil {
			return err
		}
	}
	return nil
}
