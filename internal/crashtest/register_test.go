package crashtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/lock"
)

// lockRecord is the lock that lives with the target, kept by the ledger.
type lockRecord struct {
	Epoch   int64
	Version int64
	Holder  *lock.Holder
	Moved   bool
}

// lockAsk is a compare-and-set of the lock; with Read it is only a question.
type lockAsk struct {
	Read    bool
	Version int64
	Epoch   int64
	Holder  *lock.Holder
}

func (l *ledger) answerLock(w http.ResponseWriter, r *http.Request) {
	var q lockAsk
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.lock
	switch {
	case q.Read:
	case q.Version != l.lock.Version && !q.by(l.lock):
		out.Moved = true
	default:
		l.lock = lockRecord{Epoch: q.Epoch, Version: l.lock.Version + 1, Holder: q.Holder}
		out = l.lock
	}
	_ = json.NewEncoder(w).Encode(out) // the client may be gone
}

// by says whether a holder asks who has the lock already. A renewal whose answer
// was lost moved the version; the epoch tells whose the lock is.
func (q lockAsk) by(r lockRecord) bool {
	return r.Holder != nil && q.Epoch == r.Epoch && (q.Holder == nil || *q.Holder == *r.Holder)
}

// register is a lock.Register in the ledger, as a Lease is in a cluster.
type register struct{ client *client }

var _ lock.Register = register{}

func (register) Where() string { return "the lock of the ledger" }

func (g register) ask(ctx context.Context, q lockAsk) (lock.Record, error) {
	var r lockRecord
	if err := g.client.post(ctx, "/lock", q, &r); err != nil {
		return lock.Record{}, err
	}
	if r.Moved {
		return lock.Record{}, lock.ErrMoved
	}
	return lock.Record{Epoch: r.Epoch, Holder: r.Holder, Version: fmt.Sprint(r.Version), Expires: 45 * time.Second}, nil
}

func (g register) Read(ctx context.Context) (lock.Record, error) {
	return g.ask(ctx, lockAsk{Read: true})
}

func (g register) Take(ctx context.Context, was lock.Record, h lock.Holder) (lock.Record, error) {
	return g.ask(ctx, lockAsk{Version: version(was), Epoch: was.Epoch + 1, Holder: &h})
}

// Renew reads first, as the one for a Lease does: a renewal whose answer was
// lost has moved the version, and the lock is still ours.
func (g register) Renew(ctx context.Context, mine lock.Record) (lock.Record, error) {
	now, err := g.Read(ctx)
	if err != nil {
		return mine, err
	}
	if now.Epoch == mine.Epoch {
		mine.Version = now.Version
	}
	return g.ask(ctx, lockAsk{Version: version(mine), Epoch: mine.Epoch, Holder: mine.Holder})
}

func (g register) Free(ctx context.Context, mine lock.Record) error {
	_, err := g.ask(ctx, lockAsk{Version: version(mine), Epoch: mine.Epoch})
	if err == lock.ErrMoved { //nolint:errorlint // ask returns it unwrapped
		return nil // somebody else's by now
	}
	return err
}

func version(r lock.Record) int64 {
	var v int64
	_, _ = fmt.Sscan(r.Version, &v)
	return v
}

// client asks the ledger.
type client struct {
	url  string
	http *http.Client
}

func (c *client) post(ctx context.Context, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return actions.Unreachable("no answer from the ledger: %v", err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the ledger says %s", res.Status)
	}
	return json.NewDecoder(res.Body).Decode(out)
}
