package alembic

import (
	"slices"
	"strings"
)

// harm is what a statement does to data, as far as its text tells.
type harm struct {
	kind   harmKind
	table  name
	column string
	to     string // the type that a column is converted to
}

// harmKind is a kind of harm.
type harmKind string

// The kinds. A table or column that is dropped takes its rows along; a type that
// changes converts them; rows that are deleted or written over are counted by
// their table at most. Code may do anything.
const (
	dropsTable   harmKind = "drops table"
	dropsColumn  harmKind = "drops column"
	converts     harmKind = "converts column"
	deletesRows  harmKind = "deletes rows of"
	changesRows  harmKind = "changes rows of"
	opaque       harmKind = "cannot be judged"
	makesTable   harmKind = "makes table" // no harm, but what is dropped later may be meant
	makesColumn  harmKind = "makes column"
	renames      harmKind = "renames"
	touchesTable harmKind = "touches table"
)

// benign lists first words of statements that take nothing away.
func benign() []string {
	return []string{"create", "comment", "grant", "revoke", "set", "reset", "select", "insert", "begin", "start", "commit", "end", "lock",
		"analyze", "vacuum", "reindex", "cluster", "refresh", "savepoint", "release", "show", "security", "alter"}
}

// harms judges a statement. What it does not know is opaque, not harmless.
func harms(st []token) []harm {
	w := &words{st}
	switch {
	case w.take("drop"):
		return drops(w)
	case w.take("alter", "table"), w.take("alter", "foreign", "table"):
		return alters(w)
	case w.take("truncate"):
		w.take("table")
		return lists(w, deletesRows)
	case w.take("delete", "from"):
		return lists(w, deletesRows)
	case w.take("update"):
		return lists(w, changesRows)
	case w.take("alter", "type") && w.has("attribute"):
		return []harm{{kind: opaque}}
	case w.take("insert", "into") && w.has("conflict") && w.has("update"):
		return lists(w, changesRows)
	case w.take("create"):
		return creates(w)
	case len(st) > 0 && !st[0].quoted && slices.Contains(benign(), st[0].text):
		return nil
	default:
		return []harm{{kind: opaque}}
	}
}

func creates(w *words) []harm {
	for w.take("unlogged") || w.take("unique") || w.take("or", "replace") {
	}
	switch {
	case w.take("table"):
		w.take("if", "not", "exists")
		if n, ok := w.name(); ok {
			return []harm{{kind: makesTable, table: n}}
		}
	case w.take("index"):
		for len(w.left) > 0 && !w.take("on") {
			w.left = w.left[1:]
		}
		w.take("only")
		if n, ok := w.name(); ok {
			return []harm{{kind: touchesTable, table: n}}
		}
	}
	return nil
}

// lists reads tables with commas between them.
func lists(w *words, kind harmKind) (out []harm) {
	w.take("only")
	for {
		n, ok := w.name()
		if !ok {
			return append(out, harm{kind: opaque})
		}
		out = append(out, harm{kind: kind, table: n})
		w.take("*")
		if !w.take(",") {
			return out
		}
	}
}

// drops: what else than tables holds data, or takes columns along.
func drops(w *words) []harm {
	switch {
	case w.take("table"), w.take("foreign", "table"):
		w.take("if", "exists")
		return lists(w, dropsTable)
	case w.take("index"):
		w.take("concurrently")
		w.take("if", "exists")
		return lists(w, touchesTable)
	case w.take("schema"), w.take("extension"), w.take("type"), w.take("domain"), w.take("function"):
		if w.has("cascade") {
			return []harm{{kind: opaque}}
		}
		return nil // refused by the server while anything needs it
	case w.take("owned"), w.take("database"), w.take("tablespace"), w.take("subscription"):
		return []harm{{kind: opaque}}
	default:
		return nil
	}
}

// alters goes through the actions of one ALTER TABLE.
func alters(w *words) (out []harm) {
	w.take("if", "exists")
	w.take("only")
	t, ok := w.name()
	if !ok {
		return []harm{{kind: opaque}}
	}
	w.take("*")
	out = append(out, harm{kind: touchesTable, table: t})
	for more := true; more; more = w.skip() {
		out = append(out, alteration(w, t)...)
	}
	return out
}

func alteration(w *words, t name) []harm {
	var kind harmKind
	switch {
	case w.take("drop", "constraint"):
		return nil
	case w.take("drop"):
		kind = dropsColumn
	case w.take("add", "constraint"), w.take("add", "primary"), w.take("add", "unique"), w.take("add", "foreign"), w.take("add", "check"), w.take("add", "exclude"):
		return nil
	case w.take("add"):
		kind = makesColumn
	case w.take("alter"):
		kind = converts
	case w.take("rename"), w.take("set", "schema"):
		return []harm{{kind: renames, table: t}}
	default:
		return nil
	}
	w.take("column")
	_ = w.take("if", "exists") || w.take("if", "not", "exists")
	c, ok := w.one()
	if !ok {
		return []harm{{kind: opaque}}
	}
	if kind != converts {
		return []harm{{kind: kind, table: t, column: c}}
	}
	if !w.take("type") && !w.take("set", "data", "type") {
		return nil
	}
	return []harm{{kind: converts, table: t, column: c, to: w.typeName()}}
}

// typeName reads the name of a type until what may follow it.
func (w *words) typeName() (out string) {
	for len(w.left) > 0 && !slices.Contains([]string{",", "using", "collate"}, w.left[0].text) {
		if t := w.left[0].text; t != "(" {
			out += t + " "
			w.left = w.left[1:]
			continue
		}
		for len(w.left) > 0 { // varchar(20): the length says nothing here
			t := w.left[0].text
			w.left = w.left[1:]
			if t == ")" {
				break
			}
		}
	}
	if len(w.left) > 0 && w.left[0].text == "using" {
		return "an expression"
	}
	return strings.TrimSpace(out)
}
