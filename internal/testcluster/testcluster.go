// Package testcluster starts a sandbox for a test: a real Kubernetes control
// plane with real traffic, gone when the test ends or is killed.
package testcluster

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Env is a running sandbox.
type Env struct {
	Dir        string
	Kubeconfig string
	AppURL     string // the front proxy: what a customer calls
	LoadURL    string // what the load generator measures
	AuditLog   string // the API server's record of writes
	Vars       map[string]string
}

// Up starts a sandbox in a scenario and stops it at the end of the test.
func Up(t testing.TB, scenario string, args ...string) *Env {
	t.Helper()
	dir, err := os.MkdirTemp("", "rb-")
	if err != nil {
		t.Fatal(err)
	}
	bin := Binary(t, "sandbox")
	cmd := exec.Command(bin, append([]string{"up", "--dir", dir, "--scenario", scenario, "--owner-pid", strconv.Itoa(os.Getpid())}, args...)...)
	out, err := cmd.CombinedOutput()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("logs of the sandbox are in %s", dir)
		}
		if out, err := exec.Command(bin, "down", "--dir", dir).CombinedOutput(); err != nil {
			t.Errorf("sandbox down: %v\n%s", err, out)
		}
		if !t.Failed() {
			_ = os.RemoveAll(dir)
		}
	})
	if err != nil {
		t.Fatalf("sandbox up: %v\n%s", err, out)
	}
	vars := readEnv(t, filepath.Join(dir, "env"))
	return &Env{Dir: dir, Kubeconfig: vars["KUBECONFIG"], AppURL: vars["APP_URL"], LoadURL: vars["LOAD_URL"], AuditLog: vars["AUDIT_LOG"], Vars: vars}
}

// Top gives the top of the repository.
func Top(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("the top of the repository was not found")
		}
	}
}

// Binary gives a program that make builds into bin/.
func Binary(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(Top(t), "bin", name)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%s is missing; build it with: make build sandbox", path)
	}
	return path
}

func readEnv(t testing.TB, file string) map[string]string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	vars := map[string]string{}
	for sc := bufio.NewScanner(f); sc.Scan(); {
		k, v, _ := strings.Cut(strings.TrimPrefix(sc.Text(), "export "), "=")
		vars[k] = strings.Trim(v, `"'`)
	}
	return vars
}

// Load is what the load generator measured.
type Load struct {
	Requests   int     `json:"requests"`
	Errors     int     `json:"errors"`
	ErrorShare float64 `json:"error_share"`
}

// Window gives the load of the last few seconds.
func (e *Env) Window(t testing.TB, d time.Duration) Load {
	t.Helper()
	var doc struct {
		Window Load `json:"window"`
	}
	e.get(t, fmt.Sprintf("?window=%s", d), &doc)
	return doc.Window
}

// Bucket is half a second of load.
type Bucket struct {
	T time.Time `json:"t"`
	Load
}

// Series gives the load since the start in buckets of half a second.
func (e *Env) Series(t testing.TB) []Bucket {
	t.Helper()
	var out []Bucket
	e.get(t, "?series=1", &out)
	return out
}

func (e *Env) get(t testing.TB, query string, into any) {
	t.Helper()
	resp, err := http.Get(e.LoadURL + query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
}
