package schema

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Parse reads one YAML document. All structural mistakes come at once; a file
// with a syntax error has one mistake, since nothing after it can be trusted.
//
// A second document is refused: yaml.v3 would silently ignore it, and a
// playbook of which half does not run is worse than none.
func Parse(file string, src []byte) (Tree, Diagnostics) {
	src = bytes.TrimPrefix(src, []byte(byteOrderMark))
	if found := prescan(file, src); found != nil {
		return Tree{}, found
	}
	dec := yaml.NewDecoder(bytes.NewReader(src))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return Tree{}, emptyFile(file)
		}
		return Tree{}, syntaxError(file, err)
	}
	var second yaml.Node
	switch err := dec.Decode(&second); {
	case err == nil:
		at := Pos{File: file, Line: second.Line, Col: second.Column}
		return Tree{}, oneDiagnostic(at, "a second document begins here; a file holds one", "put it into a file of its own")
	case !errors.Is(err, io.EOF):
		return Tree{}, syntaxError(file, err)
	}
	p := &parser{file: file, lines: strings.Split(string(src), "\n")}
	t := p.tree(doc.Content[0], 0)
	if t.Kind == Null && len(p.found) == 0 {
		return Tree{}, emptyFile(file)
	}
	return t, p.found
}

func emptyFile(file string) Diagnostics {
	return oneDiagnostic(Pos{File: file, Line: 1, Col: 1}, "the file is empty", "")
}

func oneDiagnostic(at Pos, message, hint string) Diagnostics {
	return Diagnostics{{Pos: at, Message: message, Hint: hint}}
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// syntaxError gives the parser's message a place. yaml.v3 puts the line into
// the text and nowhere else.
func syntaxError(file string, err error) Diagnostics {
	at, message := Pos{File: file, Line: 1, Col: 1}, err.Error()
	if m := yamlLine.FindStringSubmatch(strings.SplitN(message, "\n", 2)[0]); m != nil {
		if n, convErr := strconv.Atoi(m[1]); convErr == nil {
			at.Line = n
		}
		message = m[2]
	}
	return oneDiagnostic(at, "not YAML: "+message, "check indentation, colons and quotes around this line")
}

// parser turns the nodes of yaml.v3 into a Tree.
type parser struct {
	file   string
	lines  []string
	nodes  int
	cursor *walker // where the last template began: the next is not far
	found  Diagnostics
}

func (p *parser) pos(n *yaml.Node) Pos { return Pos{File: p.file, Line: n.Line, Col: n.Column} }

func (p *parser) fail(at Pos, width int, hint, format string, args ...any) {
	p.found = append(p.found, Diagnostic{Pos: at, Width: width, Message: clip(fmt.Sprintf(format, args...)), Hint: hint})
}

func (p *parser) tree(n *yaml.Node, depth int) Tree {
	p.nodes++
	if depth > maxDepth || p.nodes > maxNodes {
		if p.nodes < 2*maxNodes { // say it once
			p.fail(p.pos(n), 1, "", "the document is too large or nested too deeply")
			p.nodes = 2 * maxNodes
		}
		return Tree{Pos: p.pos(n)}
	}
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		// An alias is a second way to write the same thing, and the way to
		// build a document that grows without bound.
		p.fail(p.pos(n), len(n.Value)+1, "write the value out, or make it an input", "aliases and anchors are not part of the language")
		return Tree{Pos: p.pos(n)}
	}
	if n.Style&yaml.TaggedStyle != 0 {
		// A tag is a second way to say what quotes say already.
		p.fail(p.pos(n), 1, `to say "not", quote the whole: when: "!steps.a.outputs.ok"`, "tag %s: tags are not part of the language", n.Tag)
		return Tree{Pos: p.pos(n)}
	}
	switch n.Kind {
	case yaml.MappingNode:
		return p.mapping(n, depth)
	case yaml.SequenceNode:
		t := Tree{Pos: p.pos(n), Kind: List}
		for _, c := range n.Content {
			t.Items = append(t.Items, p.tree(c, depth+1))
		}
		return t
	default:
		return p.scalar(n)
	}
}

func (p *parser) mapping(n *yaml.Node, depth int) Tree {
	t := Tree{Pos: p.pos(n), Kind: Map}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.Kind != yaml.ScalarNode || k.Tag == "!!merge" || k.Tag == "!!null" || k.Anchor != "" || strings.Contains(k.Value, openExpr) {
			p.fail(p.pos(k), 1, "", "a key is plain text")
			continue
		}
		if first, dup := seen[k.Value]; dup {
			p.fail(p.pos(k), len([]rune(k.Value)), "", "key %q was written already on line %d", k.Value, first)
			continue
		}
		seen[k.Value] = k.Line
		t.Pairs = append(t.Pairs, Pair{Key: k.Value, At: p.pos(k), Value: p.tree(v, depth+1)})
	}
	return t
}
