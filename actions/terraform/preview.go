package terraform

import (
	"fmt"
	"strings"

	"github.com/runbackhq/runback/actions"
)

// preview tells field by field what the plan says.
func (in applyIn) preview(st prepared) actions.Preview {
	p := actions.Preview{Label: actions.Exact, Summary: st.Plan.summary(), Object: st.Site.object(), Changes: st.Plan.changes()}
	note := func(format string, args ...any) { p.Notes = append(p.Notes, fmt.Sprintf(format, args...)) }
	for _, v := range []string{deletes, replaces, forgets} {
		if list := st.Plan.of(v); len(list) > 0 {
			note("%s, as it was allowed: %s", v, some(list))
		}
	}
	if list := st.Plan.of(invokes); len(list) > 0 {
		note("actions whose effect is in no plan: %s", some(list))
	}
	if !st.Plan.Complete {
		note("the plan is not complete%s", because(in.Targets))
	}
	if len(st.Plan.Drift) > 0 {
		note("changed outside of %s since the last apply: %s", st.Site.name(), some(st.Plan.Drift))
	}
	if !in.Refresh {
		note("compared with the recorded state only: the real objects were not asked")
	}
	if st.Site.Commit != "" {
		note("configuration of commit %s, dependencies locked as they are now", st.Site.Commit)
	}
	note("%s %s, back end %s, lineage %s", st.Site.name(), st.Plan.Version, st.Backend, orNone(st.Lineage))
	p.Notes = append(p.Notes, st.Notes...)
	if a := st.Attempt; a != nil && !st.Plan.empty() {
		note("serial %d, plan has sha256 %s", a.Serial, a.SHA256)
	}
	p.Assumes = []string{"nothing outside changes between plan and apply; quotas and the provider's own checks are met"}
	if st.Plan.empty() {
		p.Assumes = nil
	}
	return p
}

func because(targets []string) string {
	if len(targets) == 0 {
		return ""
	}
	return ": it is limited to " + strings.Join(targets, ", ")
}

// changes gives all fields of all resources, those that are lost first: that is
// what a reader must not miss.
func (p planned) changes() []actions.FieldChange {
	var first, then []actions.FieldChange
	for _, r := range p.Resources {
		switch r.Verb {
		case deletes, forgets, replaces:
			first = append(first, r.Fields...)
		default:
			then = append(then, r.Fields...)
		}
	}
	return append(append(first, then...), p.Outputs...)
}

func tellApply(out applyOut) string {
	if !out.Changed {
		return "nothing to change"
	}
	return fmt.Sprintf("created %d, changed %d, replaced %d, deleted %d", len(out.Created), len(out.Updated), len(out.Replaced), len(out.Deleted))
}
