package actions

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Target is what a playbook acts on. It is recorded, so it holds no secrets.
type Target struct {
	Kubernetes KubernetesTarget           `json:"kubernetes,omitzero"`
	Databases  map[string]DatabaseTarget  `json:"databases,omitempty"`
	Terraform  map[string]TerraformTarget `json:"terraform,omitempty"`
}

// KubernetesTarget is a namespace of a cluster.
type KubernetesTarget struct {
	Context   string `json:"context,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	Cluster   string `json:"cluster,omitempty"` // expected UID of the namespace kube-system, or ""
}

// DatabaseTarget is a PostgreSQL database. Whoever connects to it proves first
// that it is the one that is named here.
type DatabaseTarget struct {
	URL          string `json:"url"` // without a password
	PasswordEnv  string `json:"password_env,omitempty"`
	PasswordFile string `json:"password_file,omitempty"`
	System       string `json:"system,omitempty"` // system identifier; in a run always known
}

// TerraformTarget is a directory with a terraform configuration. Whoever opens
// it proves first that it is the one that is named here.
type TerraformTarget struct {
	Dir       string `json:"dir"` // in a run absolute
	Workspace string `json:"workspace,omitempty"`
	Lineage   string `json:"lineage,omitempty"` // "" also where there is no state yet
	Program   string `json:"program,omitempty"`
}

// Database gives the database that a step names; without a name the only one.
func (t Target) Database(name string) (DatabaseTarget, error) {
	return part(t.Databases, name, "database", "databases: {app: {url: postgres://user@host:5432/app}}")
}

// TerraformDir gives the terraform directory that a step names; without a name
// the only one.
func (t Target) TerraformDir(name string) (TerraformTarget, error) {
	return part(t.Terraform, name, "terraform directory", "terraform: {app: {dir: infra/app}}")
}

func part[T any](parts map[string]T, name, what, example string) (T, error) {
	names := slices.Sorted(maps.Keys(parts))
	if name == "" && len(names) == 1 {
		name = names[0]
	}
	if found, ok := parts[name]; ok {
		return found, nil
	}
	var none T
	switch {
	case len(names) == 0:
		return none, Invalid("name it under target, like "+example, "the target of the playbook has no %s", what)
	case name == "":
		return none, Invalid("", "the target has several of the kind %s, so the step must name one of: %s", what, strings.Join(names, ", "))
	default:
		return none, Invalid("", "the target has no %s %q; it has: %s", what, name, strings.Join(names, ", "))
	}
}

// SecretVariables names the variables of our environment that hold passwords of
// the target. Programs that are run get these in another way, or not at all.
func (t Target) SecretVariables() (names []string) {
	for _, d := range t.Databases {
		if d.PasswordEnv != "" {
			names = append(names, d.PasswordEnv)
		}
	}
	return names
}

// IsZero says whether the playbook acts on nothing that has an identity.
func (t Target) IsZero() bool {
	return t.Kubernetes == (KubernetesTarget{}) && len(t.Databases) == 0 && len(t.Terraform) == 0
}

// String names a database for people.
func (d DatabaseTarget) String() string { return fmt.Sprintf("database at %s", d.URL) }
