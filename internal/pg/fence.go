package pg

import (
	"context"
	"fmt"
	"time"

	"github.com/runbackhq/runback/actions"
)

// Backend is one session of a server, named by what does not come back: a pid
// alone is given out again.
type Backend struct {
	PID         int       `json:"pid"`
	Started     time.Time `json:"started"` // backend_start
	Application string    `json:"application,omitempty"`
	Database    string    `json:"database,omitempty"`
	User        string    `json:"user,omitempty"`
	Client      string    `json:"client,omitempty"`
	State       string    `json:"state,omitempty"` // active, idle, idle in transaction
	Query       string    `json:"query,omitempty"`
}

// Backends gives the sessions whose application name is name, or begins with it
// when it ends with a slash. Our own session is not among them. Seeing those of
// other users needs pg_read_all_stats only for their queries, not for their
// names (PostgreSQL's documentation, 28.2.3).
func (c *Conn) Backends(ctx context.Context, name string) ([]Backend, error) {
	rows, err := c.Query(ctx, `select pid, backend_start, application_name, coalesce(datname, ''), coalesce(usename, ''),
		coalesce(client_addr::text, ''), coalesce(state, ''), left(coalesce(query, ''), 200)
		from pg_stat_activity
		where pid <> pg_backend_pid() and (application_name = $1 or right($1, 1) = '/' and starts_with(application_name, $1))
		order by backend_start, pid`, name)
	if err != nil {
		return nil, Explain(ctx, err, "looking for sessions of "+name)
	}
	defer rows.Close()
	var out []Backend
	for rows.Next() {
		var b Backend
		if err := rows.Scan(&b.PID, &b.Started, &b.Application, &b.Database, &b.User, &b.Client, &b.State, &b.Query); err != nil {
			return nil, Explain(ctx, err, "reading a session")
		}
		out = append(out, b)
	}
	return out, Explain(ctx, rows.Err(), "reading the sessions")
}

// Terminate ends a session if it is still the one that is named. gone says that
// it was not there any more.
func (c *Conn) Terminate(ctx context.Context, b Backend) (gone bool, err error) {
	var done *bool
	err = c.QueryRow(ctx, `select (select pg_terminate_backend(pid) from pg_stat_activity where pid = $1 and backend_start = $2)`, b.PID, b.Started).Scan(&done)
	if err != nil {
		return false, Explain(ctx, err, fmt.Sprintf("ending session %d", b.PID))
	}
	return done == nil, nil
}

// fenceEvery is the pause between two looks at what is to end.
const fenceEvery = 200 * time.Millisecond

// Fence makes sure that no session of an application is at work any more: a
// server goes on with a statement whose client was killed, and completes it
// seconds later (measured; reference of the step types, finding 7). They are
// given patience to end by themselves, then they are ended. It returns when
// none is left, or with the cause when ctx ends first.
func (c *Conn) Fence(ctx context.Context, call *actions.Call, application string, patience time.Duration) error {
	for waited := time.Duration(0); ; waited += fenceEvery {
		left, err := c.Backends(ctx, application)
		if err != nil || len(left) == 0 {
			return err
		}
		if waited >= patience {
			for _, b := range left {
				if _, err := c.Terminate(ctx, b); err != nil {
					return err
				}
			}
		}
		if err := call.Wait(ctx, fenceEvery); err != nil {
			return fmt.Errorf("waiting for %d sessions of %s to end: %w", len(left), application, err)
		}
	}
}
