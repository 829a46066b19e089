package alembic_test

import (
	"testing"
	"time"
)

// BenchmarkDowngrade compares a downgrade of three revisions that work for a
// second each, by alembic alone and by the action's Run.
func BenchmarkDowngrade(b *testing.B) {
	w := project(b, "work").at("wd4")
	w.env["WORK"] = "1"
	var alone, ours time.Duration
	for b.Loop() {
		began := time.Now()
		w.must(w.tool("downgrade", "aaa1"))
		alone += time.Since(began)
		w.again()
		s := w.downgrade("aaa1").prepare()
		began = time.Now()
		s.done()
		ours += time.Since(began)
		w.again()
	}
	b.ReportMetric(alone.Seconds()/float64(b.N), "s/alembic")
	b.ReportMetric(ours.Seconds()/float64(b.N), "s/run")
	b.ReportMetric(ours.Seconds()/alone.Seconds(), "ratio")
}

// again brings the database back without the work.
func (w *world) again() {
	w.t.Helper()
	w.env["WORK"] = "0"
	w.must(w.tool("upgrade", "wd4"))
	w.env["WORK"] = "1"
}
