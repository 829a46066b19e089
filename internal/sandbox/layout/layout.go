// Package layout knows where the files of a sandbox are and what is in those
// that more than one component reads.
package layout

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/runbackhq/runback/internal/sandbox/process"
	"github.com/runbackhq/runback/internal/sandbox/slot"
)

// Dir is the folder of one sandbox, an absolute path.
type Dir string

// ErrNotSandbox means that a folder holds something else than a sandbox.
var ErrNotSandbox = errors.New("not a sandbox folder")

// Open makes the path absolute. The folder need not exist.
func Open(path string) (Dir, error) {
	if path == "" {
		return "", errors.New("no folder given")
	}
	abs, err := filepath.Abs(path)
	return Dir(abs), err
}

func (d Dir) join(elem ...string) string {
	return filepath.Join(append([]string{string(d)}, elem...)...)
}

// Kubeconfig is the user's kubeconfig.
func (d Dir) Kubeconfig() string { return d.join("kubeconfig") }

// Env is the file of shell variables.
func (d Dir) Env() string { return d.join("env") }

// Log is the log of a component.
func (d Dir) Log(component string) string { return d.join("log", component+".log") }

// AuditLog is the API server's record of writes.
func (d Dir) AuditLog() string { return d.join("log", "audit.log") }

// PKI is a file of the certificate folder.
func (d Dir) PKI(name string) string { return d.join("pki", name) }

// Etcd is the data folder of etcd.
func (d Dir) Etcd() string { return d.join("etcd") }

// Pods is the folder of the pods' working folders and logs.
func (d Dir) Pods() string { return d.join("pods") }

// Shards is the folder of the exclusive places of the sample application.
func (d Dir) Shards() string { return d.join("run", "shards") }

// Records is the folder in which nodes note the processes of containers.
func (d Dir) Records() string { return d.join("run", "processes") }

// Run is a file of the run folder.
func (d Dir) Run(name string) string { return d.join("run", name) }

// owned are the entries that belong to us and may be removed.
func owned() []string {
	return []string{"kubeconfig", "env", "log", "pki", "etcd", "pods", "run"}
}

// Reset empties the sandbox's own entries and creates the folders anew. It
// refuses a folder that holds anything else but no sandbox.
func (d Dir) Reset() error {
	if err := d.check(); err != nil {
		return err
	}
	for _, name := range owned() {
		if err := os.RemoveAll(d.join(name)); err != nil {
			return err
		}
	}
	for _, name := range []string{"log", "pki", "pods", "run/shards", "run/processes"} {
		if err := os.MkdirAll(d.join(name), 0o700); err != nil {
			return err
		}
	}
	return nil
}

func (d Dir) check() error {
	entries, err := os.ReadDir(string(d))
	if errors.Is(err, os.ErrNotExist) || (err == nil && len(entries) == 0) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := os.Stat(d.Run("")); err != nil {
		return fmt.Errorf("%s: %w, and not empty", d, ErrNotSandbox)
	}
	return nil
}

// Config is what `up` decided; every component reads it.
type Config struct {
	Slot      slot.Slot         `json:"slot"`
	Nodes     int               `json:"nodes"`
	Rate      int               `json:"rate"`
	Metrics   bool              `json:"metrics"`
	App       string            `json:"app"`
	Isolation process.Isolation `json:"isolation"`
}

// The slot's ports, by what listens on them. Nodes take the last ones.
const (
	portAPI = iota
	portEtcdClient
	portEtcdPeer
	portApp
	portLoad
	portMetrics
	portFirstNode
)

// MaxNodes is how many nodes fit a slot's ports.
func (c Config) MaxNodes() int { return c.Slot.Ports() - portFirstNode }

// Ports of the components, all on 127.0.0.1.

// APIPort is the API server's.
func (c Config) APIPort() int { return c.Slot.Port(portAPI) }

// EtcdClientPort is where the API server reaches etcd.
func (c Config) EtcdClientPort() int { return c.Slot.Port(portEtcdClient) }

// EtcdPeerPort is unused but etcd insists on it.
func (c Config) EtcdPeerPort() int { return c.Slot.Port(portEtcdPeer) }

// AppPort is where customers call.
func (c Config) AppPort() int { return c.Slot.Port(portApp) }

// LoadPort answers what the load generator saw.
func (c Config) LoadPort() int { return c.Slot.Port(portLoad) }

// MetricsPort is the metrics server's.
func (c Config) MetricsPort() int { return c.Slot.Port(portMetrics) }

// NodePort is the kubelet port of the i-th node.
func (c Config) NodePort(i int) int { return c.Slot.Port(portFirstNode + i) }

// NodeName is the name of the i-th node.
func (c Config) NodeName(i int) string { return fmt.Sprintf("node-%d", i+1) }

// APIURL is the address of the API server.
func (c Config) APIURL() string { return fmt.Sprintf("https://127.0.0.1:%d", c.APIPort()) }

// AppURL is what a customer calls.
func (c Config) AppURL() string { return fmt.Sprintf("http://127.0.0.1:%d", c.AppPort()) }

// LoadURL answers requests, errors and latency per version.
func (c Config) LoadURL() string { return fmt.Sprintf("http://127.0.0.1:%d/", c.LoadPort()) }

// ReadConfig reads the sandbox's configuration.
func (d Dir) ReadConfig() (Config, error) {
	var c Config
	return c, readJSON(d.Run("config.json"), &c)
}

// WriteConfig stores the sandbox's configuration.
func (d Dir) WriteConfig(c Config) error { return writeJSON(d.Run("config.json"), c) }

// Phase is where a sandbox is in its life.
type Phase string

// Phases of a sandbox.
const (
	Starting Phase = "starting"
	Ready    Phase = "ready"
	Stopped  Phase = "stopped"
	Failed   Phase = "failed"
)

// State is the supervisor's record of what runs.
type State struct {
	Phase      Phase       `json:"phase"`
	Reason     string      `json:"reason,omitempty"`
	Started    time.Time   `json:"started"`
	Supervisor process.ID  `json:"supervisor"`
	Components []Component `json:"components"`
	Scenario   string      `json:"scenario,omitempty"`
}

// Component is one supervised process.
type Component struct {
	Name     string     `json:"name"`
	Process  process.ID `json:"process"`
	Restarts int        `json:"restarts"`
}

// ReadState reads the supervisor's record.
func (d Dir) ReadState() (State, error) {
	var s State
	return s, readJSON(d.Run("state.json"), &s)
}

// WriteState replaces the supervisor's record.
func (d Dir) WriteState(s State) error { return writeJSON(d.Run("state.json"), s) }

func readJSON(path string, into any) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// writeJSON replaces a file at once, so that readers never see half of it.
func writeJSON(path string, v any) error {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return Replace(path, append(raw, '\n'))
}

// Replace writes a file so that readers see the old or the new content.
func Replace(path string, content []byte) error {
	tmp := path + ".new"
	if err := os.WriteFile(tmp, content, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
