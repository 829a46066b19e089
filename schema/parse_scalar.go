package schema

import (
	"regexp"
	"strconv"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// decimal is the one way to write a whole number. YAML reads 010 as 8, 0x10 as
// 16 and 1_000 as 1000; somebody else reads something else.
var decimal = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]*)$`)

func (p *parser) scalar(n *yaml.Node) Tree {
	t, width := Tree{Pos: p.pos(n), Kind: String, Value: n.Value}, utf8.RuneCountInString(n.Value)
	switch n.Tag {
	case "!!null":
		t.Kind, t.Value = Null, nil
	case "!!bool":
		t.Kind, t.Value = Bool, n.Value == "true" || n.Value == "True" || n.Value == "TRUE"
	case "!!int":
		if !decimal.MatchString(n.Value) {
			p.fail(t.Pos, width, "write it in decimal, or in quotes if it is text", "%s can be read as more than one number", n.Value)
			break
		}
		i, err := strconv.Atoi(n.Value)
		if err != nil {
			p.fail(t.Pos, width, "", "%s is not a whole number that fits 64 bits", n.Value)
		}
		t.Kind, t.Value = Int, i
	case "!!float":
		f, err := strconv.ParseFloat(n.Value, 64)
		if err != nil || f != f || f > 1e300 || f < -1e300 {
			p.fail(t.Pos, width, "", "%s is not a usable number", n.Value)
		}
		t.Kind, t.Value = Float, f
	case "!!str", "!!timestamp":
		return p.text(n, t)
	default:
		p.fail(t.Pos, width, "", "%q has no meaning here", n.Value)
	}
	return t
}
