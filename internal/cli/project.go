package cli

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/schema"
)

// project is the project that --project names.
type project struct {
	doc *schema.Project
	src *schema.Source
}

// project reads it by path, or by name from ./projects. Without the flag there
// is none.
func (a *App) project() (project, error) {
	arg := a.flags.project
	if arg == "" {
		return project{}, nil
	}
	file := arg
	if !strings.ContainsAny(arg, `/\`) && filepath.Ext(arg) == "" {
		file = filepath.Join("projects", arg+".yaml")
	}
	text, err := readFile(file)
	if err != nil {
		return project{}, &exitError{code: exitInvalid, hint: "name a file, or a project of ./projects", err: err}
	}
	src := schema.Source{File: file, Text: text}
	doc, found := schema.LoadProject(src)
	if len(found) > 0 {
		fmt.Fprint(a.Err, found.Render(text))
		return project{}, &exitError{code: exitInvalid, err: fmt.Errorf("%s: %s", file, count(len(found), "mistake", "mistakes"))}
	}
	return project{doc, &src}, nil
}

// complete adds what the project says of the target, where nobody else did.
func (p project) complete(t *actions.KubernetesTarget) {
	if p.doc == nil {
		return
	}
	t.Context = cmp.Or(t.Context, p.doc.Spec.Context)
	t.Cluster = cmp.Or(t.Cluster, p.doc.Spec.Cluster)
}
