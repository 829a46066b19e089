package schema

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Source is a document as it was read: what a run records, so that a resume
// runs the recorded text and never a newer file.
type Source struct {
	File string `json:"file"`
	Text []byte `json:"text"`
	// Calls holds the playbooks that it runs as its steps, and those that they
	// run, by name: a run records all that it may do.
	Calls map[string]Source `json:"calls,omitempty"`
}

// Load reads a playbook and reports every mistake that can be seen without
// knowing the actions.
func Load(src Source) (*Playbook, Diagnostics) {
	tree, found := Parse(src.File, src.Text)
	if len(found) > 0 {
		return nil, found
	}
	var pb Playbook
	found = Decode(tree, &pb)
	c := checker{tree: tree, found: found, ids: map[string]Pos{}}
	c.playbook(&pb)
	return &pb, c.found.Sorted()
}

var (
	namePattern   = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	idPattern     = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	semverPattern = regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)
	notIDRune     = regexp.MustCompile(`[^a-z0-9]+`)
)

// longest is the length of a name: that of a label of DNS.
const longest = 63

// line holds a text to one line: with a line of its own it could pass for a line of
// a plan.
func (c *checker) line(at Pos, what, text string) {
	if strings.ContainsFunc(text, unicode.IsControl) {
		c.fail(at, "put the rest into a description or a comment", "%s is not one line of text", what)
	}
}

func isName(s string) bool { return len(s) <= longest && namePattern.MatchString(s) }

func isID(s string) bool { return len(s) <= longest && idPattern.MatchString(s) }

type checker struct {
	tree  Tree
	found Diagnostics
	ids   map[string]Pos
}

func (c *checker) fail(at Pos, hint, format string, args ...any) {
	c.found = append(c.found, Diagnostic{Pos: at, Width: 1, Message: clip(fmt.Sprintf(format, args...)), Hint: hint})
}

// at gives the place of a value by the keys that lead to it, or of the nearest
// value above it.
func (c *checker) at(keys ...string) Pos {
	t := c.tree
	for _, k := range keys {
		child, ok := t.Get(k)
		if !ok {
			break
		}
		t = child
	}
	return t.Pos
}

func (c *checker) playbook(pb *Playbook) {
	m := pb.Metadata
	if m.Name != "" && !isName(m.Name) {
		c.fail(c.at("metadata", "name"), "use lower-case letters, digits and dashes", "name %q cannot be used", m.Name)
	}
	if m.Version != "" && !semverPattern.MatchString(m.Version) {
		c.fail(c.at("metadata", "version"), "write it like 1.0.0", "version %q is not a semantic version", m.Version)
	}
	c.line(c.at("metadata", "title"), "title", m.Title)
	for _, in := range pb.Spec.Inputs {
		c.input(in)
	}
	c.secrets(pb.Spec.Secrets, pb.Spec.Target)
	if pb.Spec.Budget == 0 && len(c.found) == 0 {
		c.fail(c.at("spec", "budget"), "give the target time of the runbook, like budget: 3m", "budget is 0s")
	}
	if pb.Spec.Steps != nil && len(pb.Spec.Steps) == 0 {
		c.fail(c.at("spec", "steps"), "", "there are no steps")
	}
	c.steps(pb.Spec.Steps, pb.Spec.Budget, "the playbook")
	c.steps(pb.Spec.Rescue, pb.Spec.Budget, "the playbook")
	pb.Criteria = nil
	for _, criterion := range pb.Spec.Success {
		pb.Criteria = append(pb.Criteria, criterion.Step())
	}
	c.steps(pb.Criteria, 0, "success")
	c.steps(pb.Spec.Finally, pb.Spec.FinallyBudget, "finally")
}

func (c *checker) input(in Input) {
	if !isID(in.Name) {
		c.fail(in.Pos, "use lower-case letters, digits and underscores", "input name %q cannot be used", in.Name)
	}
	if in.Default.Kind == Template {
		c.fail(in.Default.Pos, "", "a default is a plain value, not an expression")
		return
	}
	if in.Pattern != "" {
		if _, err := regexp.Compile(in.Pattern); err != nil {
			c.fail(in.Pos, "", "pattern of input %q: %s", in.Name, err)
			return
		}
	}
	if in.Default.Kind != Null && slices.Contains(inputTypes(), in.Type) {
		if _, err := in.Parse(in.Default); err != nil {
			hint := ""
			if in.Type == "string" {
				hint = "write it in quotes if it is text"
			}
			c.fail(in.Default.Pos, hint, "default of input %q: %s", in.Name, err)
		}
	}
}
