package helm

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// The states of a revision, as helm writes them (helm, release/common/status.go).
const (
	deployed        = "deployed"
	superseded      = "superseded"
	failed          = "failed"
	uninstalling    = "uninstalling"
	pendingRollback = "pending-rollback"
)

// record is a revision of a release as helm stored it, without the values it was
// made with: they may be secret and are of no use here.
type record struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	Version   int    `json:"version"`
	Manifest  string `json:"manifest"`
	Method    string `json:"apply_method"` // "ssa"; anything else is a client-side apply
	Info      struct {
		Status      string `json:"status"`
		Description string `json:"description"`
		RollbackTo  int    `json:"rollback_revision"` // helm 4 writes it, helm 3 does not
		Deployed    string `json:"last_deployed"`
	} `json:"info"`
	Chart struct {
		Metadata struct {
			Name       string `json:"name"`
			Version    string `json:"version"`
			AppVersion string `json:"appVersion"`
		} `json:"metadata"`
		Files []struct {
			Name string `json:"name"`
		} `json:"files"`
	} `json:"chart"`
	Hooks []hook `json:"hooks"`

	uid string // of the Secret
}

// hook is an object that helm makes around an operation.
type hook struct {
	Name   string   `json:"name"`
	Kind   string   `json:"kind"`
	Events []string `json:"events"`
}

// mostRecord bounds what a stored release may unpack to; a Secret holds 1 MiB.
const mostRecord = 64 << 20

// unpack reads a release as helm stores it: JSON, compressed but for very old
// ones, in base64 (helm, storage/driver/util.go).
func unpack(stored []byte) (record, error) {
	var r record
	raw, err := base64.StdEncoding.DecodeString(string(stored))
	if err != nil {
		return r, fmt.Errorf("stored release is not base64: %w", err)
	}
	if bytes.HasPrefix(raw, []byte{0x1f, 0x8b, 0x08}) {
		if raw, err = gunzip(raw); err != nil {
			return r, fmt.Errorf("stored release cannot be unpacked: %w", err)
		}
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return r, fmt.Errorf("stored release is not what helm writes: %w", err)
	}
	if r.Version < 1 || r.Name == "" || r.Info.Status == "" {
		return r, errors.New("stored release names no revision, name or status")
	}
	return r, nil
}

func gunzip(raw []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(io.LimitReader(z, mostRecord+1))
	if err == nil && len(out) > mostRecord {
		err = fmt.Errorf("it has more than %d bytes", mostRecord)
	}
	return out, err
}

func (r record) digest() string {
	sum := sha256.Sum256([]byte(r.Manifest))
	return hex.EncodeToString(sum[:])
}

// chart names the chart as helm list does.
func (r record) chart() string { return r.Chart.Metadata.Name + "-" + r.Chart.Metadata.Version }

// pending says that an operation began and has not ended, or uninstalls it.
func (r record) pending() bool {
	return strings.HasPrefix(r.Info.Status, "pending-") || r.Info.Status == uninstalling
}

// worked says whether the revision was deployed at some time. That one is marked
// as superseded is no proof: a rollback that fails marks the revision before it
// so, whatever that was. What failed, or never ended, keeps the words of it.
func (r record) worked() bool {
	switch r.Info.Status {
	case deployed:
		return true
	case superseded:
		return !unfinished.MatchString(r.Info.Description)
	default:
		return false
	}
}

var unfinished = regexp.MustCompile(`^((Upgrade|Rollback|Release|Install) ".*" failed: |Preparing upgrade$|Initial install underway$)`)

var rollbackTo = regexp.MustCompile(`^Rollback to ([0-9]{1,9})\b`)

// rollsBack says whether the revision is a rollback, and to which, 0 when that is
// not known. Helm 3 has only the words, and says of a rollback that failed while
// it waited: Release "app" failed. An upgrade that fails says so otherwise.
func (r record) rollsBack() (to int, is bool) {
	if r.Info.RollbackTo > 0 {
		return r.Info.RollbackTo, true
	}
	if m := rollbackTo.FindStringSubmatch(r.Info.Description); m != nil {
		to, err := strconv.Atoi(m[1])
		return to, err == nil && to > 0
	}
	words := r.Info.Description
	return 0, strings.HasPrefix(words, `Rollback "`) || r.Version > 1 && strings.HasPrefix(words, `Release "`)
}

// ours says that the description of the revision names the step.
func (r record) ours(key string) bool { return strings.HasSuffix(r.Info.Description, mark(key)) }

// mostDescription is what helm takes, in characters.
const mostDescription = 256

// describe is the description of a rollback of ours.
func describe(to int, key string) string { return fmt.Sprintf("Rollback to %d", to) + mark(key) }

func mark(key string) string {
	if len(key) > mostDescription-60 {
		sum := sha256.Sum256([]byte(key))
		key = hex.EncodeToString(sum[:])
	}
	return " (runback " + key + ")"
}
