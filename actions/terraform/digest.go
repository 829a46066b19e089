package terraform

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/tool"
)

// backend is where the state is.
type backend struct {
	Type   string
	Config map[string]any
}

// backend reads what init recorded. Without a record it is the local one, or
// one that was not initialised, which the program refuses by itself.
func (s site) backend() backend {
	var rec struct {
		Backend struct {
			Type   string         `json:"type"`
			Config map[string]any `json:"config"`
		} `json:"backend"`
	}
	b, err := os.ReadFile(filepath.Join(s.data(), "terraform.tfstate"))
	if err != nil || json.Unmarshal(b, &rec) != nil || rec.Backend.Type == "" {
		return backend{Type: "local"}
	}
	return backend{rec.Backend.Type, rec.Backend.Config}
}

// confidential are names of settings that hold credentials; a hash of a short
// one could be guessed, so they are left out of it.
var confidential = lazily(`(?i)password|secret|token|credential|access_key|private_key|conn_str|sas|passphrase|headers|encryption`)

// String names the back end: its type and a hash of what says which one it is.
func (b backend) String() string {
	plain := map[string]any{}
	for k, v := range b.Config {
		if v == nil || confidential().MatchString(k) {
			continue
		}
		if text, ok := v.(string); ok {
			if u, err := url.Parse(text); err == nil && u.User != nil {
				u.User = nil
				v = u.String()
			}
		}
		plain[k] = v
	}
	raw, err := json.Marshal(plain) // sorts the keys
	if err != nil {
		raw = []byte(err.Error())
	}
	sum := sha256.Sum256(raw)
	return b.Type + " " + hex.EncodeToString(sum[:8])
}

// supported refuses what works elsewhere than here.
func (s site) supported() error {
	if t := s.backend().Type; t == "cloud" || t == "remote" {
		return actions.Invalid("roll back there, or use a back end that only holds the state",
			"the back end %q runs plans on its own machines; a saved plan of ours cannot be held to it", t)
	}
	return nil
}

// local says whether the state is a file of this machine.
func (s site) local() bool { return s.backend().Type == "local" }

// configuration gives a digest of the files that make the configuration, those
// of local modules included, and one of the dependency lock.
func (s site) configuration() (config, lock string, err error) {
	dirs := []string{s.Dir}
	var mods struct {
		Modules []struct{ Dir string }
	}
	if b, err := os.ReadFile(filepath.Join(s.data(), "modules", "modules.json")); err == nil && json.Unmarshal(b, &mods) == nil {
		for _, m := range mods.Modules {
			dirs = append(dirs, filepath.Join(s.Dir, m.Dir))
		}
	}
	slices.Sort(dirs)
	var lines []string
	for _, dir := range slices.Compact(dirs) {
		more, err := s.digests(dir)
		if err != nil {
			return "", "", err
		}
		lines = append(lines, more...)
	}
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	lock, err = tool.Digest(filepath.Join(s.Dir, lockFile))
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return hex.EncodeToString(sum[:]), lock, err
}

const lockFile = ".terraform.lock.hcl"

var source = lazily(`\.(tf|tofu|tfvars)(\.json)?$`)

func (s site) digests(dir string) (lines []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	for _, e := range entries {
		if e.IsDir() || !source().MatchString(e.Name()) {
			continue
		}
		file := filepath.Join(dir, e.Name())
		sum, err := tool.Digest(file)
		if err != nil {
			return nil, fmt.Errorf("configuration: %w", err)
		}
		rel, err := filepath.Rel(s.Dir, file)
		if err != nil {
			return nil, err
		}
		lines = append(lines, rel+" "+sum)
	}
	return lines, nil
}
