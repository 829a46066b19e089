package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/runbackhq/runback/actions"
)

type locksIn struct{ which }

type session struct {
	PID          int      `json:"pid" doc:"process id of the session; 0 is a prepared transaction"`
	BackendStart string   `json:"backend_start" doc:"when it began, which with the pid makes it one session and no other; empty when it may not be seen"`
	User         string   `json:"user" doc:"role of the session"`
	Application  string   `json:"application" doc:"name that the client gave"`
	Database     string   `json:"database" doc:"database that it works in"`
	Client       string   `json:"client" doc:"address of the client"`
	State        string   `json:"state" doc:"active, idle, idle in transaction; empty when it may not be seen"`
	Age          *float64 `json:"age_s" doc:"seconds that its transaction is open; unknown when there is none or it may not be seen"`
	Query        string   `json:"query" doc:"last statement, 200 characters at most"`
}

type waiter struct {
	session
	Waits     *float64 `json:"waits_s" doc:"seconds that it waits; unknown when it may not be seen"`
	On        string   `json:"on" doc:"mode and object of the lock it waits for"`
	BlockedBy []int    `json:"blocked_by" doc:"sessions that it waits for; 0 is a prepared transaction"`
}

type blocker struct {
	session
	Blocks int `json:"blocks" doc:"number of sessions that wait for it, directly or behind others"`
}

type locksOut struct {
	Waiting     int        `json:"waiting" doc:"number of sessions that wait for a lock"`
	LongestWait *float64   `json:"longest_wait_s" doc:"seconds that the longest of them waits; unknown when nobody waits or it may not be seen"`
	Waiters     []waiter   `json:"waiters" doc:"who waits, 100 at most"`
	Blockers    []blocker  `json:"blockers" doc:"who holds what others wait for and waits for nobody itself: ending these lets the others go on; 100 at most"`
	Trees       []string   `json:"trees" doc:"who waits for whom, as lines for people, 200 at most"`
	IdleInTx    []session  `json:"idle_in_transaction" doc:"sessions that hold a transaction open and do nothing, the oldest first, 100 at most"`
	Prepared    []prepared `json:"prepared" doc:"prepared transactions of this database, 100 at most"`
	Replica     bool       `json:"replica" doc:"whether this is a replica: the locks of the primary are not seen here"`
	SeesAll     bool       `json:"sees_all" doc:"whether our role may see statements and times of all sessions (pg_read_all_stats)"`
	Finding     string     `json:"finding" doc:"what this means, in one or two sentences"`
}

const (
	mostSessions = 100
	mostLines    = 200
)

func locksAction() actions.Action {
	return actions.Define(actions.Def[locksIn, struct{}, locksOut]{
		Name:    "postgres.locks",
		Summary: "Tell who waits for whom in a database, who holds a transaction open and does nothing, and which prepared transactions there are.",
		Effect:  actions.Observe,
		Run:     locks,
		Tell:    func(o locksOut) string { return o.Finding },
		Examples: []actions.Example{
			{Title: "See that nobody waits long", YAML: "uses: postgres.locks\nexpect: outputs.waiting == 0 || (outputs.longest_wait_s ?? 0) < 10"},
			{Title: "See who holds the locks", YAML: "uses: postgres.locks\nwith: {database: app}\nexpect: outputs.replica == false"},
		},
	})
}

func locks(ctx context.Context, c *actions.Call, in locksIn, _ struct{}) (locksOut, error) {
	conn, err := in.open(ctx, c)
	if err != nil {
		return locksOut{}, err
	}
	defer conn.Close()
	all, err := sessions(ctx, conn)
	if err != nil {
		return locksOut{}, err
	}
	out := locksOut{Replica: conn.ID.Replica}
	if out.Prepared, err = preparedOnes(ctx, conn); err != nil {
		return out, err
	}
	if out.SeesAll, err = seesAll(ctx, conn); err != nil {
		return out, err
	}
	out.tell(all)
	return out, nil
}

// tell sorts the sessions into those that wait, those that are waited for, and
// those that sit on an open transaction.
func (o *locksOut) tell(all []seen) {
	o.Waiters, o.Blockers, o.IdleInTx = []waiter{}, []blocker{}, []session{}
	f := newForest(all)
	for _, s := range all {
		if len(s.blockedBy) > 0 {
			o.Waiting++
			if s.waits != nil && (o.LongestWait == nil || *s.waits > *o.LongestWait) {
				o.LongestWait = s.waits
			}
			if len(o.Waiters) < mostSessions {
				o.Waiters = append(o.Waiters, waiter{told(s), s.waits, s.on, s.blockedBy})
			}
		}
		if (s.state == "idle in transaction" || s.state == "idle in transaction (aborted)") && len(o.IdleInTx) < mostSessions {
			o.IdleInTx = append(o.IdleInTx, told(s))
		}
	}
	for _, s := range f.roots() {
		if len(o.Blockers) < mostSessions {
			o.Blockers = append(o.Blockers, blocker{told(s), f.behind(s.pid)})
		}
	}
	o.Trees = f.lines(mostLines)
	o.Finding = o.finding()
}

func told(s seen) session {
	t := session{PID: s.pid, User: s.user, Application: s.application, Database: s.database, Client: s.client, State: s.state, Age: s.age, Query: s.query}
	if s.started != nil {
		t.BackendStart = s.started.UTC().Format(time.RFC3339Nano)
	}
	return t
}

func (o *locksOut) finding() string {
	s := "nobody waits for a lock"
	if o.Waiting > 0 {
		s = fmt.Sprintf("%d sessions wait for a lock", o.Waiting)
		if o.LongestWait != nil {
			s += fmt.Sprintf(", the longest for %.0fs", *o.LongestWait)
		}
	}
	for i, b := range o.Blockers {
		if i == 3 {
			s += "; there are more"
			break
		}
		s += "; " + b.words()
	}
	if o.Waiting == 0 && len(o.IdleInTx) > 0 {
		s += fmt.Sprintf("; %d sessions hold a transaction open and do nothing", len(o.IdleInTx))
	}
	if n := len(o.Prepared); n > 0 {
		s += fmt.Sprintf("; %d prepared transactions hold their locks until somebody ends them by name", n)
	}
	if o.Replica {
		s += "; this is a replica, so locks of the primary are not seen: ask the primary"
	}
	if !o.SeesAll {
		s += "; statements and times of other roles cannot be seen: grant pg_read_all_stats"
	}
	return s
}

func (b blocker) words() string {
	s := fmt.Sprintf("%d wait for pid %d", b.Blocks, b.PID)
	if b.PID == 0 {
		return fmt.Sprintf("%d wait for a prepared transaction", b.Blocks)
	}
	if b.User != "" {
		s += " of " + b.User
	}
	if b.Application != "" {
		s += " (" + b.Application + ")"
	}
	if b.State != "" {
		s += ", " + b.State
	}
	if b.Age != nil {
		s += fmt.Sprintf(", open for %.0fs", *b.Age)
	}
	return s
}
