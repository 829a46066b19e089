package postgres

import (
	"strings"
)

// facts is what a dump holds and what it needs, read from the SQL that would be
// run: the file itself, or what pg_restore makes of an archive.
type facts struct {
	Complete   bool             // it ends with the end marker of pg_dump
	Statements int              // statements, commands of psql not counted
	Tables     map[string]int64 // rows by table
	HasData    map[string]bool  // tables that have a section of data
	Objects    map[string]bool  // "table public.a", "view public.v"
	Roles      map[string]bool  // owners
	Grantees   map[string]bool  // roles that get privileges
	Extensions map[string]bool
	Spaces     map[string]bool   // tablespaces
	Settings   map[string]bool   // parameters that it sets
	Superuser  map[string]bool   // kinds of objects that only a superuser makes
	Outside    []string          // what would act outside of the database
	Control    []string          // BEGIN, COMMIT and the like
	Commands   []string          // commands of psql that do more than \restrict
	Drops      bool              // whether it drops what it makes
	Restrict   bool              // whether it needs a psql that knows \restrict
	Versions   map[string]string // "database", "pg_dump"

	copyInto string
}

const mostListed = 10

func newFacts() *facts {
	return &facts{Tables: map[string]int64{}, HasData: map[string]bool{}, Objects: map[string]bool{}, Roles: map[string]bool{}, Grantees: map[string]bool{}, Extensions: map[string]bool{},
		Spaces: map[string]bool{}, Settings: map[string]bool{}, Superuser: map[string]bool{}, Versions: map[string]string{}}
}

// scanner gives the scanner that fills the facts.
func (f *facts) scanner() *scanner {
	return &scanner{prev: '\n', statement: f.statement, meta: f.command, remark: f.remark, row: func() { f.Tables[f.copyInto]++ }}
}

const name = `((?:"(?:[^"]|"")*"|[^\s."(),;]+)(?:\.(?:"(?:[^"]|"")*"|[^\s."(),;]+))?)`

var (
	createsTable = lazily(`(?i)^create (?:unlogged |global |local |foreign )*table (?:if not exists )?` + name)
	createsOther = lazily(`(?i)^create (?:or replace )?(?:temp |temporary |recursive )*(materialized view|view|sequence|schema) (?:if not exists )?` + name)
	fillsTable   = lazily(`(?i)^(copy|insert into) (?:only )?` + name)
	ownedBy      = lazily(`(?i) owner to ` + name + `$|^set session authorization '?` + name + `|^create schema .* authorization ` + name + `$|^alter default privileges for role ` + name)
	grantsTo     = lazily(`(?i)^(?:grant|revoke|alter default privileges) .* (?:to|from) (.+?)(?: with grant option)?(?: cascade| restrict)?(?: granted by .*)?$`)
	extension    = lazily(`(?i)^create extension (?:if not exists )?` + name)
	tablespace   = lazily(`(?i)^set default_tablespace (?:=|to) '?([^';]*)|\btablespace ` + name + `$`)
	sets         = lazily(`(?i)^set (?:session )?([a-z_.]+) (?:=|to) |^select (?:pg_catalog\.)?set_config ?\('([^']+)'`)
	onlySuper    = lazily(`(?i)^create (?:or replace )?(event trigger|foreign data wrapper|subscription|(?:trusted |procedural )*language|cast|access method|transform|text search (?:parser|template)|operator (?:class|family)|publication .* for all tables)\b`)
	outside      = lazily(`(?i)^(?:(?:create|drop|alter) (?:database|role|user|group|tablespace|subscription|system)\b|(?:comment|security label .*) on (?:database|role|tablespace)\b|(?:grant|revoke) .* on (?:database|tablespace)\b|drop owned|reassign owned|alter system\b)`)
	mapping      = lazily(`(?i)^(create|drop|alter) (user mapping|subscription)\b`)
	control      = lazily(`(?i)^(begin|commit|rollback|end|start transaction|abort|savepoint|release|prepare transaction|vacuum|create index concurrently|create unique index concurrently|reindex .*concurrently)\b`)
	version      = lazily(`^Dumped (?:from|by) (database|pg_dump) version:? ([0-9]+(?:\.[0-9]+)*)`)
)

func (f *facts) remark(text string) {
	switch m := version().FindStringSubmatch(text); {
	case m != nil:
		f.Versions[m[1]] = m[2]
	case text == "-- PostgreSQL database dump complete", text == "PostgreSQL database dump complete":
		f.Complete = true
	case strings.HasSuffix(text, "PostgreSQL database cluster dump"):
		f.Outside = append(f.Outside, "the dump of a whole server (pg_dumpall)")
	}
}

func (f *facts) command(line string) {
	word, _, _ := strings.Cut(line, " ")
	switch word {
	case `\restrict`, `\unrestrict`:
		f.Restrict = true
	default:
		f.Commands = listed(f.Commands, line)
		f.Complete = false
	}
}

func (f *facts) statement(head string) {
	f.Statements++
	f.Complete = false
	head = strings.TrimSpace(head)
	if m := fillsTable().FindStringSubmatch(head); m != nil {
		f.copyInto = qualified(m[2])
		f.HasData[f.copyInto] = true
		if !strings.EqualFold(m[1], "copy") {
			f.Tables[f.copyInto]++ // a statement of pg_dump --inserts; more rows than one are counted as one
		} else if _, there := f.Tables[f.copyInto]; !there {
			f.Tables[f.copyInto] = 0
		}
		return
	}
	f.makes(head)
	f.needs(head)
	if outside().MatchString(head) && !mapping().MatchString(head) {
		f.Outside = listed(f.Outside, short(head))
	}
	if control().MatchString(head) {
		f.Control = listed(f.Control, short(head))
	}
	f.Drops = f.Drops || len(head) > 5 && strings.EqualFold(head[:5], "drop ")
}

func (f *facts) makes(head string) {
	if m := createsTable().FindStringSubmatch(head); m != nil {
		f.Objects["table "+qualified(m[1])] = true
	}
	if m := createsOther().FindStringSubmatch(head); m != nil {
		kind, name := strings.ToLower(m[1]), qualified(m[2])
		if kind == "schema" {
			name = strings.TrimPrefix(name, "public.")
		}
		f.Objects[kind+" "+name] = true
	}
	if m := onlySuper().FindStringSubmatch(head); m != nil {
		f.Superuser[strings.ToLower(m[1])] = true
	}
}

func (f *facts) needs(head string) {
	if m := ownedBy().FindStringSubmatch(head); m != nil {
		f.Roles[unquoted(m[1]+m[2]+m[3]+m[4])] = true
	}
	if m := grantsTo().FindStringSubmatch(head); m != nil {
		for _, r := range strings.Split(m[1], ",") {
			if r = unquoted(strings.TrimSpace(r)); !strings.EqualFold(r, "public") && r != "" {
				f.Grantees[r] = true
			}
		}
	}
	if m := extension().FindStringSubmatch(head); m != nil {
		f.Extensions[unquoted(m[1])] = true
	}
	if m := tablespace().FindStringSubmatch(head); m != nil && m[1]+m[2] != "" && m[1] != "''" {
		f.Spaces[unquoted(m[1]+m[2])] = true
	}
	if m := sets().FindStringSubmatch(head); m != nil {
		f.Settings[strings.ToLower(m[1]+m[2])] = true
	}
}

func listed(list []string, more string) []string {
	if len(list) < mostListed {
		return append(list, more)
	}
	return list
}

func short(head string) string {
	if r := []rune(head); len(r) > 80 {
		return string(r[:80]) + "…"
	}
	return head
}

// qualified gives a name as the server writes it, with its schema.
func qualified(s string) string {
	parts := splitName(s)
	if len(parts) == 1 {
		parts = append([]string{"public"}, parts...)
	}
	return strings.Join(parts, ".")
}

func unquoted(s string) string { return strings.Join(splitName(s), ".") }

// splitName takes the quotes from a name; what is not quoted is folded to lower
// case, as the server does.
func splitName(s string) []string {
	var out []string
	for s != "" {
		var part string
		if s[0] == '"' {
			end := 1
			for end < len(s) && (s[end] != '"' || end+1 < len(s) && s[end+1] == '"') {
				if s[end] == '"' {
					end++
				}
				end++
			}
			part, s = strings.ReplaceAll(s[1:min(end, len(s))], `""`, `"`), s[min(end+1, len(s)):]
		} else {
			part, s, _ = strings.Cut(s, ".")
			out = append(out, strings.ToLower(strings.Trim(part, "'")))
			continue
		}
		out = append(out, part)
		s = strings.TrimPrefix(s, ".")
	}
	return out
}

// created are the tables that it makes.
func (f *facts) created() []string {
	var out []string
	for o := range f.Objects {
		if t, ok := strings.CutPrefix(o, "table "); ok {
			out = append(out, t)
		}
	}
	return out
}
