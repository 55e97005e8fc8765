package spool

import (
	"errors"
	"io"
	"testing"
)

func TestAppendReadReopen(t *testing.T) {
	for name, fsys := range map[string]FS{"memory": NewMemFS(), "disk": diskFS(t)} {
		t.Run(name, func(t *testing.T) {
			l := openSmall(t, fsys, testConfig(), 0)
			if l.Last() != 0 {
				t.Fatalf("a new log ends at %d", l.Last())
			}
			c := cursor(t, l, "a", StartOldest)
			r := run(l)
			if p := appendRecords(t, l, "one", "two", ""); p != 3 {
				t.Fatalf("last position %d, want 3", p)
			}
			var ch Chunk
			if err := c.Next(t.Context(), &ch); err != nil || ch.First != 1 || len(ch.Records) != 3 || string(ch.Records[1]) != "two" || ch.Epoch != l.Epoch() {
				t.Fatalf("next: %v %+v", err, ch)
			}
			if err := l.WaitSynced(t.Context(), 3); err != nil {
				t.Fatal(err)
			}
			if err := c.Commit(2); err != nil {
				t.Fatal(err)
			}
			epoch := l.Epoch()
			r.closeAll(t)

			l = openSmall(t, fsys, testConfig(), 0)
			c = cursor(t, l, "a", StartOldest)
			if c.Committed() != 2 || c.Backlog() != 1 || l.Epoch() == epoch {
				t.Fatalf("committed %d backlog %d", c.Committed(), c.Backlog())
			}
			r = run(l)
			appendRecords(t, l, "four")
			if err := l.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			records, skipped := readAll(t, c)
			want := []got{{3, epoch, ""}, {4, l.Epoch(), "four"}}
			if len(records) != 2 || records[0] != want[0] || records[1] != want[1] || skipped != 0 {
				t.Fatalf("got %v, want %v", records, want)
			}
			if err := c.Next(t.Context(), &ch); !errors.Is(err, io.EOF) {
				t.Fatalf("after the end: %v", err)
			}
			r.closeAll(t)
			if d := l.TakeDamage(); d != nil {
				t.Fatalf("damage: %v", d)
			}
		})
	}
}

// diskFS is the real file system in a temporary directory.
func diskFS(t testing.TB) FS { return rootedFS{t.TempDir()} }
