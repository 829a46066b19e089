package tool

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Job is one attempt as it was announced. It is journaled with the state of a
// step.
type Job struct {
	// Child names the directory of the child, new for each attempt.
	Child string `json:"child"`
	// Host is where the child would be. Elsewhere, its absence proves nothing.
	Host string `json:"host"`
}

// Announce makes a new attempt of the step with that key. A plan has none: what
// it prepares is compared with the next plan, field by field.
func Announce(key string) Job {
	if strings.HasPrefix(key, "plan/") {
		return Job{}
	}
	return Job{Child: childName(key), Host: host()}
}

// valid says whether anything was announced at all.
func (j Job) valid() error {
	if j.Child == "" || filepath.Base(j.Child) != j.Child || strings.HasPrefix(j.Child, ".") {
		return errors.New("what was prepared names no child process")
	}
	return nil
}

func host() string {
	name, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return name
}

var unfit = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// mostKey keeps the name of a directory within what file systems take.
const mostKey = 100

// childName can be read by people and is new each time.
func childName(key string) string {
	key = strings.Trim(unfit.ReplaceAllString(key, "_"), "_")
	return key[:min(len(key), mostKey)] + "-" + strings.ToLower(rand.Text()[:12])
}

// latest gives the directory of the last child of an attempt, and that of the
// one after it. There is more than one only when a child was lost or stopped
// and it turned out that it did not take effect, or that twice does no harm.
func latest(base, name string) (dir, next string) {
	at := func(n int) string {
		if n == 1 {
			return filepath.Join(base, name)
		}
		return filepath.Join(base, name+"."+strconv.Itoa(n))
	}
	n := 1
	for exists(at(n + 1)) {
		n++
	}
	return at(n), at(n + 1)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
