package terraform_test

import (
	"os"
	"strings"
	"testing"

	"github.com/runbackhq/runback/actions"
)

const foreign = `{"ID":"11111111-2222-3333-4444-555555555555","Who":"ada@elsewhere","Operation":"OperationTypeApply","Created":"2024-01-01T10:00:00.5Z"}`

// tellsHolder says whether the back end "http" of the program tells who holds a
// lock, and not only its id: OpenTofu, and terraform since February 2026.
func (w *world) tellsHolder(t *testing.T) bool {
	t.Helper()
	out, err := w.tryByHand("plan", "-no-color")
	if err == nil {
		t.Fatal("it is not locked")
	}
	return strings.Contains(out, "ada@elsewhere")
}

func TestLockOfSomebodyElse(t *testing.T) {
	remote := newStateServer(t)
	w := newWorld(t, remote.config()+thing("a", "1", "null"))
	w.byHand("init", "-input=false")
	ready := w.apply(map[string]any{"lock_timeout": "100ms"}).prepare()
	remote.set(foreign)
	says := []string{"the state is locked", "11111111-2222-3333-4444-555555555555", "force-unlock"}
	if w.tellsHolder(t) {
		says = append(says, "by ada@elsewhere, apply since 2024-01-01 10:00:00 UTC")
	} else {
		says = append(says, "the back end does not say by whom")
	}
	_, err := ready.run()
	wantsKind(t, err, actions.KindRefused, says...)
	ready.wants(actions.NotApplied)
	late := w.apply(map[string]any{"lock_timeout": "100ms"})
	wantsKind(t, late.tryPrepare(), actions.KindRefused, says...)
	look := w.step("terraform.plan", map[string]any{"lock_timeout": "100ms"}).prepare()
	_, err = look.run()
	wantsKind(t, err, actions.KindRefused, says...)
	if remote.holder() != "11111111-2222-3333-4444-555555555555" || w.ledger() != "" {
		t.Error("the lock of somebody else was given back, or it was ignored")
	}
}

// A lock that our own killed child left is given back where the back end tells
// enough to prove it, and shown where it does not.
func TestLockOfOurDeadChild(t *testing.T) {
	remote := newStateServer(t)
	w := newWorld(t, remote.config()+chain)
	w.byHand("init", "-input=false")
	remote.set(foreign)
	proves := w.tellsHolder(t)
	remote.set("")
	s := w.apply(nil).prepare()
	s.left("infra/begun")
	id := remote.holder()
	w.kill("supervisor.json")
	w.kill("child.json")
	w.write("infra/go", "")
	s.settled()
	if remote.holder() != id || id == "" {
		t.Fatal("the lock is gone already")
	}
	// A plan of a playbook looks without touching it.
	p := w.apply(map[string]any{"lock_timeout": "100ms"})
	p.c.Key = "plan/steps/x"
	err := p.tryPrepare()
	if proves && err == nil {
		if notes := strings.Join(p.preview().Notes, "\n"); !strings.Contains(notes, id) || remote.holder() != id {
			t.Errorf("%s", notes)
		}
	}
	next := w.apply(map[string]any{"lock_timeout": "100ms"})
	if !proves {
		wantsKind(t, err, actions.KindRefused, id)
		wantsKind(t, next.tryPrepare(), actions.KindRefused, id, "force-unlock "+id)
		return
	}
	if next.prepare(); remote.holder() != "" || !strings.Contains(next.told.String(), "giving back the lock "+id) {
		t.Errorf("%q, %s", remote.holder(), next.told)
	}
}

// Somebody took the lock after our child died: that it is held on this host, by
// the same user, proves nothing.
func TestLockAfterOurDeadChild(t *testing.T) {
	remote := newStateServer(t)
	w := newWorld(t, remote.config()+chain)
	w.byHand("init", "-input=false")
	s := w.apply(nil).prepare()
	s.left("infra/begun")
	w.kill("supervisor.json")
	w.kill("child.json")
	w.write("infra/go", "")
	s.settled()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	remote.set(strings.NewReplacer("elsewhere", host, "2024-", "2099-").Replace(foreign))
	next := w.apply(map[string]any{"lock_timeout": "100ms"})
	wantsKind(t, next.tryPrepare(), actions.KindRefused, "11111111-2222-3333-4444-555555555555")
	if remote.holder() == "" {
		t.Error("it was given back")
	}
}
