package terraform

import (
	"slices"
	"strings"

	"github.com/runbackhq/runback/actions"
)

// allows says whether a list of types and addresses names a resource. An address
// includes what is below it: module.app, aws_instance.web with all its keys.
func allows(list []string, r resource) bool {
	return slices.ContainsFunc(list, func(entry string) bool {
		if entry = strings.TrimSpace(entry); entry == r.Type || entry == r.Address || entry == r.base() {
			return true
		}
		rest, below := strings.CutPrefix(r.Address, entry)
		return below && entry != "" && (rest[0] == '.' || rest[0] == '[')
	})
}

// admits refuses a plan that takes away what nobody named, or that does what we
// do not know.
func (in applyIn) admits(m made) error {
	var gone, strange []string
	for _, r := range m.Resources {
		switch r.Verb {
		case creates, updates, moves, imports, invokes:
		case deletes, forgets:
			if !allows(in.AllowDelete, r) {
				gone = append(gone, r.Verb+" "+r.Address)
			}
		case replaces:
			if !allows(in.AllowDelete, r) && !allows(in.AllowReplace, r) {
				gone = append(gone, r.Verb+" "+r.Address)
			}
		default:
			strange = append(strange, r.Verb+" "+r.Address)
		}
	}
	switch {
	case m.refusal != "":
		return actions.Refuse("see: "+m.site.name()+" -chdir="+m.site.Dir+" plan", "%s", m.refusal)
	case len(strange) > 0:
		return actions.Refuse("apply it by hand", "the plan does what this version of runback does not know: %s", some(strange))
	case len(gone) > 0:
		return actions.Refuse("look at what would be lost; what may go is named under allow_delete or allow_replace, by type or by address", "the plan would %s", some(gone))
	case in.ExpectSerial != nil && *in.ExpectSerial != m.Serial:
		return actions.Refuse("look at who changed it; then name the serial it has now", "the state has serial %d, expected was %d", m.Serial, *in.ExpectSerial)
	default:
		return nil
	}
}
