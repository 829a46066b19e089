// Package app is the sample application that the sandbox rolls out and back. How
// an instance behaves follows from its version alone, so that a change of image
// is a change of behaviour, as it is in life.
package app

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"time"
)

// Behaviour is what a version does to its callers.
type Behaviour struct {
	Version   string
	FailShare float64       // share of requests answered with 500
	Delay     time.Duration // added to every request
	NeverUp   bool          // never becomes ready
	CrashAt   time.Duration // when to exit with code 1; zero is never
	LeakLimit int           // requests until its database connections are used up; zero is none
	Shards    int           // exclusive places of which an instance needs one; zero is none
}

// UnknownVersionError means that no such version was ever built.
type UnknownVersionError struct{ Version string }

func (e UnknownVersionError) Error() string {
	return fmt.Sprintf("version %q is unknown", e.Version)
}

func versionPattern() *regexp.Regexp {
	return regexp.MustCompile(`^\d+\.\d+\.\d+(?:-([a-z]+))?$`)
}

// Parse derives the behaviour from the suffix of a version.
func Parse(version string) (Behaviour, error) {
	m := versionPattern().FindStringSubmatch(version)
	if m == nil {
		return Behaviour{}, UnknownVersionError{version}
	}
	b := Behaviour{Version: version}
	switch m[1] {
	case "":
	case "errors":
		b.FailShare = 0.4
	case "slow":
		b.Delay = 400 * time.Millisecond
	case "unready":
		b.NeverUp = true
	case "crash":
		b.FailShare, b.CrashAt = 1, 5*time.Second
	case "leak":
		b.LeakLimit = 200
	case "shards":
		b.FailShare, b.Shards = 0.4, 2
	default:
		return Behaviour{}, UnknownVersionError{version}
	}
	return b, nil
}

// FromEnvironment overrides what the version says by the variables FAIL_SHARE,
// DELAY_MS, CRASH_AFTER_MS, LEAK_LIMIT and SHARDS.
func (b Behaviour) FromEnvironment() (Behaviour, error) {
	var err error
	number := func(name string, set func(float64)) {
		text, ok := os.LookupEnv(name)
		if !ok || text == "" || err != nil {
			return
		}
		n, perr := strconv.ParseFloat(text, 64)
		if perr != nil || n < 0 {
			err = fmt.Errorf("%s=%q is not a number of at least 0", name, text)
			return
		}
		set(n)
	}
	ms := func(n float64) time.Duration { return time.Duration(n * float64(time.Millisecond)) }
	number("FAIL_SHARE", func(n float64) { b.FailShare = min(n, 1) })
	number("DELAY_MS", func(n float64) { b.Delay = ms(n) })
	number("CRASH_AFTER_MS", func(n float64) { b.CrashAt = ms(n) })
	number("LEAK_LIMIT", func(n float64) { b.LeakLimit = int(n) })
	number("SHARDS", func(n float64) { b.Shards = int(n) })
	return b, err
}
