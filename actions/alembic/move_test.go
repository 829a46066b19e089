package alembic_test

import (
	"testing"

	"github.com/runbackhq/runback/actions"
)

func TestDowngrade(t *testing.T) {
	w := project(t, "linear").at("head")
	s := w.downgrade("-1").prepare()
	p := s.preview()
	t.Logf("%+v", p)
	if p.Label != actions.Exact || p.Summary != "downgrade ddd4 → ccc3" {
		t.Errorf("%+v", p)
	}
	if v := w.version(); v != "ddd4" {
		t.Fatalf("preparing moved it to %s", v)
	}
	out := s.must()
	t.Log(out, string(s.state))
	if v := w.version(); v != "ccc3" {
		t.Errorf("version %s", v)
	}
	s.wants(actions.Applied, "")
}
