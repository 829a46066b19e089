package guard

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Seen lists the values that a judgement rests on: a = 1, b unknown.
func (j Judgement) Seen() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(j.Values)) {
		v := j.Values[name]
		if v == nil {
			parts = append(parts, name+" unknown")
			continue
		}
		parts = append(parts, fmt.Sprintf("%s = %s", name, short(v)))
	}
	return strings.Join(parts, ", ")
}

func short(v any) string {
	s := fmt.Sprint(v)
	if text, ok := v.(string); ok {
		s = fmt.Sprintf("%q", text)
	}
	if r := []rune(s); len(r) > 60 {
		return string(r[:59]) + "…"
	}
	return s
}
