package alembic

import "strings"

// token is a piece of SQL: a word in lower case, a quoted name, a symbol. What
// is in strings and comments is left out.
type token struct {
	text   string
	quoted bool // a name between quotes: as it is, and no keyword
}

// statements splits SQL into statements and these into tokens: PostgreSQL's
// documentation, 4.1, "Lexical Structure". A string is kept as the token ”.
func statements(sql string) (out [][]token) {
	var now []token
	for s := sql; s != ""; {
		t, rest := next(s)
		s = rest
		switch {
		case t.text == ";" && !t.quoted:
			if len(now) > 0 {
				out = append(out, now)
			}
			now = nil
		case t.text != "" || t.quoted:
			now = append(now, t)
		}
	}
	if len(now) > 0 {
		out = append(out, now)
	}
	return out
}

// next takes one token from a text that is not empty. An empty token is space
// or a comment.
func next(s string) (token, string) {
	switch c := s[0]; {
	case strings.HasPrefix(s, "--"):
		_, rest, _ := strings.Cut(s, "\n")
		return token{}, rest
	case strings.HasPrefix(s, "/*"):
		return token{}, s[comment(s):]
	case c == '\'':
		return token{text: "''"}, s[closed(s, '\'', false):]
	case c == '"':
		end := closed(s, '"', false)
		return token{strings.ReplaceAll(strings.Trim(s[:end], `"`), `""`, `"`), true}, s[end:]
	case c == '$':
		if end := dollar(s); end > 0 {
			return token{text: "''"}, s[end:]
		}
		return token{text: "$"}, s[1:]
	case letter(c):
		end := 1
		for end < len(s) && (letter(s[end]) || s[end] >= '0' && s[end] <= '9' || s[end] == '$') {
			end++
		}
		word := strings.ToLower(s[:end])
		if word == "e" && end < len(s) && s[end] == '\'' { // E'it\'s'
			return token{text: "''"}, s[end+closed(s[end:], '\'', true):]
		}
		return token{text: word}, s[end:]
	case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f':
		return token{}, s[1:]
	default:
		return token{text: s[:1]}, s[1:]
	}
}

func letter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}

// closed gives the length of what begins with a quote, through its end. The
// quote is written twice inside, or behind a backslash where those count.
func closed(s string, quote byte, backslash bool) int {
	for i := 1; i < len(s); i++ {
		switch {
		case backslash && s[i] == '\\':
			i++
		case s[i] != quote:
		case i+1 < len(s) && s[i+1] == quote:
			i++
		default:
			return i + 1
		}
	}
	return len(s)
}

// comment gives the length of a comment; they nest.
func comment(s string) int {
	depth := 0
	for i := 0; i+1 < len(s); i++ {
		switch s[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
			if depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}

// dollar gives the length of a dollar-quoted string, or 0 when it is none.
func dollar(s string) int {
	end := strings.IndexByte(s[1:], '$')
	if end < 0 {
		return 0
	}
	tag := s[:end+2]
	for i := 1; i < len(tag)-1; i++ {
		if !letter(tag[i]) && (i == 1 || tag[i] < '0' || tag[i] > '9') {
			return 0
		}
	}
	if at := strings.Index(s[len(tag):], tag); at >= 0 {
		return len(tag) + at + len(tag)
	}
	return len(s)
}

// words walks through a statement.
type words struct {
	left []token
}

// take steps over the keywords if they come next.
func (w *words) take(keywords ...string) bool {
	if len(w.left) < len(keywords) {
		return false
	}
	for i, k := range keywords {
		if w.left[i].quoted || w.left[i].text != k {
			return false
		}
	}
	w.left = w.left[len(keywords):]
	return true
}

// name takes a name, with its schema where there is one.
func (w *words) name() (out name, ok bool) {
	first, ok := w.one()
	if !ok {
		return name{}, false
	}
	if w.take(".") {
		second, ok := w.one()
		return name{first, second}, ok
	}
	return name{"", first}, true
}

func (w *words) one() (string, bool) {
	if len(w.left) == 0 || w.left[0].text == "" || !w.left[0].quoted && !letter(w.left[0].text[0]) {
		return "", false
	}
	t := w.left[0].text
	w.left = w.left[1:]
	return t, true
}

// has says whether a keyword comes anywhere.
func (w *words) has(keyword string) bool {
	for _, t := range w.left {
		if !t.quoted && t.text == keyword {
			return true
		}
	}
	return false
}

// skip steps behind the next comma that is outside of parentheses.
func (w *words) skip() bool {
	depth := 0
	for i, t := range w.left {
		switch {
		case t.quoted:
		case t.text == "(" || t.text == "[":
			depth++
		case t.text == ")" || t.text == "]":
			depth--
		case t.text == "," && depth == 0:
			w.left = w.left[i+1:]
			return true
		}
	}
	w.left = nil
	return false
}

// name is a name as it is written: the schema may be left out.
type name struct{ Schema, Name string }

func (n name) String() string {
	if n.Schema == "" {
		return n.Name
	}
	return n.Schema + "." + n.Name
}
