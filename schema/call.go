package schema

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
)

// Call is what stands under with of a step that is another playbook.
type Call struct {
	Playbook string `json:"playbook" doc:"name of the playbook; it acts on the target of the one that runs it"`
	Inputs   Tree   `json:"inputs,omitempty" doc:"its inputs, by name"`
}

// call checks the shape of a step that is another playbook. What it says of the
// inputs needs the other playbook, see the executor.
func (c *checker) call(s *Step) {
	if s.Retry != nil || s.Verify != nil || len(s.Expect) > 0 || len(s.Steps) > 0 || len(s.Rescue) > 0 || len(s.Finally) > 0 || s.Timeout > 0 || s.Parallel || !s.Foreach.IsZero() || s.AtOnce > 0 {
		c.fail(s.Pos, "it has a budget; put it into a block for the rest", "step %q is another playbook: it cannot have expect, verify, retry, timeout, steps, rescue, finally, parallel or foreach", s.ID)
	}
	if name, ok := s.With.Get("playbook"); ok && name.Kind == Template {
		c.fail(name.Pos, "write its name", "which playbook is run must be known before anything runs")
	}
}

// Called lists the names of the playbooks that a document runs as its steps. A
// document that cannot be read runs none.
func Called(src Source) []string {
	pb, _ := Load(src)
	if pb == nil {
		return nil
	}
	names := map[string]bool{}
	var walk func(lists ...[]Step)
	walk = func(lists ...[]Step) {
		for _, list := range lists {
			for i := range list {
				s := &list[i]
				if name, ok := s.With.Get("playbook"); s.Calls() && ok && name.Kind == String {
					names[fmt.Sprint(name.Value)] = true
				}
				walk(s.Steps, s.Rescue, s.Finally)
			}
		}
	}
	walk(pb.Spec.Steps, pb.Spec.Rescue, pb.Spec.Finally)
	return slices.Sorted(maps.Keys(names))
}

// Digest identifies the content, not the file name: that of the document and of
// every playbook that it runs.
func (s Source) Digest() string {
	sum := sha256.Sum256(s.Text)
	if len(s.Calls) == 0 {
		return "sha256:" + hex.EncodeToString(sum[:])
	}
	h := sha256.New()
	h.Write(sum[:])
	for _, name := range slices.Sorted(maps.Keys(s.Calls)) {
		fmt.Fprintf(h, "%d:%s %s\n", len(name), name, s.Calls[name].Digest())
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}
