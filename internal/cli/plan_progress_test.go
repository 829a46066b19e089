package cli_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// A plan that takes long says on stderr what it is at; an answer of the target
// that is none ends it with an error and nothing on its output.
func TestAPlanThatTakesLongSaysWhatItIsAt(t *testing.T) {
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-time.After(2500 * time.Millisecond):
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer slow.Close()
	p := newPlace(t)
	p.write("kubeconfig", "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{name: c, cluster: {server: \""+slow.URL+"\"}}]\nusers: [{name: u, user: {}}]\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n")
	cmd := p.command("plan", "canary", "--kubeconfig", "kubeconfig")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // how it ended is in its state
	if code := cmd.ProcessState.ExitCode(); code != 3 || out.Len() > 0 {
		t.Errorf("exit code %d\n%s", code, out.String())
	}
	want(t, errs.String(), "◌ asking the target who it is", "credentials are not accepted", "hint: log in again")
}
