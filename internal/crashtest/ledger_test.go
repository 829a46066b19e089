package crashtest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// effect is one thing that really happened, as the ledger saw it.
type effect struct {
	Key    string // of the step that did it: run/path
	Name   string // what was acted upon
	Op     string
	Before int
	Value  int
}

// ask is what an action asks of the ledger.
type ask struct {
	Key    string
	Name   string
	Op     string // get, set (a compare-and-set), push (adds, whatever is there)
	Before int
	Value  int
}

// answer is what the ledger says.
type answer struct {
	Value   int
	Exists  bool
	Receipt string   // key of the step that wrote last
	Pushed  []string // keys of all pushes
	Moved   bool     // the compare failed
}

// ledger is the world of one cell: values, what happened to them, and the
// trouble that is in store for those who ask.
type ledger struct {
	mu       sync.Mutex
	values   map[string]int
	receipts map[string]string
	pushed   map[string][]string
	effects  []effect
	lock     lockRecord
	paused   chan struct{} // closed when an executor waits at its point
	goOn     chan struct{} // closed to let it go on

	fails map[string]int // so many writes fail before anything is done
	lost  map[string]int // the reply to so many writes is lost after they landed
	down  map[string]int // so many questions find nobody there
	ready map[string]int // so many looks find nothing yet

	delay int           // > 0: the next compare-and-set lands so many questions after its client died
	late  []func()      // what is on its way and has not landed
	after int           // questions until it lands
	flown chan struct{} // closed when a client left a write in flight
}

func newLedger() *ledger {
	return &ledger{values: map[string]int{}, receipts: map[string]string{}, pushed: map[string][]string{}, fails: map[string]int{}, lost: map[string]int{},
		down: map[string]int{}, ready: map[string]int{}, paused: make(chan struct{}), goOn: make(chan struct{}), flown: make(chan struct{})}
}

// snapshot gives what took effect so far.
func (l *ledger) snapshot() []effect {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]effect(nil), l.effects...)
}

func (l *ledger) effectsOf(key string) int {
	n := 0
	for _, e := range l.snapshot() {
		if e.Key == key {
			n++
		}
	}
	return n
}

func (l *ledger) end() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[string]int{}
	for k, v := range l.values {
		out[k] = v
	}
	return out
}

// ledgers serves one ledger for each cell.
type ledgers struct {
	srv *httptest.Server
	mu  sync.Mutex
	all map[string]*ledger
}

func serve(t testing.TB) *ledgers {
	ls := &ledgers{all: map[string]*ledger{}}
	ls.srv = httptest.NewServer(ls)
	t.Cleanup(ls.srv.Close)
	return ls
}

// open gives a new ledger and its address.
func (ls *ledgers) open(cell string) (*ledger, string) {
	l := newLedger()
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.all[cell] = l
	return l, ls.srv.URL + "/" + cell
}

func (ls *ledgers) drop(cell string) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	delete(ls.all, cell)
}

func (ls *ledgers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(r.URL.Path, "/")
	ls.mu.Lock()
	l := ls.all[parts[1]]
	ls.mu.Unlock()
	if l == nil || len(parts) < 3 {
		http.NotFound(w, r)
		return
	}
	switch parts[2] {
	case "ask":
		l.answer(w, r)
	case "lock":
		l.answerLock(w, r)
	case "pause":
		close(l.paused)
		select {
		case <-l.goOn:
		case <-r.Context().Done():
		}
	}
}

func (l *ledger) answer(w http.ResponseWriter, r *http.Request) {
	var q ask
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.land(false)
	if take(l.down, q.Name) {
		hangUp(w)
		return
	}
	if q.Op != "get" && take(l.fails, q.Name) {
		http.Error(w, "did not work", http.StatusInternalServerError)
		return
	}
	if q.Op == "set" && l.delay > 0 {
		l.fly(w, r, q)
		return
	}
	a := l.do(q)
	if q.Op != "get" && !a.Moved {
		w.WriteHeader(http.StatusEarlyHints) // it landed, the reply is still to come
		if take(l.lost, q.Name) {
			hangUp(w)
			return
		}
	}
	_ = json.NewEncoder(w).Encode(a) // the client may be gone; that is what this is for
}

// fly keeps a write in flight until its client is dead.
func (l *ledger) fly(w http.ResponseWriter, r *http.Request, q ask) {
	l.after, l.delay = l.delay, 0
	w.WriteHeader(http.StatusProcessing)
	l.mu.Unlock()
	select {
	case <-r.Context().Done():
	case <-time.After(30 * time.Second): // the client should have died; the test will say so
	}
	l.mu.Lock()
	l.late = append(l.late, func() { l.do(q) })
	close(l.flown)
}

// land lets land what is in flight when its time has come, or now.
func (l *ledger) land(now bool) {
	if len(l.late) == 0 {
		return
	}
	if l.after--; l.after > 0 && !now {
		return
	}
	for _, f := range l.late {
		f()
	}
	l.late = nil
}

func (l *ledger) do(q ask) answer {
	v, exists := l.values[q.Name]
	switch {
	case q.Op == "get" && take(l.ready, q.Name):
		return answer{}
	case q.Op == "set" && v != q.Before:
		return answer{Value: v, Exists: exists, Receipt: l.receipts[q.Name], Moved: true}
	case q.Op == "set":
		l.write(q, v, q.Value)
	case q.Op == "push":
		l.write(q, v, v+q.Value)
		l.pushed[q.Name] = append(l.pushed[q.Name], q.Key)
	}
	v, exists = l.values[q.Name]
	return answer{Value: v, Exists: exists, Receipt: l.receipts[q.Name], Pushed: l.pushed[q.Name]}
}

func (l *ledger) write(q ask, before, value int) {
	l.values[q.Name], l.receipts[q.Name] = value, q.Key
	l.effects = append(l.effects, effect{q.Key, q.Name, q.Op, before, value})
}

func take(m map[string]int, name string) bool {
	if m[name] == 0 {
		return false
	}
	m[name]--
	return true
}

// hangUp ends the connection without a word.
func hangUp(w http.ResponseWriter) {
	if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
		_ = c.Close()
	}
}
