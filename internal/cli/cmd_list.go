package cli

import (
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
			if _, err := a.project(); err != nil { // a wrong name is not left unsaid
				return err
			}
			rows := a.listing()
			if a.data() {
				return a.print(rows)
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

// listing gives a row for every playbook that can be found.
func (a *App) listing() []listed {
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
	return rows
}
