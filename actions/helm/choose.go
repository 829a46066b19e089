package helm

import (
	"fmt"

	"github.com/runbackhq/runback/actions"
)

// choose makes the revision absolute, and refuses one that never was deployed.
func (h history) choose(in rollbackIn, key string) (record, error) {
	last := h.last()
	if last.pending() && !h.mayProceed(in, key) {
		return record{}, actions.Refuse(stuckHint(in.Release, last), "release %s is %s at revision %d: somebody works on it, or was killed while doing so",
			in.Release, last.Info.Status, last.Version)
	}
	if in.Stuck > 0 && in.Stuck != last.Version {
		return record{}, actions.Refuse("", "revision %d of release %s is not the last one, which is %d (%s)", in.Stuck, in.Release, last.Version, last.Info.Status)
	}
	to := in.Revision
	if to == 0 {
		if back, is := last.rollsBack(); is && last.ours(key) {
			to = back // of this step: it goes on to where it went
		} else {
			r, err := h.implied()
			if err != nil {
				return record{}, actions.Refuse("name one with revision; see: helm history "+in.Release, "release %s: %w", in.Release, err)
			}
			return r, nil
		}
	}
	r, ok := h.find(to)
	switch {
	case !ok:
		return record{}, actions.Invalid("see: helm history "+in.Release, "release %s has no revision %d; there are %d to %d", in.Release, to, h[0].Version, last.Version)
	case !r.worked():
		return record{}, actions.Refuse("see: helm history "+in.Release, "revision %d of release %s is not known to have been deployed: it is %s (%s)", to, in.Release, r.Info.Status, clip(r.Info.Description))
	default:
		return r, nil
	}
}

// mayProceed says whether a pending revision is known to be nobody's any more:
// it is of this very step, whose child was asked for before, or a person said so.
func (h history) mayProceed(in rollbackIn, key string) bool {
	last := h.last()
	return in.Stuck == last.Version || last.Info.Status == pendingRollback && last.ours(key)
}

func stuckHint(release string, last record) string {
	return fmt.Sprintf("find out who: helm history %s; when it is nobody any more, say so with stuck: %d, and name the revision", release, last.Version)
}

// implied gives the last revision before the current one that was deployed.
func (h history) implied() (record, error) {
	last := h.last()
	if to, is := last.rollsBack(); is {
		return record{}, fmt.Errorf("its revision %d is itself a rollback%s, and what was deployed before it is what was rolled back", last.Version, toWhich(to))
	}
	if s := last.Info.Status; s != deployed && s != failed && !last.pending() {
		return record{}, fmt.Errorf("its last revision %d is %s, so there is no current one", last.Version, s)
	}
	var live []record
	for _, r := range h[:len(h)-1] {
		if r.Info.Status == deployed {
			live = append(live, r)
		}
	}
	if last.Info.Status != deployed && len(live) == 1 {
		return live[0], nil // the last one failed, and this one is what it was to replace
	}
	if len(live) > 0 {
		return record{}, fmt.Errorf("several of its revisions are marked as deployed, %d among them: which one was before %d is not known", live[0].Version, last.Version)
	}
	return h.newestWorked()
}

// newestWorked goes back without a gap: what is missing may be what is looked for.
func (h history) newestWorked() (record, error) {
	next := h.last().Version
	for i := len(h) - 2; i >= 0; i-- {
		r := h[i]
		if r.Version != next-1 {
			return record{}, fmt.Errorf("its history lacks revision %d, which may have been deployed", next-1)
		}
		if r.worked() {
			return r, nil
		}
		next = r.Version
	}
	return record{}, fmt.Errorf("no revision before %d was deployed, as far as its history goes", h.last().Version)
}

func toWhich(to int) string {
	if to == 0 {
		return ""
	}
	return fmt.Sprintf(" to %d", to)
}

// clip keeps words of helm at a length that can be read.
func clip(s string) string {
	if r := []rune(s); len(r) > 300 {
		return string(r[:299]) + "…"
	}
	return s
}
