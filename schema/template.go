package schema

import (
	"strings"

	"gopkg.in/yaml.v3"
)

const (
	openExpr  = "${{"
	closeExpr = "}}"
)

// text makes a String, or a Template when the text holds ${{ }}.
func (p *parser) text(n *yaml.Node, t Tree) Tree {
	t.Pos = p.contentPos(n)
	if !strings.Contains(n.Value, openExpr) {
		return t
	}
	parts, ok := p.split(n.Value, t.Pos)
	if !ok {
		return t
	}
	t.Kind, t.Value, t.Parts = Template, nil, parts
	return t
}

// split cuts text into literals and expressions and finds the place of each
// expression in the document.
func (p *parser) split(text string, at Pos) ([]Part, bool) {
	var parts []Part
	w := p.walk(at)
	for rest := text; ; {
		before, after, found := strings.Cut(rest, openExpr)
		if before != "" {
			parts = append(parts, Part{Text: before})
		}
		if !found {
			return parts, true
		}
		w.through(before)
		w.skipSpace()
		from := w.pos()
		end := closing(after)
		if end < 0 {
			p.fail(from, len(openExpr), "close it with }}", "expression has no end")
			return nil, false
		}
		raw := after[:end]
		if strings.TrimSpace(raw) == "" {
			p.fail(from, len(openExpr), "", "expression is empty")
			return nil, false
		}
		w.through(openExpr)
		w.skipSpace()
		parts = append(parts, Part{Text: strings.TrimSpace(raw), Expr: true, At: w.pos()})
		w.through(raw + closeExpr)
		rest = after[end+len(closeExpr):]
	}
}

// walk gives a walker that stands at a place. Many templates may stand on one
// line, so it goes on from the one before instead of counting columns again.
func (p *parser) walk(at Pos) *walker {
	if c := p.cursor; c == nil || c.line != at.Line-1 || c.col > at.Col-1 {
		p.cursor = newWalker(p.lines, Pos{File: p.file, Line: at.Line, Col: 1})
	}
	p.cursor.to(at.Col)
	w := *p.cursor
	return &w
}

// closing finds the end of an expression, stepping over quoted text and over
// the braces of a map literal, so that ${{ {a: {b: 1}} }} ends where it looks.
func closing(s string) int {
	depth, quote := 0, byte(0)
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote != 0 && c == '\\' && quote != '`':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'' || c == '`':
			quote = c
		case c == '{':
			depth++
		case c == '}' && depth > 0:
			depth--
		case c == '}' && strings.HasPrefix(s[i:], closeExpr):
			return i
		}
	}
	return -1
}

// contentPos is the place of the first character of the content: behind the
// quote of quoted text, on the next line for a literal or folded block.
func (p *parser) contentPos(n *yaml.Node) Pos {
	at := p.pos(n)
	switch n.Style {
	case yaml.DoubleQuotedStyle, yaml.SingleQuotedStyle:
		return at.After(1)
	case yaml.LiteralStyle, yaml.FoldedStyle:
		for line := at.Line + 1; line <= len(p.lines) && n.Value != ""; line++ {
			text := p.lines[line-1]
			if trimmed := strings.TrimLeft(text, " "); trimmed != "" {
				return Pos{File: p.file, Line: line, Col: len(text) - len(trimmed) + 1}
			}
		}
	default: // plain text begins where its node does
	}
	return at
}
