package executor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/internal/guard"
)

// Difference is one thing that is no longer as it was reviewed.
type Difference struct {
	Where    string `json:"where"` // "playbook", "target", or the path of a step
	Field    string `json:"field"`
	Reviewed string `json:"reviewed"`
	Now      string `json:"now"`
}

// String gives it in one line.
func (d Difference) String() string {
	return fmt.Sprintf("%s: %s was %s, is %s", d.Where, d.Field, d.Reviewed, d.Now)
}

// DriftError says that the world is not the one that was reviewed.
type DriftError struct{ Differences []Difference }

// Error names the first difference and counts the rest.
func (e *DriftError) Error() string {
	s := "what was reviewed is no longer so: " + e.Differences[0].String()
	if n := len(e.Differences) - 1; n > 0 {
		s += fmt.Sprintf(" (and %d more)", n)
	}
	return s
}

// Drift compares a plan that was reviewed with one made now: the target, and of
// every step what would become of it and field by field what it would do. What
// was only observed may differ, as long as everything that follows from it is
// the same.
func Drift(reviewed, now *Plan) []Difference {
	d := drift{}
	d.add("playbook", "digest", reviewed.Digest, now.Digest)
	for _, key := range slices.Sorted(maps.Keys(reviewed.Identity)) {
		if pinned(key) {
			d.add("target", key, reviewed.Identity[key], now.Identity[key])
		}
	}
	if len(d.found) > 0 && d.found[len(d.found)-1].Where == "target" {
		return d.found // nothing else can be compared
	}
	for i, was := range reviewed.Steps {
		if i >= len(now.Steps) || now.Steps[i].Path != was.Path {
			d.add(was.Path, "step", "there", "gone")
			continue
		}
		d.step(was, now.Steps[i])
	}
	return d.found
}

type drift struct{ found []Difference }

func (d *drift) add(where, field, was, now string) {
	if was != now {
		d.found = append(d.found, Difference{where, field, was, now})
	}
}

func (d *drift) step(was, now Planned) {
	d.add(was.Path, "decision", decisionWord(was), decisionWord(now))
	d.add(was.Path, "guard", truthOf(was.Guard), truthOf(now.Guard))
	before := len(d.found)
	a, b := previewOf(was), previewOf(now)
	d.add(was.Path, "object", a.Object, b.Object)
	d.changes(was.Path, a, b)
	if len(d.found) == before && was.Effect != actions.Observe.String() {
		d.state(was, now)
	}
}

func decisionWord(s Planned) string {
	if s.Decision == WouldStop {
		return string(s.Decision) + " (" + s.Reason + ")"
	}
	return string(s.Decision)
}

func truthOf(j *guard.Judgement) string {
	if j == nil {
		return "none"
	}
	return fmt.Sprint(j.Truth)
}

func previewOf(s Planned) actions.Preview {
	if s.Preview == nil {
		return actions.Preview{}
	}
	return *s.Preview
}

// changes compares field by field; a field that is not named would not change.
func (d *drift) changes(where string, was, now actions.Preview) {
	a, b := byField(was), byField(now)
	fields := maps.Clone(a)
	maps.Copy(fields, b)
	for _, f := range slices.Sorted(maps.Keys(fields)) {
		x, inWas := a[f]
		y, inNow := b[f]
		switch {
		case inWas && inNow:
			d.add(where, f, jsonWord(x.Before), jsonWord(y.Before))
			d.add(where, f+" after the step", jsonWord(x.After), jsonWord(y.After))
		case inWas:
			d.add(where, f, jsonWord(x.Before), jsonWord(x.After)+" already")
		default:
			d.add(where, f, "not to be changed", jsonWord(y.Before)+", to be "+jsonWord(y.After))
		}
	}
}

func byField(p actions.Preview) map[string]actions.FieldChange {
	out := map[string]actions.FieldChange{}
	for _, c := range p.Changes {
		out[fieldName(p, c)] = c
	}
	return out
}

func fieldName(p actions.Preview, c actions.FieldChange) string {
	if c.Object != "" {
		return c.Object + " " + c.Path
	}
	return strings.TrimSpace(p.Object + " " + c.Path)
}

// state compares what Prepare resolved: identities above all.
func (d *drift) state(was, now Planned) {
	a, b := map[string]string{}, map[string]string{}
	flattenJSON("", was.State, a)
	flattenJSON("", now.State, b)
	for _, k := range slices.Sorted(maps.Keys(a)) {
		// A receipt says who wrote last, not what is there.
		if a[k] != b[k] && !strings.HasSuffix(k, "receipt") {
			d.add(was.Path, "prepared "+k, a[k], b[k])
		}
	}
}

func flattenJSON(at string, raw json.RawMessage, into map[string]string) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) == nil {
		flattenValue(at, v, into)
	}
}

func flattenValue(at string, v any, into map[string]string) {
	switch x := v.(type) {
	case map[string]any:
		for k, e := range x {
			flattenValue(strings.TrimPrefix(at+"."+k, "."), e, into)
		}
	case []any:
		for i, e := range x {
			flattenValue(fmt.Sprintf("%s[%d]", at, i), e, into)
		}
	default:
		into[at] = jsonWord(v)
	}
}

func jsonWord(v any) string {
	if v == nil {
		return "(absent)"
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
