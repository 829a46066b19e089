package executor

import (
	"errors"
	"fmt"
	"strings"

	"github.com/runbackhq/runback/internal/guard"
	"github.com/runbackhq/runback/schema"
)

func (c *compiler) fail(at schema.Pos, hint, format string, args ...any) {
	c.failWide(at, 1, hint, format, args...)
}

func (c *compiler) failWide(at schema.Pos, width int, hint, format string, args ...any) {
	c.found = append(c.found, schema.Diagnostic{Pos: at, Width: width, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// exprError places an error of an expression inside the file and adds what the
// author may have meant.
func (c *compiler) exprError(at schema.Pos, source string, err error) {
	message := err.Error()
	if ge, ok := errors.AsType[*guard.Error](err); ok {
		at = schema.Within(c.text, at, source, offset(source, ge))
	}
	c.found = append(c.found, schema.Diagnostic{Pos: at, Width: 1, Message: "expression: " + message, Hint: c.meant(message)})
}

// offset counts the runes of the source before the place of a mistake.
func offset(source string, e *guard.Error) int {
	lines := strings.SplitAfter(source, "\n")
	n := e.Col - 1
	for i := 0; i < e.Line-1 && i < len(lines); i++ {
		n += len([]rune(lines[i]))
	}
	return n
}

func (c *compiler) meant(message string) string {
	_, word, ok := strings.Cut(message, "unknown field ")
	if !ok {
		if _, word, ok = strings.Cut(message, "unknown name "); !ok {
			return ""
		}
	}
	word, _, _ = strings.Cut(word, " ")
	switch {
	case c.later[word]:
		return fmt.Sprintf("step %q runs later: a step sees only what ran before it", word)
	case word == "outputs":
		return "the outputs of the step itself can be named in expect and verify only"
	case word == "secrets":
		return "a secret can stand only where it is used and not shown; see: runback actions NAME"
	case word == "steps" || word == "run":
		return "a target is known before anything runs: it can name inputs only"
	}
	known := []string{"project", "name", "title", "strategy", "owners", "values", "contacts", "inputs", "steps", "run", "outputs", "status"}
	for _, f := range append(c.inputs.Fields, c.steps...) {
		known = append(known, f.Name)
	}
	for _, s := range c.steps {
		for _, f := range s.Type.Fields[1].Type.Fields {
			known = append(known, f.Name)
		}
	}
	return schema.DidYouMean(word, known)
}
