package finding_test

import (
	"context"
	"strings"
	"testing"

	"github.com/runbackhq/runback/actions"
	"github.com/runbackhq/runback/actions/actionstest"
	"github.com/runbackhq/runback/actions/finding"
	"github.com/runbackhq/runback/schema"
)

func registry(t *testing.T) actions.Registry {
	t.Helper()
	reg, err := actions.NewRegistry(finding.Actions())
	if err != nil {
		t.Fatal(err)
	}
	return reg
}

func TestContract(t *testing.T) { actionstest.Exercise(t, registry(t)) }

func TestReport(t *testing.T) {
	for name, tc := range map[string]struct {
		with, found, finding, playbook, told string
	}{
		"the first of two": {
			`{findings: [{when: false, says: a}, {when: true, says: b, playbook: canary}, {when: true, says: c, next: call somebody}]}`,
			"true", "b", "canary", "FINDING: b (run: runback run canary); also: c (call somebody)"},
		"all is seen and nothing is wrong": {
			`{findings: [{when: false, says: a}], healthy: all is well}`, "false", "all is well", "", "FINDING: all is well"},
		"nothing is seen to be wrong": {
			`{findings: [{when: false, says: a}, {when: null, says: the disk is full}]}`, "unknown",
			"nothing was seen to be wrong, and not everything could be seen", "",
			"FINDING: nothing was seen to be wrong, and not everything could be seen; could not be found out: whether the disk is full"},
		"found, and not everything is seen": {
			`{findings: [{when: null, says: a, about: the disk}, {when: true, says: b}]}`, "true", "b", "",
			"FINDING: b; could not be found out: the disk"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := run(t, tc.with)
			if err != nil {
				t.Fatal(err)
			}
			found := "unknown"
			if b, ok := out["found"].(bool); ok {
				found = map[bool]string{true: "true", false: "false"}[b]
			}
			told := registry(t)["finding.report"].Told(out)
			if found != tc.found || out["finding"] != tc.finding || out["playbook"] != tc.playbook || told != tc.told {
				t.Errorf("found %s, %v\ntold %s", found, out, told)
			}
		})
	}
	if _, err := run(t, `{findings: []}`); actions.KindOf(err) != actions.KindInvalid || !strings.Contains(err.Error(), "nothing could be found") {
		t.Errorf("no findings: %v", err)
	}
}

func run(t *testing.T, with string) (actions.Outputs, error) {
	t.Helper()
	tree, found := schema.Parse("test", []byte(with))
	if len(found) > 0 {
		t.Fatal(found)
	}
	a := registry(t)["finding.report"]
	in, found := a.Decode(tree)
	if len(found) > 0 {
		t.Fatal(found)
	}
	return a.Run(context.Background(), &actions.Call{}, in, nil)
}
