package executor

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/schema"
)

// Override is what flags say about the target; it wins over the playbook.
type Override struct{ Context, Namespace string }

// Target resolves what the playbook acts on. A database without a URL and a
// terraform directory without a path are left out: a playbook may act on them
// only where it is told to.
func (p *Program) Target(inputs map[string]any, o Override) (actions.Target, error) {
	t := targetResolver{p: p, scope: map[string]any{"inputs": scopeInputs(inputs)}}
	spec := p.Playbook.Spec.Target
	var out actions.Target
	if k := spec.Kubernetes; k != nil {
		out.Kubernetes = actions.KubernetesTarget{Context: t.text(k.Context), Namespace: t.text(k.Namespace), Cluster: t.text(k.Cluster)}
	}
	out.Kubernetes.Context = cmp.Or(o.Context, out.Kubernetes.Context)
	out.Kubernetes.Namespace = cmp.Or(o.Namespace, out.Kubernetes.Namespace)
	for name, d := range spec.Databases {
		db := actions.DatabaseTarget{URL: t.text(d.URL), PasswordEnv: t.text(d.PasswordEnv), PasswordFile: t.text(d.PasswordFile), System: t.text(d.System)}
		if db.URL != "" {
			put(&out.Databases, name, db)
		}
	}
	for name, d := range spec.Terraform {
		dir := actions.TerraformTarget{Dir: t.text(d.Dir), Workspace: cmp.Or(t.text(d.Workspace), "default"), Lineage: t.text(d.Lineage), Program: cmp.Or(t.text(d.Program), "terraform")}
		if dir.Dir != "" {
			put(&out.Terraform, name, dir)
		}
	}
	return out, t.err
}

func put[T any](m *map[string]T, name string, v T) {
	if *m == nil {
		*m = map[string]T{}
	}
	(*m)[name] = v
}

// targetResolver keeps the first thing that went wrong.
type targetResolver struct {
	p     *Program
	scope map[string]any
	err   error
}

func (t *targetResolver) text(tree schema.Tree) string {
	r, missing, err := resolve(tree, t.p.target.values, t.scope)
	if err == nil && len(missing) > 0 {
		err = fmt.Errorf("target is not known: %s", strings.Join(missing, ", "))
	}
	if t.err == nil {
		t.err = err
	}
	s, _ := r.Value.(string)
	return s
}

// targetTrees lists what may hold expressions, in the order of the names.
func targetTrees(t schema.Target) []schema.Tree {
	var out []schema.Tree
	if k := t.Kubernetes; k != nil {
		out = append(out, k.Context, k.Namespace, k.Cluster)
	}
	for _, name := range slices.Sorted(maps.Keys(t.Databases)) {
		d := t.Databases[name]
		out = append(out, d.URL, d.PasswordEnv, d.PasswordFile, d.System)
	}
	for _, name := range slices.Sorted(maps.Keys(t.Terraform)) {
		d := t.Terraform[name]
		out = append(out, d.Dir, d.Workspace, d.Lineage, d.Program)
	}
	return out
}

// partNames gives the names by which steps may call parts of the target.
func partNames(t schema.Target) map[string]map[string]bool {
	out := map[string]map[string]bool{"databases": {}, "terraform": {}}
	for name := range t.Databases {
		out["databases"][name] = true
	}
	for name := range t.Terraform {
		out["terraform"][name] = true
	}
	return out
}
