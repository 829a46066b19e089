package httpcheck

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

func tell(o checkOut) string {
	s := fmt.Sprintf("%d of %d requests passed", o.Passed, o.Total)
	if o.P95MS != nil {
		s += fmt.Sprintf(", p95 %d ms", *o.P95MS)
	}
	if len(o.Versions) > 0 {
		s += ", answered by " + strings.Join(slices.Sorted(maps.Keys(o.Versions)), ", ")
	}
	if o.Error != "" {
		s += "; " + o.Error
	}
	return s
}
