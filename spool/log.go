package spool

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

// Errors of Append and of those that wait.
var (
	// ErrFull says that there is no room: wait with WaitSpace, or drop the batch.
	ErrFull = errors.New("the log is full")
	// ErrClosed says that CloseWrite or Close was called.
	ErrClosed = errors.New("the log is closed")
	// ErrTooLarge says that a batch can never be appended: it has more than 128 MiB or a record of
	// more than 64 MiB.
	ErrTooLarge = errors.New("the batch is too large for the log")
)

const (
	maxSegment    = 64 << 20
	minSegment    = 64 << 10
	maxBlock      = 256 << 10 // a frame is written when it has this size, or at the tick
	usualItem     = 160       // bytes of an item, few are shorter
	maxBehind     = 4 << 20   // appended and not written: beyond it Append waits for the disk
	keepInterval  = 500 * time.Millisecond
	clockInterval = time.Minute            // how much running time a crash may take from the log's clock
	retryInterval = 200 * time.Millisecond // while the disk is full
)

// Log is an open log. Its methods may be called from many goroutines.
//
// Locks are taken in the order flushMu, tidyMu, mu.
type Log struct {
	fs     FS
	dir    string
	cfg    Config
	lock   io.Closer
	id     uint64
	epoch  uint64
	opened time.Time
	clock0 time.Duration // running time of the log before opened

	segSize   int64
	blockSize int
	behind    int

	kick     chan struct{} // to the flusher; holds one
	keepKick chan struct{} // to the keeper; holds one
	state    *slots

	flushMu  sync.Mutex // who writes to the log holds it
	file     File       // of the last segment while it is written to; nil = the next write makes a new one
	last     *segment   // written to, or written last; nil = nothing was written since Open
	newNames bool       // the directory is not synced
	lazy     []string   // segments that were ended without a sync (sync: never)

	tidyMu sync.Mutex // who removes segments or claims cursors holds it

	mu        sync.Mutex
	err       error      // final
	noWrite   bool       // CloseWrite was called
	closed    bool       // Close was called
	segs      []*segment // oldest first; the last one is written to while file is not nil
	tail      tail
	endBefore Position   // behind the last record of before this Open
	first     Position   // given to the first record appended since Open
	next      Position   // of the next record
	synced    Position   // all up to here are synced
	blocks    []*block   // appended and not written, oldest first; the last one may be open
	warm      []*block   // written last, without a gap, oldest first: readers near the end have them from here
	free      []*block   // to be used again
	pending   int        // bytes in blocks
	written   *sync.Cond // pending became less
	dirty     bool       // the flusher knows that there is something to do
	wantSync  bool       // somebody is in WaitSynced
	syncedCh  chan struct{}
	spaceCh   chan struct{}
	refused   int   // bytes of the last batch that found no room
	diskFull  bool  // the last write did not fit
	freeRoom  int64 // what may be written before the next look at the file system
	held      int64 // bytes of segments that are written to or hold undelivered records
	total     int64 // bytes of all segments
	stamp     int64 // newest
	cursors   map[string]*Cursor
	known     map[string]cursorFile
	waiting   []*Cursor // in Next, with nothing to read

	appended    uint64
	syncedCount uint64
	damageCount [damageKinds]uint64
	damage      []Damage
	damageSeen  map[damagePlace]bool
}

// tail is what the label of the next segment says of the log before it.
type tail struct {
	end    Position
	synced int64  // of the last segment
	seq    uint64 // for the next one
}

// Epoch returns the random number of this Open; it stands with each record written since.
func (l *Log) Epoch() uint64 { return l.epoch }

// LastStamp returns the newest stamp in the log, Unix ns; 0 for an empty log.
func (l *Log) LastStamp() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stamp
}

// Last returns the position of the last record in the log, or of the last one that was there. Behind a torn end the
// numbers go on with a gap, which is nothing to wait for: no cursor gives anything of it.
func (l *Log) Last() Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next == l.first {
		return l.endBefore - 1
	}
	return l.next - 1
}

// Append copies all records of b into the log's open batch, or none, and returns the position of
// the last one. They survive a power cut when WaitSynced says so, or a SyncInterval and the time
// of one sync later. It waits for the disk to keep up, never for room: then it returns ErrFull.
func (l *Log) Append(b *Batch) (last Position, err error) {
	need := len(b.buf)
	if need > maxBatch || b.over {
		return 0, ErrTooLarge
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		switch {
		case l.err != nil:
			return 0, l.err
		case l.noWrite:
			return 0, ErrClosed
		case b.Len() == 0:
			return l.next - 1, nil
		case !l.hasRoomLocked(need):
			l.refused = need
			poke(l.keepKick)
			return 0, ErrFull
		}
		if l.pending == 0 || l.pending+need <= l.behind {
			break
		}
		l.written.Wait()
	}
	l.refused = 0
	l.blockLocked(need).add(b)
	l.pending += need
	l.next += Position(b.Len())
	l.appended += uint64(b.Len())
	l.stamp = max(l.stamp, b.Stamp)
	if !l.dirty {
		l.dirty = true
		poke(l.kick)
	}
	l.wakeLocked()
	return l.next - 1, nil
}

// blockLocked returns the open block, with room for need bytes.
func (l *Log) blockLocked(need int) *block {
	if n := len(l.blocks); n > 0 && !l.blocks[n-1].sealed {
		b := l.blocks[n-1]
		if len(b.buf)+need <= cap(b.buf) {
			return b
		}
		b.sealed = true
		poke(l.kick)
	}
	var b *block
	if n := len(l.free); n > 0 && frameHeader+need <= l.blockSize {
		b = l.free[n-1]
		l.free = l.free[:n-1]
		*b = block{buf: b.buf[:frameHeader], ends: b.ends[:0]}
	} else {
		size := max(l.blockSize, frameHeader+need)
		b = &block{buf: make([]byte, frameHeader, size), ends: make([]uint32, 0, size/usualItem)}
	}
	b.first = l.next
	l.blocks = append(l.blocks, b)
	return b
}

// hasRoomLocked reports whether need more bytes may be appended. Delivered segments do not count:
// they are removed for what is new.
func (l *Log) hasRoomLocked(need int) bool {
	bytes := int64(l.pending + need)
	return !l.diskFull && l.held+bytes+segmentStart <= int64(l.cfg.MaxSize) && bytes <= l.freeRoom
}

// Full reports whether the log takes nothing at the moment: max_size is reached by what some sink
// lacks, the file system has less than min_free, or the disk is full.
func (l *Log) Full() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err == nil && !l.hasRoomLocked(max(l.refused, 1))
}

// wakeLocked lets readers that wait look again.
func (l *Log) wakeLocked() {
	for _, c := range l.waiting {
		poke(c.wake)
	}
	l.waiting = l.waiting[:0]
}

// poke sends to a channel that holds one, which is then enough.
func poke(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// WaitSpace returns when an Append that found the log full may succeed.
func (l *Log) WaitSpace(ctx context.Context) error {
	return l.wait(ctx, &l.spaceCh, func() (bool, error) {
		if l.noWrite && l.err == nil {
			return false, ErrClosed
		}
		return l.err == nil && l.hasRoomLocked(l.refused), nil
	})
}

// WaitSynced returns when the records up to p survive a power cut. It has the flusher sync at
// once; all that wait share one sync.
func (l *Log) WaitSynced(ctx context.Context, p Position) error {
	return l.wait(ctx, &l.syncedCh, func() (bool, error) {
		if l.synced >= p {
			return true, nil
		}
		if l.closed {
			return false, ErrClosed
		}
		l.wantSync = true
		poke(l.kick)
		return false, nil
	})
}

// wait calls done, with mu held, until it says so; again each time *signal is closed.
func (l *Log) wait(ctx context.Context, signal *chan struct{}, done func() (bool, error)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		if l.err != nil {
			return l.err
		}
		if *signal == nil {
			*signal = make(chan struct{})
		}
		ch := *signal
		l.mu.Unlock()
		select {
		case <-ch:
			l.mu.Lock()
		case <-ctx.Done():
			l.mu.Lock()
			return ctx.Err()
		}
	}
}

// broadcastLocked closes *signal and so lets all look again that wait for it.
func broadcastLocked(signal *chan struct{}) {
	if *signal != nil {
		close(*signal)
		*signal = nil
	}
}

// failLocked ends the log for good.
func (l *Log) failLocked(err error) {
	if l.err == nil {
		l.err = err
	}
	l.wakeAllLocked()
}

func (l *Log) wakeAllLocked() {
	l.written.Broadcast()
	l.wakeLocked()
	broadcastLocked(&l.spaceCh)
	broadcastLocked(&l.syncedCh)
}

// CloseWrite ends appending. When it returns nil all that was appended is written and synced;
// readers get io.EOF once they have read it all.
func (l *Log) CloseWrite() error {
	l.mu.Lock()
	l.noWrite = true
	l.wakeAllLocked()
	l.mu.Unlock()
	return l.flush(flushAll, true)
}

// Close writes what is left, makes the cursors durable and frees all files and the lock. Run has
// returned, and no Next or Commit runs.
func (l *Log) Close() error {
	l.mu.Lock()
	failed, again := l.err, l.closed
	l.mu.Unlock()
	if again {
		return ErrClosed
	}
	var errs []error
	if failed == nil {
		errs = append(errs, l.CloseWrite())
		errs = append(errs, l.putState(func(v *[8]uint64) { v[stClock] = uint64(l.clock()) }), l.tidy())
	}
	l.flushMu.Lock()
	defer l.flushMu.Unlock()
	l.tidyMu.Lock()
	defer l.tidyMu.Unlock()
	l.mu.Lock()
	l.closed = true
	l.wakeAllLocked()
	cursors := l.cursors
	l.mu.Unlock()
	for _, c := range cursors {
		errs = append(errs, c.reader.close(), c.slots.file.Close())
	}
	if s := l.activeSegment(); s != nil {
		errs = append(errs, giveBack(l.file, s.size), l.file.Close())
	}
	errs = append(errs, l.state.file.Close(), l.lock.Close())
	return errors.Join(errs...)
}

// Stats is what the log counts since Open, and what it holds.
type Stats struct {
	Appended uint64 // records
	Synced   uint64 // of these
	Next     Position
	Segments int

	BytesUndelivered int64 // segments that hold records some sink does not have, and the one written to
	BytesRetained    int64 // segments that every sink has
	BytesPending     int64 // in memory, not written yet

	Damage [3]uint64 // places, by DamageKind
}

// Stats returns the counters.
func (l *Log) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Stats{
		Appended: l.appended, Synced: l.syncedCount, Next: l.next, Segments: len(l.segs),
		BytesUndelivered: l.held, BytesRetained: l.total - l.held, BytesPending: int64(l.pending),
		Damage: l.damageCount,
	}
}
