package postgres_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	restoreMiB  = flag.Int("restore.mib", 64, "size of the table data of BenchmarkRestore, in MiB")
	restoreJobs = flag.Int("restore.jobs", 2, "jobs of BenchmarkRestore")
)

// BenchmarkRestore compares the whole step with pg_restore alone, into a fresh
// database, with the same jobs. The step reads the dump twice more at once, before
// anything is touched: for its sum, and from beginning to end.
func BenchmarkRestore(b *testing.B) {
	ctx := context.Background()
	db := "bench"
	must := func(database string, statements ...string) {
		if _, err := server.SQL(ctx, database, statements...); err != nil {
			b.Fatal(err)
		}
	}
	must("postgres", "create database bench owner app")
	rows := *restoreMiB << 20 / 512 / 4
	for i := range 4 {
		name := "t" + strconv.Itoa(i)
		must(db, "set role app", fmt.Sprintf("create table %s as select i as id, (select string_agg(md5((i * 31 + j)::text), '') from generate_series(1, 15) j) as filler from generate_series(1, %d) i", name, rows), "alter table "+name+" add primary key (id)")
	}
	file := filepath.Join(b.TempDir(), "bench.dump")
	if _, err := server.Program(ctx, "pg_dump", db, nil, "-Fc", "-Z1", "-f", file); err != nil {
		b.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		must("postgres", "create database bench_alone owner app")
		began := time.Now()
		if _, err := server.Program(ctx, "pg_restore", "bench_alone", nil, "-d", "bench_alone", "-j", strconv.Itoa(*restoreJobs), file); err != nil {
			b.Fatal(err)
		}
		alone := time.Since(began)
		must("postgres", "drop database bench_alone")

		w := benchStep(b, db, file)
		began = time.Now()
		if w.state, err = w.a.Prepare(ctx, w.c, w.in); err != nil {
			b.Fatal(err)
		}
		prepared := time.Since(began)
		if _, err := w.a.Run(ctx, w.c, w.in, w.state); err != nil {
			b.Fatal(err)
		}
		whole := time.Since(began)
		b.ReportMetric(alone.Seconds(), "s/pg_restore")
		b.ReportMetric(prepared.Seconds(), "s/prepare")
		b.ReportMetric(whole.Seconds(), "s/step")
		b.ReportMetric(float64(info.Size())/(1<<20), "MiB/dump")
		b.ReportMetric(float64(peak(b))/(1<<10), "MiB/peak-memory")
	}
}

func benchStep(b *testing.B, db, file string) *world {
	b.Helper()
	with := map[string]any{"bin": server.Bin, "file": file, "accept_data_loss": "all", "jobs": *restoreJobs}
	w := newWorld(b.TempDir(), "postgres.restore", "app", db)
	in, err := decode(w.a, with)
	if err != nil {
		b.Fatal(err)
	}
	w.in, w.state = in, json.RawMessage("null")
	return w
}

// peak is the most memory that this process ever had, in KiB.
func peak(b *testing.B) int {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "VmHWM:" {
			kib, err := strconv.Atoi(f[1])
			if err != nil {
				b.Fatal(err)
			}
			return kib
		}
	}
	b.Fatal("this system does not say how much memory was used")
	return 0
}
