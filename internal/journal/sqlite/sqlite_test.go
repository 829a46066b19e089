package sqlite

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/runbackhq/runback/internal/journal"
	"github.com/runbackhq/runback/internal/journal/journaltest"
)

func open(t *testing.T, file string) *Store {
	t.Helper()
	s, err := Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestStoreKeepsTheContract(t *testing.T) {
	file := filepath.Join(t.TempDir(), "runback.db")
	journaltest.Exercise(t, func(t *testing.T) journal.Store { return open(t, file) })
}

func TestEveryConnectionIsFullyDurable(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "runback.db"))
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "busy_timeout": "10000", "user_version": "3"} {
		var got string
		if err := s.db.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s, %v; want %s", pragma, got, err, want)
		}
	}
}

func TestOnlyItsOwnerReadsTheStore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "runback")
	s := open(t, filepath.Join(dir, "runback.db"))
	if err := s.Append(t.Context(), journaltest.Chain("modes", 1)[0], journaltest.Claim(t, s, "modes")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{".": 0o700, "..": 0o700, "runback.db": 0o600, "runback.db-wal": 0o600, "runback.db-shm": 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", name, got, want)
		}
	}
}

func TestAnyFolderNameWorks(t *testing.T) {
	for _, name := range []string{"with space", "what?mode=memory", "a#b", "100%41", "日本", "a&b=c"} {
		file := filepath.Join(t.TempDir(), name, "runback.db")
		s := open(t, file)
		if err := s.Append(t.Context(), journaltest.Chain("r", 1)[0], journaltest.Claim(t, s, "r")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if info, err := os.Stat(file); err != nil || info.Size() == 0 {
			t.Errorf("%s: the file is not where it was asked for: %v", name, err)
		}
	}
	t.Chdir(t.TempDir())
	open(t, "runback.db")
	if _, err := os.Stat("runback.db"); err != nil {
		t.Error(err)
	}
}

// Two commands may be started at once on a machine that never ran one.
func TestManyMeetTheSameNewFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "runback.db")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			s, err := Open(t.Context(), file)
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Append(t.Context(), journaltest.Chain(fmt.Sprint("run-", i), 1)[0], journaltest.Claim(t, s, fmt.Sprint("run-", i))); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if spans, err := open(t, file).Runs(t.Context()); err != nil || len(spans) != 8 {
		t.Errorf("%d runs, %v", len(spans), err)
	}
}

func TestFileThatCannotBeUsedIsNamed(t *testing.T) {
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage.db")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("this is no database ", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	later := filepath.Join(dir, "later.db")
	s := open(t, later)
	if _, err := s.db.ExecContext(t.Context(), "PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	blocked := filepath.Join(garbage, "below", "runback.db")
	for file, want := range map[string]string{garbage: "not a database", later: "later version", dir: "", blocked: "not a directory"} {
		s, err := Open(t.Context(), file)
		if err == nil {
			t.Errorf("%s was opened", file)
			_ = s.Close()
			continue
		}
		if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v; want %q", file, err, want)
		}
	}
	if b, err := os.ReadFile(garbage); err != nil || !strings.HasPrefix(string(b), "this is no database") {
		t.Error("a file that is no store was written to")
	}
}

func TestEmptyFileOfACrashIsLaidOut(t *testing.T) {
	file := filepath.Join(t.TempDir(), "runback.db")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, file)
	if err := s.Append(t.Context(), journaltest.Chain("r", 1)[0], journaltest.Claim(t, s, "r")); err != nil {
		t.Error(err)
	}
}

// A process that is frozen in the middle of a write keeps nobody from reading.
func TestReadsBesideAFrozenWriter(t *testing.T) {
	file := filepath.Join(t.TempDir(), "runback.db")
	writer := open(t, file)
	if err := writer.Append(t.Context(), journaltest.Chain("r", 1)[0], journaltest.Claim(t, writer, "r")); err != nil {
		t.Fatal(err)
	}
	tx, err := writer.db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	reader := open(t, file)
	if events, err := reader.Events(t.Context(), "r"); err != nil || len(events) != 1 {
		t.Errorf("%d events, %v", len(events), err)
	}
}

// Opening syncs the folder once, so by then the log must be in it, also where
// opening writes nothing.
func TestLogIsThereWhenTheFolderIsSynced(t *testing.T) {
	file := filepath.Join(t.TempDir(), "runback.db")
	first, err := Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file + "-wal"); !os.IsNotExist(err) {
		t.Fatalf("the log is left by the last one who closes: %v", err)
	}
	open(t, file)
	if _, err := os.Stat(file + "-wal"); err != nil {
		t.Error(err)
	}
}

// Whoever edits the file with another tool breaks the chain.
func TestEditedRowIsFoundOut(t *testing.T) {
	file := filepath.Join(t.TempDir(), "runback.db")
	for column, value := range map[string]string{"time": "'yesterday'", "type": "'step.done'", "path": "'x'", "data": "'{}'", "prev": "''", "hash": "'00'", "seq": "99"} {
		s := open(t, file)
		claim := journaltest.Claim(t, s, column)
		for _, e := range journaltest.Chain(column, 4) {
			if err := s.Append(t.Context(), e, claim); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.db.ExecContext(t.Context(), "UPDATE events SET "+column+" = "+value+" WHERE run = ? AND seq = 2", column); err != nil {
			t.Fatal(err)
		}
		events, err := s.Events(t.Context(), column)
		if err != nil {
			t.Fatal(err)
		}
		if journal.Verify(events) == nil {
			t.Errorf("an edited %s is not seen", column)
		}
	}
}

func TestOldSQLiteIsRefused(t *testing.T) {
	for version, want := range map[string]bool{"3.51.3": false, "3.51.4": false, "3.52.0": false, "4.0": false, "3.51.2": true, "3.9.99": true, "2.99.99": true, "": true} {
		if older(version, "3.51.3") != want {
			t.Errorf("%q: older is %v", version, !want)
		}
	}
}

func TestDamagedPagesAreAnError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "runback.db")
	s, err := Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	claim := journaltest.Claim(t, s, "r")
	for _, e := range journaltest.Chain("r", 200) {
		if err := s.Append(t.Context(), e, claim); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := 4096; i < len(b); i++ {
		b[i] ^= 0xff
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := Open(t.Context(), file)
	if err == nil {
		_, err = db.Events(t.Context(), "r")
		_ = db.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "malformed") {
		t.Errorf("%v", err)
	}
}

// A file of layout 1 has no claims; it is brought up to date and stays readable.
func TestFileOfTheFirstLayoutGoesOn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "runback.db")
	s, events := open(t, file), journaltest.Chain("r", 3)
	claim := journaltest.Claim(t, s, "r")
	for _, e := range events[:2] {
		if err := s.Append(t.Context(), e, claim); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.db.ExecContext(t.Context(), "DROP TABLE claims; PRAGMA user_version = 1"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, file)
	if err := s.Append(t.Context(), events[2], journaltest.Claim(t, s, "r")); err != nil {
		t.Error(err)
	}
	if got, err := s.Events(t.Context(), "r"); err != nil || len(got) != 3 {
		t.Errorf("%d events, %v", len(got), err)
	}
}
