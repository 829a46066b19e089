package schema

import (
	"strconv"
	"strings"
	"time"
)

// steps checks a list of steps and gives each its id. Ids are unique in the
// whole playbook, because expressions name a step by its id alone.
func (c *checker) steps(list []Step, budget Duration, owner string) {
	for i := range list {
		s := &list[i]
		if s.Pos.Line == 0 {
			continue // it is not a map, which has been said
		}
		c.identify(s)
		c.shape(s)
		if s.Timeout > budget && budget > 0 {
			c.fail(s.Pos, "shorten the timeout or raise the budget", "timeout %s of step %q does not fit the budget of %s of %s", s.Timeout, s.ID, budget, owner)
		}
		if s.Budget > budget && budget > 0 {
			c.fail(s.Pos, "", "budget %s of block %q does not fit the budget of %s of %s", s.Budget, s.ID, budget, owner)
		}
		inner, innerOwner := budget, owner
		if s.Budget > 0 {
			inner, innerOwner = s.Budget, "block "+s.ID
		}
		c.steps(s.Steps, inner, innerOwner)
		c.steps(s.Rescue, inner, innerOwner)
		c.steps(s.Finally, BlockFinally, "the finally of block "+s.ID)
	}
}

// BlockFinally is the time of the finally steps of a block. It is on top of
// the block's budget, because what must always be done must also be possible
// when the time is spent.
const BlockFinally = Duration(time.Minute)

func (c *checker) identify(s *Step) {
	c.line(s.Pos, "name of a step", s.Name)
	if s.ID == "" {
		s.ID = slug(s.Name)
	}
	switch {
	case s.ID == "" && s.Name != "":
		c.fail(s.Pos, "give it an id", "no id can be made from the name %q", s.Name)
		return
	case s.ID == "":
		c.fail(s.Pos, "give it an id or a name", "step has neither id nor name")
		return
	case !isID(s.ID):
		c.fail(s.Pos, "use lower-case letters, digits and underscores", "step id %q cannot be used", s.ID)
	}
	if first, dup := c.ids[s.ID]; dup {
		c.fail(s.Pos, "give one of them another id", "step id %q is used already on line %d", s.ID, first.Line)
		return
	}
	c.ids[s.ID] = s.Pos
}

func (c *checker) shape(s *Step) {
	block := len(s.Steps) > 0
	switch {
	case s.Calls():
		c.call(s)
	case block && s.Uses != "":
		c.fail(s.Pos, "split it into two steps", "step %q has both uses and steps", s.ID)
	case !block && s.Uses == "":
		c.fail(s.Pos, "add uses: an action, or steps: a list", "%s does nothing", strings.TrimSpace("step "+quoted(s.ID)))
	case block && (s.Retry != nil || s.Verify != nil || len(s.Expect) > 0 || s.Timeout > 0 || !s.With.IsZero()):
		c.fail(s.Pos, "put them on the steps inside; a block has a budget", "block %q cannot have with, expect, verify, timeout or retry", s.ID)
	case !block && (s.Parallel || !s.Foreach.IsZero() || s.AtOnce > 0):
		c.fail(s.Pos, "put the step under steps: of a block", "step %q cannot have parallel, foreach or at_once, which belong to a block", s.ID)
	case s.AtOnce > 0 && !s.Parallel:
		c.fail(s.Pos, "add parallel: true", "block %q has at_once, and nothing of it goes on side by side", s.ID)
	case !block && (s.Budget > 0 || len(s.Rescue) > 0 || len(s.Finally) > 0):
		c.fail(s.Pos, "a step has a timeout; budget, rescue and finally belong to a block", "step %q cannot have budget, rescue or finally", s.ID)
	}
	if s.Verify != nil {
		c.verify(s, s.Verify)
	}
}

func (c *checker) verify(s *Step, v *Verify) {
	if v.For > v.Within {
		c.fail(s.Pos, "", "step %q must hold for %s but has only %s", s.ID, v.For, v.Within)
	}
	if s.Timeout > 0 && v.For > s.Timeout {
		c.fail(s.Pos, "the timeout covers the verification too", "step %q must hold for %s but its timeout is %s", s.ID, v.For, s.Timeout)
	}
	if v.Every == 0 {
		c.fail(s.Pos, "write every: 1s", "step %q would look again without a pause", s.ID)
	}
}

func quoted(id string) string {
	if id == "" {
		return ""
	}
	return strconv.Quote(id)
}

func slug(name string) string {
	id := strings.Trim(notIDRune.ReplaceAllString(strings.ToLower(name), "_"), "_")
	if id != "" && id[0] >= '0' && id[0] <= '9' {
		id = "step_" + id
	}
	return id[:min(len(id), 63)]
}
