package k8s

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// path leads to a field: the keys of maps and the indexes of lists, as the
// segments of a JSON pointer.
type path []string

// pointer writes the path as a JSON patch wants it.
func (p path) pointer() string {
	escape := strings.NewReplacer("~", "~0", "/", "~1")
	var b strings.Builder
	for _, s := range p {
		b.WriteString("/" + escape.Replace(s))
	}
	return b.String()
}

func parsePointer(s string) (path, error) {
	if !strings.HasPrefix(s, "/") {
		return nil, fmt.Errorf("path %q does not begin with a slash: write it like /spec/replicas", s)
	}
	unescape := strings.NewReplacer("~1", "/", "~0", "~")
	var p path
	for part := range strings.SplitSeq(s[1:], "/") {
		p = append(p, unescape.Replace(part))
	}
	return p, nil
}

// parseDotted reads the form in which paths are shown to people:
// spec.template.spec.containers[app].image, metadata.annotations[example.com/x].
// In brackets stands a key that is no plain word, the name of a list's item, or
// its index. Which of these it is depends on the object: see locate.
func parseDotted(s string) (path, error) {
	var p path
	rest := s
	for rest != "" {
		var segment string
		if rest[0] == '[' {
			end := strings.IndexByte(rest, ']')
			if end < 0 {
				return nil, fmt.Errorf("path %q has a [ without its ]", s)
			}
			segment, rest = rest[1:end], strings.TrimPrefix(rest[end+1:], ".")
		} else {
			end := strings.IndexAny(rest, ".[")
			if end < 0 {
				end = len(rest)
			}
			segment, rest = rest[:end], strings.TrimPrefix(rest[end:], ".")
		}
		if segment == "" {
			return nil, fmt.Errorf("path %q has an empty part: write it like spec.selector", s)
		}
		p = append(p, segment)
	}
	if len(p) == 0 {
		return nil, fmt.Errorf("path is empty: write it like spec.selector")
	}
	return p, nil
}

// locate replaces the names of list items by their indexes.
func locate(root any, p path) (path, error) {
	out := slices.Clone(p)
	at := root
	for i, segment := range p {
		list, ok := at.([]any)
		if ok {
			n := indexOf(list, segment)
			if n < 0 {
				return nil, fmt.Errorf("no item %q in %s", segment, p[:i].show(root))
			}
			out[i] = strconv.Itoa(n)
		}
		at = child(at, out[i])
	}
	return out, nil
}

func indexOf(list []any, segment string) int {
	if i := slices.IndexFunc(list, func(v any) bool { return nameOf(v) == segment }); i >= 0 {
		return i
	}
	if n, err := strconv.Atoi(segment); err == nil && n >= 0 && n < len(list) {
		return n
	}
	return -1
}

// nameOf gives the name of a list's item, or "".
func nameOf(v any) string {
	m, _ := v.(map[string]any)
	name, _ := m["name"].(string)
	return name
}

// show writes the path for people, list items by their name.
func (p path) show(root any) string {
	out, at := "", root
	for _, segment := range p {
		next := child(at, segment)
		if _, ok := at.([]any); ok {
			if name := nameOf(next); name != "" {
				segment = name
			}
			out += "[" + segment + "]"
		} else {
			out += key(out, segment)
		}
		at = next
	}
	return out
}

var plainKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// key writes the key of a map after what stands before it.
func key(before, k string) string {
	switch {
	case !plainKey.MatchString(k):
		return "[" + k + "]"
	case before == "":
		return k
	}
	return "." + k
}

// child gives what lies under a key or an index, or nil.
func child(v any, segment string) any {
	switch x := v.(type) {
	case map[string]any:
		return x[segment]
	case []any:
		if n, err := strconv.Atoi(segment); err == nil && n >= 0 && n < len(x) {
			return x[n]
		}
	}
	return nil
}

// lookup gives the value of a field, or nil when it is absent. The API server
// drops fields that are null, so the two are one.
func lookup(root any, p path) any {
	for _, segment := range p {
		root = child(root, segment)
	}
	return root
}

// assign sets a field in place, and removes it when the value is nil. Maps that
// are missing on the way are made.
func assign(root any, p path, v any) error {
	at := root
	for i, segment := range p[:len(p)-1] {
		next := child(at, segment)
		if next == nil {
			m, ok := at.(map[string]any)
			if !ok {
				return fmt.Errorf("no item %q in %s", segment, p[:i].show(root))
			}
			next = map[string]any{}
			m[segment] = next
		}
		at = next
	}
	last := p[len(p)-1]
	switch x := at.(type) {
	case map[string]any:
		if v == nil {
			delete(x, last)
		} else {
			x[last] = v
		}
		return nil
	case []any:
		if n, err := strconv.Atoi(last); err == nil && n >= 0 && n < len(x) && v != nil {
			x[n] = v
			return nil
		}
	}
	return fmt.Errorf("%s cannot be set: %s is neither a map nor an item of a list", p.show(root), p[:len(p)-1].show(root))
}
