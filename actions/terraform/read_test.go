package terraform

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestLockOf(t *testing.T) {
	info := "Lock Info:\n  ID:        aaaa-1\n  Path:      \n  Operation: OperationTypeApply\n  Who:       ada@host\n  Version:   1.11.4\n  Created:   2024-01-02 03:04:05.678901234 +0000 UTC\n  Info:      \n"
	for name, tc := range map[string]struct {
		text string
		want *holder
	}{
		"none":      {"Error: Saved plan is stale", nil},
		"told":      {"Error acquiring the state lock\nError message: resource temporarily unavailable\n" + info, &holder{"aaaa-1", "ada@host", "OperationTypeApply", time.Date(2024, 1, 2, 3, 4, 5, 678901234, time.UTC)}},
		"requester": {"Error acquiring the state lock\nError message: HTTP remote state already locked: ID=bbbb-2\n" + info, &holder{ID: "bbbb-2"}},
		"same":      {"Error acquiring the state lock\nError message: HTTP remote state already locked: ID=aaaa-1\n" + info, &holder{"aaaa-1", "ada@host", "OperationTypeApply", time.Date(2024, 1, 2, 3, 4, 5, 678901234, time.UTC)}},
		"nothing":   {"Error acquiring the state lock\nlock info file is missing", &holder{}},
	} {
		t.Run(name, func(t *testing.T) {
			got := lockOf(tc.text)
			if (got == nil) != (tc.want == nil) || got != nil && (got.ID != tc.want.ID || got.Who != tc.want.Who || got.Operation != tc.want.Operation || !got.Created.Equal(tc.want.Created)) {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestListen(t *testing.T) {
	s := listen(`{"@message":"a: Creating...","@timestamp":"2026-01-02T03:04:05.6Z","type":"apply_start","hook":{"resource":{"addr":"a"},"action":"create"}}
not json
{"@message":"Error: no","type":"diagnostic","diagnostic":{"severity":"error","summary":"no","detail":"because\n  of this","address":"a"}}
{"@message":"cut o`, "last words")
	if len(s.events) != 2 || s.why() != "a: no: because of this" || !strings.Contains(s.plain, "last words") || s.hard() {
		t.Errorf("%+v", s)
	}
	if got := listen("", "╷\n│ Error: boom\n│ it broke\n╵\n").why(); got != "boom it broke" {
		t.Errorf("%q", got)
	}
	for line, want := range map[string]string{
		"plain": "plain", "│ Warning: x": "Warning: x", "╵": "", `{"type":"provision_progress","@message":"a: secret"}`: "", `{"type":"apply_start","@message":"a: Creating..."}`: "a: Creating...", `{broken`: "",
	} {
		if got := aloud(line); got != want {
			t.Errorf("%s: %q", line, got)
		}
	}
}

// many is a plan of n changes, as `show -json` gives it.
func many(n int) []byte {
	var list []map[string]any
	for i := range n {
		actions, before := []string{"update"}, map[string]any{"id": "x", "size": 1, "tags": map[string]any{"a": "b", "c": nil}}
		after := map[string]any{"id": "x", "size": json.Number("12345678901234567890"), "tags": map[string]any{"a": "d"}}
		if i%3 == 0 {
			actions, after = []string{"delete"}, nil
		}
		list = append(list, map[string]any{"address": fmt.Sprintf("aws_x.y[%d]", i), "mode": "managed", "type": "aws_x", "name": "y",
			"change": map[string]any{"actions": actions, "before": before, "after": after, "after_unknown": map[string]any{}, "before_sensitive": map[string]any{"tags": map[string]any{"a": true}}, "after_sensitive": map[string]any{}}})
	}
	raw, _ := json.Marshal(map[string]any{"format_version": "1.2", "terraform_version": "1.11.4", "resource_changes": list, "complete": true, "applyable": true, "errored": false})
	return raw
}

// A plan of a thousand changes is told in a few lines, and compared by all.
func TestManyChanges(t *testing.T) {
	p, err := readPlan(many(1000), false)
	if err != nil {
		t.Fatal(err)
	}
	in := applyIn{}
	out := in.preview(prepared{Plan: p})
	if out.Summary != "update 666, delete 334" || len(out.Changes) != 334+666*2 || !strings.HasPrefix(out.Changes[0].Object, "aws_x.y[") || out.Changes[0].After != nil {
		t.Errorf("%s, %d changes, %+v", out.Summary, len(out.Changes), out.Changes[0])
	}
	for _, n := range out.Notes {
		if len(n) > 400 {
			t.Errorf("note of %d bytes", len(n))
		}
	}
	for _, c := range out.Changes {
		if c.Path == "size" && c.After != "12345678901234567890" {
			t.Fatalf("digits are lost: %+v", c)
		}
		if c.Path == "tags.a" && c.Before != hidden {
			t.Fatalf("not hidden: %+v", c)
		}
	}
	if err := in.admits(made{planned: p}); err == nil || len(err.Error()) > 400 || !strings.Contains(err.Error(), "and 324 more") {
		t.Errorf("%v", err)
	}
}

func TestWhatIsRefused(t *testing.T) {
	for name, tc := range map[string]struct{ plan, says string }{
		"errored":        {`"errored":true`, "ended with an error"},
		"not applicable": {`"applyable":false,"resource_changes":[{"address":"a.b","mode":"managed","type":"a","change":{"actions":["create"],"after":{}}}]`, "cannot be applied"},
		"unknown action": {`"resource_changes":[{"address":"a.b","mode":"managed","type":"a","change":{"actions":["explode"],"after":{}}}]`, "explode a.b"},
		"forget":         {`"resource_changes":[{"address":"a.b","mode":"managed","type":"a","change":{"actions":["forget"],"before":{"id":"1"}}}]`, "forget a.b"},
		"deposed":        {`"resource_changes":[{"address":"a.b","deposed":"k1","mode":"managed","type":"a","change":{"actions":["delete"],"before":{"id":"1"}}}]`, "delete a.b (deposed k1)"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := readPlan([]byte(`{"format_version":"1.2",`+tc.plan+`}`), false)
			if err != nil {
				t.Fatal(err)
			}
			if err := (applyIn{}).admits(made{planned: p}); err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%v", err)
			}
		})
	}
}

func FuzzReadPlan(f *testing.F) {
	f.Add(many(3))
	f.Add([]byte(`{"format_version":"1.2","resource_changes":[{"address":"a","mode":"managed","change":{"actions":["update"],"before":[1,{"x":null}],"after":[1,{"x":"y"}],"after_unknown":[true],"before_sensitive":[false,{"x":true}],"after_sensitive":true}}],"output_changes":{"o":{"actions":["create"],"after":"s3cr3t","after_sensitive":true}}}`))
	f.Add([]byte(`{"format_version":"1.2","resource_changes":[null],"output_changes":{"o":null},"resource_drift":[null]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := readPlan(raw, false)
		if err != nil {
			return
		}
		told, err := json.Marshal(applyIn{}.preview(prepared{Plan: p}))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range p.secrets {
			for _, c := range p.changes() {
				if strings.Contains(fmt.Sprint(c.Before, c.After), s) && !strings.Contains(hidden+altered+unknown, s) {
					t.Fatalf("%q is told: %s", s, told)
				}
			}
		}
		_ = (applyIn{}).admits(made{planned: p})
	})
}

func FuzzListen(f *testing.F) {
	f.Add(`{"@message":"x","type":"diagnostic","diagnostic":{"severity":"error","summary":"s"}}`+"\n", "│ Error: x")
	f.Fuzz(func(_ *testing.T, out, errs string) {
		s := listen(out, errs)
		_, _, _ = s.why(), s.hard(), aloud(out)
		lockOf(s.everything())
		lockOf("acquiring the state lock" + out)
	})
}

func FuzzUnpack(f *testing.F) {
	f.Add([]byte("no archive"))
	f.Fuzz(func(t *testing.T, raw []byte) { _ = unpack(strings.NewReader(string(raw)), t.TempDir()) })
}
