package journaltest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/runbackhq/runback/internal/journal"
)

// keepsNotes: what one handle posts another one reads, once, and of its own run.
func keepsNotes(t *testing.T, open func(*testing.T) journal.Store) {
	writer, reader := open(t), open(t)
	at := time.Date(2026, 11, 23, 9, 0, 0, 123456789, time.UTC)
	want := []journal.Note{
		{Run: "r-notes", Kind: journal.NoteYes, Path: "a/b", Of: "sha256:1", By: "ada", At: at, Text: "it's \"done\" – 日本"},
		{Run: "r-notes", Kind: journal.NoteAbort, By: "bob", At: at.Add(time.Second)},
	}
	for _, n := range append(want, journal.Note{Run: "r-other", Kind: journal.NoteNo, At: at}) {
		if err := writer.Post(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	got, err := reader.Notes(t.Context(), "r-notes", 0)
	if err != nil || len(got) != 2 || got[0].ID >= got[1].ID {
		t.Fatalf("%v %v", got, err)
	}
	first := got[0].ID
	for i := range got {
		got[i].ID = 0
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	rest, err := reader.Notes(t.Context(), "r-notes", first)
	if err != nil || len(rest) != 1 || rest[0].Kind != journal.NoteAbort {
		t.Errorf("%v %v", rest, err)
	}
}
