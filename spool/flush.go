package spool

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Run writes, syncs, retains and persists cursors until ctx ends; then it writes and syncs what is
// left and returns nil. Any error is final: the log takes and gives nothing more.
func (l *Log) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		defer stop()
		l.keep(ctx)
	})
	l.flushLoop(ctx)
	stop()
	wg.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// flushLoop writes blocks when they are full, and all of them when SyncInterval has passed since
// the first one or when somebody waits for a sync. It returns when ctx ends or the log failed.
func (l *Log) flushLoop(ctx context.Context) {
	tick := time.NewTimer(time.Hour)
	tick.Stop()
	ticking := false
	mode := l.cfg.Sync != SyncNever
	owed := false // a sync that somebody waits for could not be done yet
	for {
		var err error
		select {
		case <-ctx.Done():
			_ = l.flush(flushAll, mode) // Final errors are in l.err; a full disk is for Close to say.
			return
		case <-tick.C:
			ticking = false
			err = l.flush(flushAll, mode || owed)
			owed = owed && errors.Is(err, ErrFull)
		case <-l.kick:
			l.mu.Lock()
			wanted := l.wantSync
			l.wantSync = false
			l.mu.Unlock()
			if wanted {
				err = l.flush(flushAll, true)
				owed = errors.Is(err, ErrFull)
			} else {
				err = l.flush(flushSealed, false)
			}
		}
		l.mu.Lock()
		failed := l.err != nil
		l.dirty = l.pending > 0 || mode && l.synced < l.next-1
		dirty := l.dirty
		l.mu.Unlock()
		switch {
		case failed:
			return
		case errors.Is(err, ErrFull):
			tick.Reset(retryInterval)
			ticking = true
		case dirty && !ticking:
			tick.Reset(l.cfg.SyncInterval)
			ticking = true
		}
	}
}

type flushWhat bool

const (
	flushSealed flushWhat = false // full blocks only
	flushAll    flushWhat = true
)

// flush writes the blocks there are when it is called, and syncs if so told. ErrFull says that the
// disk is full, or that no file can be opened: what was not written stays in memory, and what was
// not synced is not called so. Any other error is final.
func (l *Log) flush(what flushWhat, sync bool) error {
	l.flushMu.Lock()
	defer l.flushMu.Unlock()
	l.mu.Lock()
	upTo, err := l.next, l.err
	l.mu.Unlock()
	for err == nil {
		l.mu.Lock()
		if len(l.blocks) == 0 || l.blocks[0].first >= upTo || what == flushSealed && !l.blocks[0].sealed {
			l.mu.Unlock()
			break
		}
		b := l.blocks[0]
		b.sealed = true
		l.mu.Unlock()
		err = l.write(b)
	}
	full := err != nil && isNoSpace(err)
	if sync && (err == nil || full) {
		if serr := l.sync(); serr != nil {
			err, full = serr, isNoFiles(serr) // a full disk does not excuse a failed sync
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case full:
		l.diskFull = true
		l.written.Broadcast() // Who waits for the disk to keep up is to hear that it is full.
		poke(l.keepKick)
		return fmt.Errorf("%w: %w", ErrFull, err)
	case err != nil:
		l.failLocked(err)
	case l.diskFull && len(l.blocks) == 0:
		l.diskFull = false
		broadcastLocked(&l.spaceCh)
	}
	return err
}

// write writes the oldest block. flushMu is held.
func (l *Log) write(b *block) error {
	size := int64(len(b.buf))
	s := l.activeSegment()
	if s == nil || s.size > segmentStart && s.size+size > l.segSize {
		var err error
		if s, err = l.roll(b.first); err != nil {
			return err
		}
	}
	if b.key != s.key || b.key == 0 {
		b.seal(s.key)
	}
	if _, err := l.file.WriteAt(b.buf, s.size); err != nil {
		err = fmt.Errorf("write a segment: %w", err)
		if isNoSpace(err) { // Take back what fitted; if that fails too, the next write covers it.
			_ = l.file.Truncate(s.size)
		}
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(s.index); n == 0 || s.size-s.index[n-1].off >= markSpacing {
		s.index = append(s.index, mark{b.first, s.size})
	}
	s.size += size
	s.end = b.end()
	l.held += size
	l.total += size
	l.freeRoom -= size
	l.pending -= len(b.buf) - frameHeader
	l.blocks = slices.Delete(l.blocks, 0, 1)
	l.keepWarmLocked(b)
	l.written.Broadcast()
	return nil
}

// activeSegment returns the segment that is written to, or nil. flushMu is held.
func (l *Log) activeSegment() *segment {
	if l.file == nil {
		return nil
	}
	return l.last
}

// sync makes all that is written durable, and notes how far that is. flushMu is held.
func (l *Log) sync() error {
	s := l.last
	if s == nil || s.end-1 == l.synced { // Only who holds flushMu changes these.
		return nil
	}
	if err := l.syncLazy(); err != nil {
		return err
	}
	if l.file != nil {
		if err := l.file.Sync(); err != nil {
			return fmt.Errorf("sync a segment: %w", err)
		}
	}
	if l.newNames {
		if err := l.fs.SyncDir(l.dir); err != nil {
			return fmt.Errorf("sync the log directory: %w", err)
		}
		l.newNames = false
	}
	l.mu.Lock()
	l.syncedCount += uint64(s.end - 1 - l.synced)
	l.synced = s.end - 1
	broadcastLocked(&l.syncedCh)
	stamp := l.stamp
	l.mu.Unlock()
	return l.putState(func(v *[8]uint64) {
		v[stNext], v[stBase], v[stOffset] = uint64(s.end), uint64(s.base), uint64(s.size)
		v[stClock], v[stStamp] = uint64(l.clock()), uint64(stamp)
	})
}

func (l *Log) putState(change func(values *[8]uint64)) error {
	if err := l.state.put(change); err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	return nil
}

// syncLazy syncs the segments that sync: never left behind. flushMu is held.
func (l *Log) syncLazy() error {
	for ; len(l.lazy) > 0; l.lazy = l.lazy[1:] {
		f, err := l.fs.OpenFile(filepath.Join(l.dir, l.lazy[0]), os.O_RDWR, 0o600)
		if isAbsent(err) {
			continue
		}
		if err == nil {
			err = errors.Join(f.Sync(), f.Close())
		}
		if err != nil {
			return fmt.Errorf("sync a segment: %w", err)
		}
	}
	return nil
}

// clock is the running time of the log. It knows nothing of the wall clock, so that no jump of it
// makes a record old.
func (l *Log) clock() time.Duration { return l.clock0 + time.Since(l.opened) }

// retire ends the segment that is written to, so that it can be retained or removed as a whole.
// flushMu is held.
func (l *Log) retire() error {
	s := l.activeSegment()
	if s == nil {
		return nil
	}
	if l.cfg.Sync == SyncNever {
		l.lazy = append(l.lazy, s.name)
	} else if err := l.sync(); err != nil {
		return err
	}
	values, _ := l.state.get()
	l.mu.Lock()
	s.open, s.ended = false, l.clock()
	l.tail = tail{end: s.end, seq: s.label.seq + 1}
	if Position(values[stBase]) == s.base {
		l.tail.synced = int64(values[stOffset])
	}
	s.synced = math.MaxInt64 // Its damage is not of a crash.
	l.mu.Unlock()
	f := l.file
	l.file = nil
	if err := giveBack(f, s.size); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("close a segment: %w", err)
	}
	return nil
}

// giveBack frees what was preallocated behind the end of a segment.
func giveBack(f File, size int64) error {
	if _, ok := f.(preallocator); !ok {
		return nil
	}
	if err := f.Truncate(size); err != nil {
		return fmt.Errorf("truncate a segment: %w", err)
	}
	return nil
}

// roll begins a new segment with position first. flushMu is held.
func (l *Log) roll(first Position) (*segment, error) {
	if err := l.retire(); err != nil {
		return nil, err
	}
	if l.shortOfSpace() {
		if err := l.tidy(); err != nil {
			return nil, err
		}
	}
	l.mu.Lock()
	label := label{seq: l.tail.seq, values: [8]uint64{
		segLog: l.id, segEpoch: l.epoch, segSalt: random(), segBase: uint64(first),
		segPrevEnd: uint64(l.tail.end), segPrevSynced: uint64(l.tail.synced),
		segPrevStamp: uint64(l.stamp), segClock: uint64(l.clock()),
	}}
	roomy := l.freeRoom > 4*l.segSize
	l.mu.Unlock()
	s, f, err := createSegment(l.fs, l.dir, label)
	if err != nil {
		return nil, fmt.Errorf("create a segment: %w", err)
	}
	l.newNames = true
	if p, ok := f.(preallocator); ok && roomy { // it takes a while, so nobody is made to wait for mu
		_ = p.Preallocate(l.segSize) // A file system that cannot does without.
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.segs = append(l.segs, s)
	l.file, l.last = f, s
	l.held += s.size
	l.total += s.size
	return s, nil
}

func (l *Log) path(s *segment) string { return filepath.Join(l.dir, s.name) }
