package terraform

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/supervise"
	"github.com/runbackhq/runback/internal/tool"
)

// holder is who has the lock of a state, as the back end tells it.
type holder struct {
	ID, Who, Operation string
	Created            time.Time
}

// LockedError says that somebody has the lock of the state.
type LockedError struct{ holder }

// Error names the holder.
func (e *LockedError) Error() string {
	said := "the state is locked"
	if e.Who != "" {
		said += " by " + e.Who
	}
	if e.Operation != "" {
		said += ", " + strings.ToLower(strings.TrimPrefix(e.Operation, "OperationType"))
	}
	if !e.Created.IsZero() {
		said += " since " + e.Created.UTC().Format(time.DateTime) + " UTC"
	}
	if e.ID != "" {
		said += ", lock id " + e.ID
	}
	if e.Who == "" {
		said += "; the back end does not say by whom"
	}
	return said
}

var (
	lockField = lazily(`(?m)^\s*(ID|Who|Operation|Created):[ \t]*(.*?)[ \t]*$`)
	lockedID  = lazily(`already locked: ID=([0-9A-Za-z-]+)`)
)

// lockOf reads the message about a lock that was not got; nil when it is about
// something else.
//
// The back end "http" of terraform printed, until February 2026, who asked
// under "Lock Info" and gave only the id of the holder, in the text of the error
// (hashicorp/terraform#38144). Where the two ids differ the info is not the
// holder's, and nothing but the id is believed.
func lockOf(text string) *holder {
	if !strings.Contains(text, "acquiring the state lock") {
		return nil
	}
	var h holder
	for _, m := range lockField().FindAllStringSubmatch(text, -1) {
		switch m[1] {
		case "ID":
			h.ID = m[2]
		case "Who":
			h.Who = m[2]
		case "Operation":
			h.Operation = m[2]
		case "Created":
			h.Created, _ = time.Parse("2006-01-02 15:04:05.999999999 -0700 MST", m[2]) // zero when it is not told
		}
	}
	if m := lockedID().FindStringSubmatch(text); m != nil && m[1] != h.ID {
		return &holder{ID: m[1]}
	}
	return &h
}

// refused is the error for a lock of somebody else.
func (s site) refused(h holder) error {
	hint := "wait for the holder, or ask; only when it is certain that nobody works there any more: " + s.name() + " -chdir=" + s.Home + " force-unlock " + h.ID
	if h.ID == "" {
		hint = "see who works there; the back end names no id"
	}
	return actions.Refuse(hint, "%w", &LockedError{h})
}

// ours says whether the lock was left by a child of ours that is dead. Proof:
// the child began a change, so it had the lock at that time; the lock that is
// there was taken between the start of that child and its first change, and has
// been held since. A lock has one holder, so it is the same.
func (f family) ours(s site, h holder) (child string, proved bool) {
	host, err := os.Hostname()
	if err != nil || h.ID == "" || h.Created.IsZero() || !strings.HasSuffix(h.Who, "@"+host) {
		return "", false
	}
	base, err := f.room.Base()
	if err != nil {
		return "", false
	}
	found, err := filepath.Glob(filepath.Join(base, "*"+folderSuffix, noteFile))
	if err != nil {
		return "", false
	}
	for _, path := range found {
		n, err := readNote(path)
		if err != nil || n.Workspace != s.Workspace || n.Home != s.Home || n.Backend != s.backend().String() {
			continue
		}
		end, err := f.room.Look(n.Job)
		if err != nil || end.State != supervise.Lost && (end.State != supervise.Exited || end.Signal == "") {
			continue
		}
		started, err := os.Stat(filepath.Join(end.Dir(), "child.json")) // written right before it began
		first := accountOf(end, planned{}).first
		if err == nil && !first.IsZero() && !h.Created.Before(started.ModTime()) && !h.Created.After(first) {
			return n.Job.Child, true
		}
	}
	return "", false
}

// unlock gives back a lock of a dead child of ours, by its id.
func (f family) unlock(ctx context.Context, c *actions.Call, s site, h holder, child string) error {
	c.Say("giving back the lock " + h.ID + " that our child " + child + " left when it was killed")
	var why string
	err := f.room.Observe(ctx, c, s.order([]string{"force-unlock", "-force", h.ID}, 0), func(e tool.End) {
		if !e.Success(0) {
			out, _ := e.Stderr(64 << 10)
			why = reason(out)
		}
	})
	switch {
	case err != nil:
		return err
	case why != "":
		return s.explain(ctx, why, fmt.Sprintf("giving back the lock %s of our child %s, which is dead", h.ID, child))
	default:
		return nil
	}
}

// stale is how terraform refuses a plan for a state that has moved since.
var stale = lazily(`Saved plan is stale|[Ss]aved plan does not match|different state lineage`)
