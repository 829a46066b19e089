package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/pg"
	"github.com/runbackhq/runback/schema"
)

type terminateIn struct {
	which
	PID          int             `json:"pid,omitempty" minimum:"1" doc:"the session to end, together with backend_start"`
	BackendStart string          `json:"backend_start,omitempty" doc:"when that session began, as postgres.locks tells it: a pid alone is given out again"`
	Sessions     []any           `json:"sessions,omitempty" doc:"several sessions, each with pid and backend_start: the blockers of a step postgres.locks"`
	Blockers     bool            `json:"blockers,omitempty" doc:"whether to end those who hold what others wait for now and wait for nobody themselves"`
	OlderThan    schema.Duration `json:"older_than" default:"0s" doc:"with blockers: leave out those whose transaction is younger"`
	Grace        schema.Duration `json:"grace" default:"3s" doc:"time that a statement has to end after it was cancelled, before its session is ended"`
}

// victim is one session, by what does not come back.
type victim struct {
	PID         int       `json:"pid"`
	Started     time.Time `json:"started"`
	User        string    `json:"user"`
	Application string    `json:"application"`
}

type terminateState struct {
	Victims []victim `json:"victims"`
}

type terminateOut struct {
	Ended int  `json:"ended" doc:"number of the sessions that are gone"`
	Gone  bool `json:"gone" doc:"whether all of them are gone"`
}

func terminateAction() actions.Action {
	return actions.Define(actions.Def[terminateIn, terminateState, terminateOut]{
		Name:    "postgres.terminate",
		Summary: "End sessions of a database, each named by pid and start: its statement is cancelled first, then the session is ended and its open transaction is lost.",
		Effect:  actions.Destroy,
		Prepare: prepareTerminate, Preview: previewTerminate, Run: terminate, Probe: probeTerminate,
		NoUndo: "a session that was ended does not come back; its client connects anew",
		Tell:   func(o terminateOut) string { return fmt.Sprintf("%d sessions ended", o.Ended) },
		Examples: []actions.Example{
			{Title: "End those who hold the locks", YAML: "uses: postgres.terminate\nwith: {blockers: true, older_than: 30s}"},
			{Title: "End those that an earlier step found", YAML: "uses: postgres.terminate\nwith:\n  sessions:\n    - {pid: 4711, backend_start: \"2026-01-31T03:00:00.123456Z\"}"},
		},
	})
}

func prepareTerminate(ctx context.Context, c *actions.Call, in terminateIn) (terminateState, error) {
	named, err := in.named()
	if err != nil {
		return terminateState{}, err
	}
	conn, err := in.open(ctx, c)
	if err != nil {
		return terminateState{}, err
	}
	defer conn.Close()
	if conn.ID.Replica && in.Blockers {
		return terminateState{}, actions.Refuse("ask the primary", "%s is a replica: the locks of the primary are not seen there", conn.ID.Server)
	}
	if in.Blockers {
		if named, err = in.blockersNow(ctx, conn); err != nil {
			return terminateState{}, err
		}
	}
	st := terminateState{Victims: []victim{}}
	for _, v := range named {
		if v, err = mayEnd(ctx, conn, v); err != nil {
			return st, err
		}
		st.Victims = append(st.Victims, v)
	}
	return st, nil
}

// blockersNow are the roots of the lock trees that are old enough.
func (in terminateIn) blockersNow(ctx context.Context, conn *pg.Conn) ([]victim, error) {
	all, err := sessions(ctx, conn)
	if err != nil {
		return nil, err
	}
	var out []victim
	for _, s := range newForest(all).roots() {
		switch {
		case s.pid == 0:
			return nil, actions.Refuse("see postgres.locks for its name, then: ROLLBACK PREPARED 'name'", "a prepared transaction blocks others: there is no session to end")
		case s.started == nil:
			return nil, hidden(s.pid)
		case in.OlderThan > 0 && (s.age == nil || *s.age < in.OlderThan.Std().Seconds()):
			continue
		}
		out = append(out, victim{PID: s.pid, Started: *s.started})
	}
	return out, nil
}

func hidden(pid int) error {
	return actions.Refuse("grant pg_read_all_stats to the role in the URL of the database", "when session %d began cannot be seen, so it cannot be told from another with the same pid", pid)
}

func previewTerminate(ctx context.Context, c *actions.Call, in terminateIn, st terminateState) (actions.Preview, error) {
	p := actions.Preview{Label: actions.Predicted, Summary: "nothing to do: no such session", Object: "sessions"}
	if len(st.Victims) == 0 {
		return p, nil
	}
	p.Summary = fmt.Sprintf("ends %d sessions; what their transactions did is rolled back", len(st.Victims))
	conn, err := in.open(ctx, c)
	if err != nil {
		return p, err
	}
	defer conn.Close()
	for _, v := range st.Victims {
		p.Changes = append(p.Changes, actions.FieldChange{Path: v.String(), Before: strings.TrimSpace(v.User + " " + v.Application)})
		now, err := lookUp(ctx, conn, v)
		if err != nil {
			return p, err
		}
		if now.found {
			p.Notes = append(p.Notes, fmt.Sprintf("pid %d: %s", v.PID, now.words()))
		} else {
			p.Notes = append(p.Notes, fmt.Sprintf("pid %d is gone already", v.PID))
		}
	}
	return p, nil
}

func (v victim) String() string {
	return fmt.Sprintf("pid %d since %s", v.PID, v.Started.UTC().Format(time.RFC3339Nano))
}
