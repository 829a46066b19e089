package crashtest

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// mutant is a mistake that somebody might make, and the part of the matrix that
// must notice it.
type mutant struct {
	name string
	file string
	text []string // old, new, old, new …
	part string   // pattern of the tests
	args []string
}

const (
	invoke = "executor/layer_invoke.go"
	store  = "internal/journal/sqlite/sqlite.go"
	folder = "internal/journal/sqlite/folder.go"
)

var mutants = []mutant{
	{"nothing is synced", store, []string{`"synchronous(FULL)"`, `"synchronous(OFF)"`, `false: "FULL"`, `false: "OFF"`}, "PowerLoss$", nil},
	{"the folder is not synced when the file is made", folder, []string{"errors.Join(d.Sync(), d.Close())", "d.Close()"}, "SystemCalls", nil},
	{"an error of the sync of the folder is ignored", folder, []string{"	return errors.Join(d.Sync(), d.Close())", "	_ = d.Sync()\n	return d.Close()"}, "SystemCalls", nil},
	{"the name of a new folder is not made durable", folder, []string{"	return syncFolder(above)\n", "	return nil\n"}, "PowerLoss$", nil},
	{"the folder that a dead executor made is not synced", folder, []string{"err = syncFolder(above)", "err = nil"}, "FailedFolder", nil},
	{"an error of a sync or write is ignored", store, []string{"	if se, ok := errors.AsType[*driver.Error](err); ok && se.Code() == lib.SQLITE_CONSTRAINT_PRIMARYKEY {",
		"	if se, ok := errors.AsType[*driver.Error](err); ok && se.Code()&0xff == lib.SQLITE_IOERR {\n\t\treturn nil\n\t}\n	if se, ok := errors.AsType[*driver.Error](err); ok && se.Code() == lib.SQLITE_CONSTRAINT_PRIMARYKEY {"}, "SystemCalls", nil},
	{"an event that exists is written over", store, []string{"`INSERT INTO events", "`INSERT OR REPLACE INTO events"}, "Frozen", nil},
	{"an append does not ask for the epoch", store, []string{"WHERE EXISTS (SELECT 1 FROM claims WHERE target = ? AND epoch = ? AND run = ? AND held)", "WHERE ? IS NOT NULL AND ? IS NOT NULL AND ? IS NOT NULL"}, "Frozen", nil},
	{"the effect is recorded before it takes place", invoke, []string{"	out, err := c.node.Action.Run(ctx, c.act, c.in, c.intent.State)\n	if err == nil {\n		return s.acted(ctx, c, out)\n	}",
		"	if o := s.acted(ctx, c, nil); o.err != nil {\n		return o\n	}\n	out, err := c.node.Action.Run(ctx, c.act, c.in, c.intent.State)\n	if err == nil {\n		return outcome{status: journal.Succeeded, outputs: out}\n	}"}, "Named", nil},
	{"the intent is recorded after the effect", invoke, []string{"	if err := s.record(ctx, journal.StepIntent, c.node.Path, c.intent); err != nil {",
		"	early, wrong := c.node.Action.Run(ctx, c.act, c.in, c.intent.State)\n	if wrong == nil {\n		if err := s.record(ctx, journal.StepIntent, c.node.Path, c.intent); err != nil {\n			return outcome{status: journal.FailedRun, err: err, step: c.node.Path}\n		}\n		return s.acted(ctx, c, early)\n	}\n	if err := s.record(ctx, journal.StepIntent, c.node.Path, c.intent); err != nil {"}, "Named", nil},
	{"the intent is not recorded", invoke, []string{"s.record(ctx, journal.StepIntent, c.node.Path, c.intent)", "error(nil)"}, "Named", nil},
	{"the intent may wait for the next event", invoke, []string{"s.record(ctx, journal.StepIntent, c.node.Path, c.intent)", "s.note(ctx, journal.StepIntent, c.node.Path, c.intent)"}, "PowerLoss$", nil},
	{"an event that may wait takes the sync from the next", store, []string{"	if lazy != s.lazy {", "	if lazy && !s.lazy {"}, "PowerLoss$", nil},
	{"a probe is taken for NotApplied", invoke, []string{"		cancel()\n", "		cancel()\n		verdict = actions.NotApplied\n"}, "Named", nil},
	{"a probe is taken for Applied", invoke, []string{"		cancel()\n", "		cancel()\n		verdict = actions.Applied\n"}, "Named", nil},
	{"the lock is not asked before an effect", invoke, []string{"if err := s.lease.Check(ctx); err != nil {", "if err := error(nil); err != nil {"}, "Frozen", []string{"-crash.long"}},
	{"everybody is taken for dead", "internal/lock/acquire.go", []string{"alive, known := k.Alive(rec.Holder.Process)", "alive, known := false, true"}, "Two", nil},
	{"the hash of an event is not looked at", "internal/journal/event.go", []string{"case e.Digest() != e.Hash:", "case false:"}, "ChangedEvent", nil},
	{"the link to the event before is not looked at", "internal/journal/event.go", []string{"case e.Prev != prev:", "case false && e.Prev != prev:"}, "ChangedEvent", nil},
	{"a run goes on without its journal", "internal/journal/store.go", []string{"		return w.broken\n	}\n	w.last = e", "		return nil\n	}\n	w.last = e", "if w.broken != nil {", "if false {"}, "SystemCalls", nil},
	{"a block begins anew at a resume", "executor/block.go", []string{"	if st == nil || st.Start.IsZero() {\n", "	if st == nil || st.Status == \"\" {\n"}, "Named", nil},
	{"the budget begins anew at a resume", "executor/run.go", []string{"s.within(ctx, s.state.Started.Deadline,", "s.within(ctx, s.Clock.Now().Add(spec.Budget.Std()),"}, "ClockJumpsBetween", nil},
	{"a clock that was set back gives time", "executor/session.go", []string{"s.Clock = r.Clock.forward(state.Latest)", "s.Clock = r.Clock"}, "ClockJumpsBetween", nil},
	{"a clock that is set back during a run is believed", "executor/clock.go", []string{"		latest = told\n", ""}, "ClockJumpsDuring", nil},
	{"finished steps are done again", "executor/layer_replay.go", []string{`if st != nil && st.Status != "" {`, "if false {"}, "Named", nil},
	{"what is in doubt is tried again", "executor/layer_retry.go", []string{"return o.status == journal.FailedRun && !isNotDurable(o.err)", "return (o.status == journal.FailedRun || o.status == journal.InDoubt) && !isNotDurable(o.err)"}, "Named", nil},
	{"a resume prepares again", "executor/layer_prepare.go", []string{"		if c.pending {\n", "		if false {\n"}, "Named", nil},
	{"a resume asks the guard of an announced step again", "executor/layer_guard.go", []string{"if !c.pending {", "if true {"}, "ClockJumpsBetween", []string{"-crash.long"}},
}

var root = filepath.Join("..", "..")

// mutate gives the file with the mistake in it. A text that is not there once
// is out of date.
func (m mutant) mutate() ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(root, m.file))
	if err != nil {
		return nil, err
	}
	text := string(b)
	for i := 0; i < len(m.text); i += 2 {
		if n := strings.Count(text, m.text[i]); n != 1 {
			return nil, fmt.Errorf("%s: %q is there %d times, want once: the mutant is out of date", m.file, m.text[i], n)
		}
		text = strings.Replace(text, m.text[i], m.text[i+1], 1)
	}
	return []byte(text), nil
}

func TestMutantsAreUpToDate(t *testing.T) {
	for _, m := range mutants {
		if _, err := m.mutate(); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
	}
	if len(mutants) < 14 {
		t.Errorf("only %d mutants", len(mutants))
	}
}

// Each mistake is noticed by the part that is there for it. The other tests of
// this package show that the same parts pass without it.
func TestMutantsAreCaught(t *testing.T) {
	if !*long {
		t.Skip("builds the test again for each of them: make crash-matrix")
	}
	begun := time.Now()
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			c := counts{Points: 1}
			if out, caught := m.caught(t); caught {
				c.Completed = 1
				t.Logf("caught: %s", out)
			} else {
				c.Other = 1
				t.Errorf("not caught by %s: %s", m.part, out)
			}
			results.add("mutants", m.name, c)
		})
	}
	concluded(t, "mutants", begun, 1)
}

func (m mutant) caught(t *testing.T) (string, bool) {
	text, err := m.mutate()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file, err := filepath.Abs(filepath.Join(root, m.file))
	if err != nil {
		t.Fatal(err)
	}
	changed, overlay, binary := filepath.Join(dir, "changed.go"), filepath.Join(dir, "overlay.json"), filepath.Join(dir, "mutant.test")
	list, err := json.Marshal(map[string]any{"Replace": map[string]string{file: changed}})
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{changed: text, overlay: list} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-vet=off", "-overlay", overlay, "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	args := append([]string{"-test.run", m.part, "-test.failfast", "-test.timeout", "10m", "-crash.seed", fmt.Sprint(*seed)}, m.args...)
	out, err := exec.CommandContext(t.Context(), binary, args...).CombinedOutput()
	return firstFinding(string(out)), err != nil && strings.Contains(string(out), "--- FAIL")
}

// firstFinding is the first line that says what went wrong.
func firstFinding(out string) string {
	for _, l := range strings.Split(out, "\n") {
		if l = strings.TrimSpace(l); strings.HasPrefix(l, "oracle_test.go") {
			return l
		}
	}
	return out[:min(len(out), 2000)]
}
