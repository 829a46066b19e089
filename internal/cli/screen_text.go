package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/runbackhq/runback/actions"
)

// facts gives outputs in one line: what is plain and short, the rest counted.
func facts(out actions.Outputs) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(out)) {
		switch v := out[k].(type) {
		case nil:
			parts = append(parts, k+" unknown")
		case []any:
			if len(v) > 0 {
				parts = append(parts, fmt.Sprintf("%s %d", k, len(v)))
			}
		case map[string]any:
			if len(v) > 0 && len(v) <= 4 {
				parts = append(parts, k+" "+valueWord(v))
			}
		case string:
			if v != "" && len(v) <= 48 {
				parts = append(parts, k+" "+v)
			}
		default:
			parts = append(parts, k+" "+valueWord(v))
		}
	}
	return strings.Join(parts, ", ")
}

// valueWord gives a value in one line.
func valueWord(v any) string {
	switch x := v.(type) {
	case nil:
		return "(absent)"
	case string:
		return x
	case float64:
		return fmt.Sprintf("%.4g", x)
	case map[string]any:
		var parts []string
		for _, k := range slices.Sorted(maps.Keys(x)) {
			parts = append(parts, k+": "+valueWord(x[k]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case []any:
		b, err := json.Marshal(x)
		if err == nil {
			return string(b)
		}
	}
	return fmt.Sprint(v)
}

// wrapped prints text at an indent and breaks it at words, so that nothing
// runs over the edge of an 80-column terminal.
func (a *App) wrapped(indent, text string) {
	limit := max(min(a.Width, 140)-visible(indent), 30)
	for i, line := range wrapText(text, limit-2) {
		if i > 0 {
			line = "  " + line
		}
		fmt.Fprintln(a.Out, indent+line)
	}
}

func wrapText(text string, width int) []string {
	var lines []string
	line, col := "", 0
	for _, w := range strings.Fields(text) {
		n := visible(w)
		if col > 0 && col+1+n > width {
			lines = append(lines, line)
			line, col = "", 0
		}
		if col > 0 {
			line, col = line+" ", col+1
		}
		line, col = line+w, col+n
	}
	return append(lines, line)
}

// visible counts the columns of text without its colour codes.
func visible(s string) int {
	n := 0
	for {
		before, after, found := strings.Cut(s, "\x1b[")
		n += columnsOf(before)
		if !found {
			return n
		}
		_, s, _ = strings.Cut(after, "m")
	}
}
