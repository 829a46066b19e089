package alembic

import (
	"strings"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pod"
	"github.com/runbackhq/runback/schema"
)

// project is what every action is told.
type project struct {
	Database string `json:"database,omitempty" names:"databases" doc:"name of the database in the target; may be left out when there is only one"`
	Dir      string `json:"dir" doc:"folder of the project, from which alembic is run; its code must be that of the newest version that the database has seen"`
	pod.Choice
	Config           string            `json:"config" default:"alembic.ini" doc:"configuration of alembic, from that folder"`
	Section          string            `json:"section" default:"alembic" doc:"section of the configuration, as alembic -n names it"`
	X                map[string]string `json:"x,omitempty" doc:"what env.py gets as alembic -x name=value; it is recorded, so no secrets"`
	Python           string            `json:"python,omitempty" doc:"Python that has alembic, like .venv/bin/python; without it, the one that the program alembic in PATH starts with"`
	Env              map[string]string `json:"env,omitempty" doc:"variables on top of the environment of runback; they are recorded, so no secrets. Variables of libpq (PG...) are set by runback"`
	URLEnv           string            `json:"url_env,omitempty" doc:"name of a variable that gets the URL of the database without a password, for an env.py that reads one; libpq finds the password by itself"`
	VersionTable     string            `json:"version_table,omitempty" doc:"table in which env.py keeps the version; given, anything else is refused"`
	VersionSchema    string            `json:"version_schema,omitempty" doc:"schema of that table; given, anything else is refused"`
	LockTimeout      schema.Duration   `json:"lock_timeout" default:"5s" doc:"how long a statement waits for a lock before all is given up; a statement that waits makes everybody behind it wait; 0 waits as long as the step may take"`
	StatementTimeout schema.Duration   `json:"statement_timeout" default:"0s" doc:"how long one statement may take; 0 is as long as the step may take"`
}

// moveIn is what a downgrade or upgrade is told.
type moveIn struct {
	project
	To             string          `json:"to,omitempty" doc:"where to: a revision, the beginning of one, base, heads, or relative like -1, +1 or branch@-1; it is made absolute before anything is done"`
	Heads          []string        `json:"heads,omitempty" doc:"instead of to, the revisions that the database shall be at afterwards, exactly; [base] for none"`
	AcceptDataLoss bool            `json:"accept_data_loss" default:"false" doc:"whether rows and columns may be lost; without it, a move that would lose any, or of which that cannot be known, is refused"`
	Grace          schema.Duration `json:"grace" default:"10s" doc:"how long alembic has to roll back and end when its time is over, before it is ended by force"`
}

func (p project) valid() error {
	for name := range p.Env {
		switch {
		case name == "" || strings.ContainsAny(name, "=\x00"):
			return actions.Invalid("", "env: %q is no name of a variable", name)
		case strings.HasPrefix(name, "PG"):
			return actions.Invalid("say it in the target's URL of the database", "env: %s would lead libpq elsewhere than the target", name)
		}
	}
	if !p.IsZero() && p.URLEnv != "" {
		return actions.Invalid("let env.py take the URL from where the application in the pod does", "url_env: a password cannot be given to a pod")
	}
	if strings.HasPrefix(p.URLEnv, "PG") || strings.ContainsAny(p.URLEnv, "=\x00") {
		return actions.Invalid("", "url_env: %q cannot be used", p.URLEnv)
	}
	return nil
}

func (in moveIn) valid() error {
	switch {
	case in.To == "" && len(in.Heads) == 0:
		return actions.Invalid("write it like to: -1, or to: base", "the step does not say where to")
	case in.To != "" && len(in.Heads) > 0:
		return actions.Invalid("", "the step names both to and heads")
	case strings.ContainsAny(in.To, ":, \t\n"):
		return actions.Invalid("a range is for SQL only; several revisions are written as heads: [a, b]", "to: %q is no revision", in.To)
	}
	return in.project.valid()
}
