package cli

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/runbackhq/runback/internal/journal"
)

// part is one thing that a run acts on, for people.
type part struct{ kind, name, where, as string }

// parts tells what an identity is made of: the cluster, the databases, the
// terraform directories.
func parts(id journal.Identity) []part {
	var out []part
	if id["cluster"] != "" {
		out = append(out, part{"cluster", id["context"] + "/" + id["namespace"], id["server"], "as " + id["user"]})
	}
	for _, key := range slices.Sorted(maps.Keys(id)) {
		kind, rest, _ := strings.Cut(key, ".")
		name, last, ok := strings.Cut(rest, ".")
		of := func(field string) string { return id[kind+"."+name+"."+field] }
		switch {
		case ok && kind == "database" && last == "system":
			out = append(out, part{kind, name, of("database") + " at " + of("server"), "as " + of("user")})
		case ok && kind == "terraform" && last == "dir":
			out = append(out, part{kind, name, of("dir"), "workspace " + cmp.Or(of("workspace"), "default")})
		}
	}
	return out
}

// pin is what tells a part from another one of the same name.
func (p part) pin(id journal.Identity) string {
	switch p.kind {
	case "database":
		return "server has system identifier " + id["database."+p.name+".system"]
	case "terraform":
		if lineage := id["terraform."+p.name+".lineage"]; lineage != "" {
			return "state has lineage " + lineage
		}
		return "there is no state yet"
	default:
		return "uid " + id["cluster"]
	}
}

// line tells a part in one line; a cluster as it always was, the others with
// their kind.
func (p part) line() string {
	if p.kind == "cluster" {
		return p.name + " at " + p.where + " " + p.as
	}
	return p.kind + " " + p.name + ": " + p.where + " " + p.as
}
