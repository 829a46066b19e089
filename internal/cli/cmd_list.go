package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/runbackhq/runback/schema"
)

type listed struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Budget  string `json:"budget"`
	Title   string `json:"title"`
	Where   string `json:"where"`
	Error   string `json:"error,omitempty"`
}

func (a *App) listCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the playbooks that can be run",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			rows := []listed{}
			for _, f := range a.library() {
				row := listed{Name: f.name, Where: f.where}
				pb, bad := schema.Load(f.src)
				if err := bad.Err(); err != nil {
					row.Error = count(len(bad), "mistake", "mistakes") + "; see: runback validate " + f.src.File
				} else {
					row.Version, row.Budget, row.Title = pb.Metadata.Version, pb.Spec.Budget.String(), pb.Metadata.Title
				}
				rows = append(rows, row)
			}
			if a.json() {
				return printJSON(a.Out, rows)
			}
			return a.table([]string{"NAME", "VERSION", "BUDGET", "WHERE", "TITLE"}, len(rows), func(i int) []string {
				r := rows[i]
				if r.Error != "" {
					r.Title = r.Error
				}
				return []string{r.Name, r.Version, r.Budget, r.Where, r.Title}
			})
		},
	}
	a.outputFlag(cmd)
	return cmd
}

// table prints aligned columns without colours: a tabwriter counts bytes, so
// escape codes would break the alignment.
func (a *App) table(head []string, rows int, row func(int) []string) error {
	w := tabwriter.NewWriter(a.Out, 0, 4, 3, ' ', 0)
	line := func(cells []string) {
		for i, c := range cells {
			if i > 0 {
				fmt.Fprint(w, "\t")
			}
			fmt.Fprint(w, c)
		}
		fmt.Fprintln(w)
	}
	line(head)
	for i := range rows {
		line(row(i))
	}
	return w.Flush()
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
