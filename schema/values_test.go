package schema_test

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/runbackhq/runback/schema"
)

func TestDurationIsWrittenWithUnits(t *testing.T) {
	for text, want := range map[string]string{
		"90s": "1m30s", "2m30s": "2m30s", "120s": "2m", "60m": "1h", "1h0m5s": "1h0m5s", "0s": "0s", "1500ms": "1.5s", "10us": "10µs",
		"": "", "0": "", "5": "", "-1s": "", "+1s": "", "1 s": "", "5d": "", ".5s": "", "1s ": "", "99999999999h": "",
	} {
		d, err := schema.ParseDuration(text)
		if got := d.String(); (err == nil) != (want != "") || err == nil && got != want {
			t.Errorf("%q is %s, %v; want %q", text, got, err, want)
		}
	}
}

func TestDurationSurvivesJSON(t *testing.T) {
	b, err := json.Marshal(schema.Duration(150 * time.Second))
	var back schema.Duration
	if err != nil || string(b) != `"2m30s"` || json.Unmarshal(b, &back) != nil || back.Std() != 150*time.Second {
		t.Errorf("%s, %s, %v", b, back, err)
	}
	for _, bad := range []string{`90`, `"90"`, `null1`, `{}`} {
		if json.Unmarshal([]byte(bad), &back) == nil {
			t.Errorf("%s was read", bad)
		}
	}
}

func TestShareIsPercentOrFraction(t *testing.T) {
	for text, want := range map[string]float64{
		"5%": 0.05, "0.05": 0.05, " 5 % ": 0.05, "150%": 1.5, "0": 0,
		"": -1, "%": -1, "-5%": -1, "5%%": -1, "NaN": -1, "inf": -1, "1e999%": -1, "half": -1,
	} {
		got, err := schema.ParseShare(text)
		if (err == nil) != (want >= 0) || err == nil && math.Abs(float64(got)-want) > 1e-12 {
			t.Errorf("%q is %v, %v; want %v", text, float64(got), err, want)
		}
	}
}

func TestFlagIsReadAsTheInputIsDeclared(t *testing.T) {
	lo, hi := 1.0, 10.0
	for _, tc := range []struct {
		in   schema.Input
		text string
		want any // nil: refused
	}{
		{schema.Input{Type: "string"}, "007", "007"},
		{schema.Input{Type: "string"}, "${{ inputs.x }}", "${{ inputs.x }}"}, // a value is never an expression
		{schema.Input{Type: "string", Pattern: "[a-z]+"}, "abc\nd", nil},
		{schema.Input{Type: "string", Pattern: "a|b"}, "ab", nil},
		{schema.Input{Type: "string", Enum: []string{"a"}}, "A", nil},
		{schema.Input{Type: "int"}, "5", 5},
		{schema.Input{Type: "int"}, "5.0", nil},
		{schema.Input{Type: "int"}, "0x10", nil},
		{schema.Input{Type: "int"}, "", nil},
		{schema.Input{Type: "int"}, "9007199254740992", 1 << 53},
		{schema.Input{Type: "int"}, "9007199254740993", nil},
		{schema.Input{Type: "int", Minimum: &lo, Maximum: &hi}, "0", nil},
		{schema.Input{Type: "int", Minimum: &lo, Maximum: &hi}, "1", 1},
		{schema.Input{Type: "int", Minimum: &lo, Maximum: &hi}, "11", nil},
		{schema.Input{Type: "number"}, "0.5", 0.5},
		{schema.Input{Type: "number"}, "NaN", nil},
		{schema.Input{Type: "number"}, "Inf", nil},
		{schema.Input{Type: "number", Minimum: &lo}, "NaN", nil},
		{schema.Input{Type: "bool"}, "true", true},
		{schema.Input{Type: "bool"}, "yes", nil},
		{schema.Input{Type: "duration"}, "90s", schema.Duration(90 * time.Second)},
		{schema.Input{Type: "duration"}, "90", nil},
		{schema.Input{Type: "share"}, "5%", 0.05},
		{schema.Input{Type: "share"}, "inf", nil},
		{schema.Input{Type: "nothing"}, "x", nil},
	} {
		got, err := tc.in.ParseFlag(tc.text)
		if (err == nil) != (tc.want != nil) || err == nil && got != tc.want {
			t.Errorf("%s %q is %v (%T), %v; want %v", tc.in.Type, tc.text, got, got, err, tc.want)
		}
	}
}

type sample struct {
	Pos    schema.Pos       `json:"-"`
	Text   string           `json:"text"`
	Small  int32            `json:"small,omitempty"`
	Rate   *float64         `json:"rate,omitempty"`
	Wait   schema.Duration  `json:"wait" default:"2m"`
	Count  int              `json:"count" default:"3" minimum:"1"`
	On     bool             `json:"on" default:"true"`
	Share  schema.Share     `json:"share,omitempty"`
	Modes  []string         `json:"modes,omitempty" enum:"fast|slow"`
	Labels map[string]int   `json:"labels,omitempty"`
	Any    any              `json:"any,omitempty"`
	Inner  *sample          `json:"inner,omitempty"`
	Pause  *schema.Duration `json:"pause,omitempty"`
	Hidden string
}

func decode(t *testing.T, text string) (sample, schema.Diagnostics) {
	t.Helper()
	tree, found := schema.Parse("d.yaml", []byte(text))
	if found != nil {
		t.Fatal(found)
	}
	var s sample
	found = schema.Decode(tree, &s)
	return s, found
}

func TestDecodeFillsEveryKind(t *testing.T) {
	half, pause := 0.5, schema.Duration(time.Second)
	for text, want := range map[string]sample{
		`{text: a}`:                        {Text: "a", Wait: schema.Duration(2 * time.Minute), Count: 3, On: true},
		`{text: a, on: false, wait: null}`: {Text: "a", Wait: schema.Duration(2 * time.Minute), Count: 3},
		`{text: a, rate: 0.5, pause: 1s, share: 5%, wait: 1s, count: 1}`:            {Text: "a", Rate: &half, Pause: &pause, Share: 0.05, Wait: schema.Duration(time.Second), Count: 1, On: true},
		`{text: a, rate: null, inner: null}`:                                        {Text: "a", Wait: schema.Duration(2 * time.Minute), Count: 3, On: true},
		`{text: a, modes: [slow], labels: {x: 1}, any: [1, x, {y: 1.5}], count: 1}`: {Text: "a", Modes: []string{"slow"}, Labels: map[string]int{"x": 1}, Any: []any{1, "x", map[string]any{"y": 1.5}}, Wait: schema.Duration(2 * time.Minute), Count: 1, On: true},
	} {
		got, found := decode(t, text)
		if got.Pos.Line != 1 {
			t.Errorf("%s: stands at %s", text, got.Pos)
		}
		got.Pos = schema.Pos{}
		if diff := cmp.Diff(want, got); diff != "" || found != nil {
			t.Errorf("%s (-want +got): %v\n%s", text, found, diff)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`{}`:                           `d.yaml:1:1: field "text" is missing`,
		`{text: null}`:                 `d.yaml:1:8: expected string, found null`,
		`{text: 1.10}`:                 `d.yaml:1:8: expected string, found a number ("1.1")`,
		`{text: a, small: 3000000000}`: `d.yaml:1:18: expected int, found a whole number ("3000000000")`,
		`{text: a, count: 1.5}`:        `d.yaml:1:18: expected int, found a number ("1.5")`,
		`{text: a, count: 0}`:          `d.yaml:1:18: count is 0, the least is 1`,
		`{text: a, modes: [fats]}`:     `d.yaml:1:19: "fats" is not one of: fast, slow (did you mean "fast"?)`,
		`{text: a, modes: fast}`:       `d.yaml:1:18: expected a list, found text (write it as [a, b] or one item a line, each after a dash)`,
		`{text: a, labels: [1]}`:       `d.yaml:1:19: expected a map, found a list`,
		`{text: a, labels: {a: b}}`:    `d.yaml:1:23: expected int, found text ("b")`,
		`{text: a, inner: {text: 1}}`:  `d.yaml:1:25: expected string, found a whole number ("1")`,
		`{text: a, Hidden: b}`:         `d.yaml:1:11: unknown field "Hidden" (known here: text, small, rate, wait, count, on, share, modes, labels, any, inner, pause)`,
	} {
		if _, found := decode(t, text); found.Error() != want {
			t.Errorf("%s:\n got %s\nwant %s", text, found.Error(), want)
		}
	}
}

func TestTypeThatHoldsItselfIsDescribedOnce(t *testing.T) {
	ty := schema.TypeOf(reflect.TypeFor[sample]())
	if f := ty.Field("inner"); f == nil || f.Type.Ref != "sample" || !f.Type.Nullable || len(f.Type.Fields) != 0 {
		t.Errorf("inner is %+v", f)
	}
	if f := ty.Field("pause"); f == nil || f.Type.Kind != "duration" || !f.Type.Nullable || f.Required {
		t.Errorf("pause is %+v", f)
	}
	if f := ty.Field("nothing"); f != nil {
		t.Errorf("nothing is %+v", f)
	}
}

func TestSuggestion(t *testing.T) {
	known := []string{"attempts", "delay", "retry", "uses", "when"}
	for word, want := range map[string]string{"atempts": "attempts", "usse": "uses", "wehn": "when", "Retry": "retry", "x": "", "somethingelse": "", "": ""} {
		if got := schema.Suggest(word, known); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}
