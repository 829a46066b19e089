package k8s

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/runbackhq/runback/actions"
)

// mostFailed bounds the list of templates that were rolled back from. It is as
// long as the history that a Deployment keeps by default.
const mostFailed = 10

// history is what a workload ran, and what is known of it.
type history struct {
	kind    kind
	d       *deployment   // the workload, told as a Deployment
	sets    []*replicaSet // newest first
	current *replicaSet   // of the present template; nil when there is none yet
	failed  []string      // hashes that were rolled back from, oldest first
}

func historyOf(d *deployment, sets []*replicaSet) history {
	h := history{kind: deployments, d: d, sets: sets, current: currentOf(d, sets)}
	for i, rs := range sets {
		rs.halfway = slices.ContainsFunc(sets[i+1:], func(older *replicaSet) bool { return len(older.pods) > 0 })
	}
	for hash := range strings.SplitSeq(d.Annotations[failedTemplates], ",") {
		if hash = strings.TrimSpace(hash); hash != "" {
			h.failed = append(h.failed, hash)
		}
	}
	return h
}

// choose gives the revision to go back to, or says why there is nothing to do.
func (h history) choose(in undoIn, key string) (target *replicaSet, done string, err error) {
	switch {
	case in.Revision > 0:
		match := func(rs *replicaSet) bool { return rs.revision == in.Revision }
		return h.named(match, fmt.Sprintf("revision %d", in.Revision), key)
	case in.Image != "":
		return h.named(func(rs *replicaSet) bool { return runs(rs, in.Image) }, fmt.Sprintf("image %q", in.Image), key)
	}
	return h.previous(in.AllowUnproven)
}

// named finds the revision that somebody asked for, who then answers for it.
func (h history) named(match func(*replicaSet) bool, what, key string) (*replicaSet, string, error) {
	if h.current != nil && match(h.current) {
		return nil, what + " is what runs already", nil
	}
	if i := slices.IndexFunc(h.sets, func(rs *replicaSet) bool { return rs.revision > 0 && match(rs) }); i >= 0 {
		return h.sets[i], "", nil
	}
	if h.rolledBack() && h.d.Annotations[receiptAnnotation] == key {
		// A revision gets a new number when it is used again, so after a
		// rollback to revision 1 there is no revision 1 any more.
		return nil, "this step has put " + what + " back already", nil
	}
	return nil, "", actions.Invalid("there are: "+h.list(), "no %s of %s %s", what, h.kind.Name, h.d.Name)
}

// previous finds what to go back to when nobody said it. Revision numbers say
// nothing about health, so the choice needs proof.
func (h history) previous(allowUnproven bool) (*replicaSet, string, error) {
	if h.rolledBack() {
		// Without this a second rollback would bring the bad version back,
		// as kubectl's does.
		return nil, fmt.Sprintf("already rolled back to %s from %s; to go further back, name a revision",
			describe(h.current), h.d.Annotations[rolledBackFrom]), nil
	}
	var candidates []*replicaSet
	for _, rs := range h.sets {
		if rs != h.current && rs.revision > 0 && !slices.Contains(h.failed, rs.hash) {
			candidates = append(candidates, rs)
		}
	}
	if len(candidates) == 0 {
		return nil, "", actions.Refuse("deploy a version that works: k8s.set_image",
			"%s %s has no earlier revision that was not rolled back from (%s)", h.kind.Name, h.d.Name, h.list())
	}
	newest := candidates[0]
	if newest.proven() || allowUnproven {
		return newest, "", nil
	}
	hint := "no earlier revision is proven; to take it nevertheless: --set allow_unproven=true"
	if i := slices.IndexFunc(candidates, (*replicaSet).proven); i >= 0 {
		hint = fmt.Sprintf("the newest revision with proof is %s: --set revision=%d", describe(candidates[i]), candidates[i].revision)
	}
	return nil, "", actions.Refuse(hint, "%s of %s %s has no ready pod and is not marked %s, so nothing says that it works",
		describe(newest), h.kind.Name, h.d.Name, knownGood)
}

// rolledBack says whether the present template is one that was rolled back to.
func (h history) rolledBack() bool {
	return h.current != nil && h.current.hash != "" && h.d.Annotations[rolledBackTo] == h.current.hash
}

func runs(rs *replicaSet, image string) bool {
	for _, c := range rs.Spec.Template.Spec.Containers {
		if c.Image == image {
			return true
		}
	}
	return false
}

// list names the revisions that exist, newest first.
func (h history) list() string {
	var all []string
	for _, rs := range h.sets {
		line := describe(rs) + ", " + cmp.Or(rs.proof(), "unproven")
		switch {
		case rs == h.current:
			line += ", runs now"
		case slices.Contains(h.failed, rs.hash):
			line += ", was rolled back from"
		}
		all = append(all, line)
	}
	return strings.Join(all, "; ")
}

func describe(rs *replicaSet) string {
	return fmt.Sprintf("revision %d (%s)", rs.revision, image(&rs.Spec.Template, nil))
}

func (h history) nothingToDo(why string) undoState {
	st := undoState{Write: newWrite(h.kind, h.d.obj, nil), Done: why, Image: image(&h.d.Spec.Template, nil)}
	st.From = st.Image
	if h.current != nil {
		st.Hash, st.FromHash, st.Revision = h.current.hash, h.current.hash, h.current.revision
	}
	return st
}

// goTo makes the write. The annotations are set one by one: kubectl replaces
// the whole map by that of the ReplicaSet, and what was annotated since is lost.
func (h history) goTo(target *replicaSet) (undoState, error) {
	template, found, err := unstructured.NestedMap(target.obj.Object, "spec", "template")
	if err != nil || !found {
		return undoState{}, fmt.Errorf("replicaset %s has no template: %w", target.Name, err)
	}
	unstructured.RemoveNestedField(template, "metadata", "labels", appsv1.DefaultDeploymentUniqueLabelKey)
	st := undoState{
		Hash: target.hash, Digest: target.digest, UID: string(target.UID), Revision: target.revision,
		Image: image(&target.Spec.Template, &h.d.Spec.Template), From: image(&h.d.Spec.Template, &target.Spec.Template),
		Proof: target.proof(), Paused: h.d.Spec.Paused,
	}
	if h.current != nil {
		st.FromHash = h.current.hash
	}
	live := h.d.obj.Object
	set := func(p path, after any) edit { return edit{p, lookup(live, p), after} }
	st.Write = newWrite(h.kind, h.d.obj, []edit{
		set(path{"spec", "template"}, template),
		set(annotation(rolledBackTo), target.hash),
		set(annotation(rolledBackFrom), orAbsent(st.FromHash)),
		set(annotation(failedTemplates), orAbsent(strings.Join(h.failedAfter(target.hash, st.FromHash), ","))),
	})
	return st, nil
}

// failedAfter adds the template that is rolled back from. One that somebody
// goes back to on purpose is no longer a failed one.
func (h history) failedAfter(to, from string) []string {
	out := slices.DeleteFunc(slices.Clone(h.failed), func(hash string) bool { return hash == to || hash == from })
	if from != "" {
		out = append(out, from)
	}
	return out[max(0, len(out)-mostFailed):]
}

func orAbsent(s string) any {
	if s == "" {
		return nil
	}
	return s
}
