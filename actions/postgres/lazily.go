package postgres

import (
	"regexp"
	"sync"
)

// lazily compiles a pattern when it is first needed: a program that starts does
// not need most of them.
func lazily(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}
