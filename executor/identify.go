package executor

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/journal"
)

// Pin asks who the target is and holds it against what the playbook names, if
// it names it.
func (r *Runner) Pin(ctx context.Context, t actions.Target) (journal.Identity, error) {
	id, err := r.World.Identify(ctx, t)
	if err != nil {
		return nil, err
	}
	if want := t.Kubernetes.Cluster; want != "" && id["cluster"] != want {
		return nil, &WrongTargetError{[]string{fmt.Sprintf("the playbook is for cluster %s, this is %s", want, id["cluster"])}}
	}
	return id, nil
}

// Bound gives the target with everything that the world told of it, so that
// neither a resume nor a step depends on what a playbook or a flag left open.
func Bound(t actions.Target, id journal.Identity) actions.Target {
	if t.Kubernetes != (actions.KubernetesTarget{}) {
		t.Kubernetes.Context, t.Kubernetes.Namespace = id["context"], id["namespace"]
	}
	t.Databases, t.Terraform = maps.Clone(t.Databases), maps.Clone(t.Terraform)
	for name, db := range t.Databases {
		db.System = id["database."+name+".system"]
		t.Databases[name] = db
	}
	for name, dir := range t.Terraform {
		dir.Dir, dir.Lineage = id["terraform."+name+".dir"], id["terraform."+name+".lineage"]
		t.Terraform[name] = dir
	}
	return t
}

// WrongTargetError says that the target is not the one that was planned.
type WrongTargetError struct{ Differences []string }

// Error lists what differs.
func (e *WrongTargetError) Error() string {
	return fmt.Sprintf("this is not the target that was planned: %v", e.Differences)
}

// identify asks who the target is and compares what must not differ. The
// address and the user may: a second endpoint of the same cluster is the same
// cluster.
func (r *Runner) identify(ctx context.Context, t actions.Target, want journal.Identity) (journal.Identity, error) {
	got, err := r.World.Identify(ctx, t)
	if err != nil {
		return nil, err
	}
	var diff []string
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if pinned(key) && want[key] != "" && want[key] != got[key] {
			diff = append(diff, fmt.Sprintf("%s was %s, is %s", key, want[key], got[key]))
		}
	}
	if len(diff) > 0 {
		return nil, &WrongTargetError{diff}
	}
	return got, nil
}

// pinned says whether a part of an identity must stay what it was. A lineage
// that was not known, because there was no state, may become known.
func pinned(key string) bool {
	switch part, _, field := cutKey(key); part {
	case "database":
		return field == "system" || field == "database"
	case "terraform":
		return field == "dir" || field == "workspace" || field == "lineage"
	default:
		return key == "cluster" || key == "namespace" || key == "namespace_uid"
	}
}

// sameCluster asks whether the cluster is still the one that was planned: a
// context may have been pointed elsewhere meanwhile. Databases and terraform
// directories are not asked here: whoever opens one proves it at that moment.
func (r *Runner) sameCluster(ctx context.Context, t actions.Target, want journal.Identity) error {
	if want["cluster"] == "" {
		return nil
	}
	cluster := journal.Identity{}
	for key, value := range want {
		if part, _, _ := cutKey(key); part == "" {
			cluster[key] = value
		}
	}
	_, err := r.identify(ctx, actions.Target{Kubernetes: t.Kubernetes}, cluster)
	return err
}

// SameTarget proves that a recorded target is still what it was.
func (r *Runner) SameTarget(ctx context.Context, state *journal.State) (journal.Identity, error) {
	return r.identify(ctx, state.Started.Target, state.Started.Identity)
}

// SharesTarget says whether two identities have something in common that only
// one run may act on: a namespace, a database, a terraform state.
func SharesTarget(a, b journal.Identity) bool {
	of := targetKeys("", b)
	return slices.ContainsFunc(targetKeys("", a), func(key string) bool { return key != "run " && slices.Contains(of, key) })
}
