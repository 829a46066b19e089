package schema

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Duration is a length of time, written like 90s or 2m30s. Negative lengths
// and bare numbers (whose unit the reader would have to guess) are refused.
type Duration time.Duration

// writtenDuration is narrower than what the standard library reads: that takes
// a bare 0 and signs too. The JSON Schema holds the same pattern.
const writtenDuration = `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`

var durationPattern = regexp.MustCompile(writtenDuration)

// ParseDuration reads the written form.
func ParseDuration(s string) (Duration, error) {
	d, err := time.ParseDuration(s)
	switch {
	case err == nil && d < 0:
		return 0, fmt.Errorf("%q is negative: a duration is 0 or more", s)
	case err != nil || !durationPattern.MatchString(s):
		return 0, fmt.Errorf("%q is not a duration: write it like 90s or 2m30s", s)
	}
	return Duration(d), nil
}

// Std gives the standard library's form.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String leaves out the zero units of time.Duration: 2m rather than 2m0s.
func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// MarshalJSON writes the form that UnmarshalJSON and the YAML decoder read.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(d.String()) }

// UnmarshalJSON reads the written form.
func (d *Duration) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	v, err := ParseDuration(s)
	*d = v
	return err
}

// Share is a part of a whole, written as 5% or 0.05; its value is 0.05.
type Share float64

// ParseShare reads the written form. Shares below 0 are refused; above 1 they
// are allowed, because a latency may well be 150% of its baseline.
func ParseShare(s string) (Share, error) {
	num, percent := strings.CutSuffix(strings.TrimSpace(s), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(num), 64)
	if err != nil || v < 0 || v != v || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%q is not a share: write it like 5%% or 0.05", s)
	}
	if percent {
		v /= 100
	}
	return Share(v), nil
}

// String gives the percent form.
func (s Share) String() string { return strconv.FormatFloat(float64(s)*100, 'g', 6, 64) + "%" }
