package terraform_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// stateServer is a back end of the kind "http" that holds terraform to the
// protocol: one lock at a time, writes only by its holder, unlocking by its id
// (developer.hashicorp.com/terraform/language/backend/http).
type stateServer struct {
	mu    sync.Mutex
	state []byte
	lock  []byte // the info of the holder
	wrong []string
	held  chan struct{} // while it is there and open, the state is not told
	url   string
}

func newStateServer(t testing.TB) *stateServer {
	s := &stateServer{}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	s.url = srv.URL
	return s
}

func lockID(info []byte) string {
	var l struct{ ID string }
	_ = json.Unmarshal(info, &l)
	return l.ID
}

func (s *stateServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	if held := s.held; held != nil && r.Method == http.MethodGet {
		s.mu.Unlock()
		<-held
		s.mu.Lock()
	}
	defer s.mu.Unlock()
	switch {
	case r.Method == http.MethodGet && s.state == nil:
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodGet:
		_, _ = w.Write(s.state)
	case r.Method == "LOCK" && s.lock != nil:
		w.WriteHeader(http.StatusLocked)
		_, _ = w.Write(s.lock)
	case r.Method == "LOCK":
		s.lock = body
	case r.Method == "UNLOCK":
		if s.lock == nil || len(body) > 0 && lockID(body) != lockID(s.lock) {
			s.wrong = append(s.wrong, "unlock by "+lockID(body))
			w.WriteHeader(http.StatusConflict)
			return
		}
		s.lock = nil
	case r.Method == http.MethodPost:
		if s.lock == nil || r.URL.Query().Get("ID") != lockID(s.lock) {
			s.wrong = append(s.wrong, "write by "+r.URL.Query().Get("ID"))
			w.WriteHeader(http.StatusConflict)
			return
		}
		s.state = body
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

// hold makes a reader of the state wait until the answer is let go.
func (s *stateServer) hold() (letGo func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = make(chan struct{})
	return func() { close(s.held) }
}

func (s *stateServer) holder() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return lockID(s.lock)
}

func (s *stateServer) set(lock string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lock = nil
	if lock != "" {
		s.lock = []byte(lock)
	}
}

func (s *stateServer) config() string {
	return `terraform {
  backend "http" {
    address        = "` + s.url + `"
    lock_address   = "` + s.url + `"
    unlock_address = "` + s.url + `"
  }
}
`
}

// onBoth runs a test with a local and a remote back end.
func onBoth(t *testing.T, config string, test func(t *testing.T, w *world, remote *stateServer)) {
	t.Run("local", func(t *testing.T) { t.Parallel(); test(t, newWorld(t, config), nil) })
	t.Run("remote", func(t *testing.T) {
		t.Parallel()
		s := newStateServer(t)
		w := newWorld(t, s.config()+config)
		w.byHand("init", "-input=false")
		test(t, w, s)
		if len(s.wrong) > 0 {
			t.Errorf("protocol: %v", s.wrong)
		}
	})
}
