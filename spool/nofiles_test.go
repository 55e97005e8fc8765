package spool

import (
	"errors"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestNoFiles plays a process whose connections hold all open files: whatever the log wants to open
// then is waited for, and nothing is called synced before it is.
func TestNoFiles(t *testing.T) {
	for name, op := range map[string]string{
		"the directory": "syncdir", "a segment to read": "open", "a new segment": "create",
	} {
		for _, mode := range []SyncMode{SyncInterval, SyncNever} {
			t.Run(name+" "+string(mode), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { noFiles(t, op, mode) })
			})
		}
	}
}

func noFiles(t *testing.T, op string, mode SyncMode) {
	fsys := newFaultFS(NewMemFS())
	cfg := testConfig()
	cfg.Sync, cfg.Retain = mode, Retain{}
	l := openSmall(t, fsys, cfg, minSegment)
	c := cursor(t, l, "a", StartOldest)
	r := run(t, l)
	fill := func() (total int) {
		for range 5 {
			if _, err := l.Append(fullBatch(100)); err != nil {
				if !errors.Is(err, ErrFull) {
					t.Fatal(err)
				}
				break
			}
			total += 100
			time.Sleep(100 * time.Millisecond)
		}
		return total
	}
	total := fill()
	fsys.set(failOn(op, "", syscall.EMFILE))
	total += fill()
	last := l.Last()
	synced := make(chan error, 1)
	go func() { synced <- l.WaitSynced(t.Context(), last) }()
	read := make(chan int, 1)
	go func() { read <- readRecords(t, c, total) }()
	time.Sleep(time.Minute)
	if op == "syncdir" {
		select {
		case err := <-synced:
			t.Fatalf("synced (%v), and the directory cannot be", err)
		default:
		}
	}
	fsys.set(nil)
	if err := <-synced; err != nil {
		t.Fatal(err)
	}
	if n := <-read; n != total {
		t.Fatalf("read %d of %d", n, total)
	}
	if err := c.Commit(last); err != nil {
		t.Fatal(err)
	}
	fsys.set(failOn("syncdir", "", syscall.EMFILE)) // while delivered segments go
	time.Sleep(10 * time.Second)
	fsys.set(nil)
	waitSpace(t, l)
	appendRecords(t, l, "more")
	r.closeAll(t)
}

// readRecords reads n records and returns how many came.
func readRecords(t *testing.T, c *Cursor, n int) (got int) {
	var ch Chunk
	for got < n {
		if err := c.Next(t.Context(), &ch); err != nil {
			t.Error(err)
			return got
		}
		got += len(ch.Records)
	}
	return got
}
