package sinktest

import (
	"io/fs"
	"sync"
	"syscall"

	"vswarden/sink/lines"
)

// Disk is the machine's file system with faults: room that runs out, calls that fail.
// The zero value has none.
type Disk struct {
	lines.OS

	mu     sync.Mutex
	full   bool
	room   int64
	faults map[string]error
	calls  map[string]int
}

// Limit leaves room for n more bytes; a write beyond that stores what fits and returns ENOSPC.
func (d *Disk) Limit(n int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.full, d.room = true, n
}

// Unlimit gives the room back.
func (d *Disk) Unlimit() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.full = false
}

// Fail makes every call of op (open, write, truncate, sync, rename, remove, readdir, stat,
// syncdir) return err; nil mends it.
func (d *Disk) Fail(op string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.faults == nil {
		d.faults = map[string]error{}
	}
	d.faults[op] = err
}

// Calls returns how often op was called.
func (d *Disk) Calls(op string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.calls[op]
}

func (d *Disk) call(op, name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.calls == nil {
		d.calls = map[string]int{}
	}
	d.calls[op]++
	if err := d.faults[op]; err != nil {
		return &fs.PathError{Op: op, Path: name, Err: err}
	}
	return nil
}

// OpenFile opens a file with faults.
func (d *Disk) OpenFile(name string, flag int, perm fs.FileMode) (lines.Handle, error) {
	if err := d.call("open", name); err != nil {
		return nil, err
	}
	h, err := d.OS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return &handle{Handle: h, d: d, name: name}, nil
}

// Stat may fail.
func (d *Disk) Stat(name string) (fs.FileInfo, error) {
	if err := d.call("stat", name); err != nil {
		return nil, err
	}
	return d.OS.Stat(name)
}

// ReadDir may fail.
func (d *Disk) ReadDir(name string) ([]fs.DirEntry, error) {
	if err := d.call("readdir", name); err != nil {
		return nil, err
	}
	return d.OS.ReadDir(name)
}

// Rename may fail.
func (d *Disk) Rename(from, to string) error {
	if err := d.call("rename", from); err != nil {
		return err
	}
	return d.OS.Rename(from, to)
}

// Remove may fail.
func (d *Disk) Remove(name string) error {
	if err := d.call("remove", name); err != nil {
		return err
	}
	return d.OS.Remove(name)
}

// SyncDir may fail.
func (d *Disk) SyncDir(name string) error {
	if err := d.call("syncdir", name); err != nil {
		return err
	}
	return d.OS.SyncDir(name)
}

type handle struct {
	lines.Handle
	d    *Disk
	name string
}

func (h *handle) Write(p []byte) (int, error) {
	if err := h.d.call("write", h.name); err != nil {
		return 0, err
	}
	h.d.mu.Lock()
	room := int64(len(p))
	if h.d.full {
		room = min(room, h.d.room)
		h.d.room -= room
	}
	h.d.mu.Unlock()
	n, err := h.Handle.Write(p[:room])
	if err == nil && n < len(p) {
		err = &fs.PathError{Op: "write", Path: h.name, Err: syscall.ENOSPC}
	}
	return n, err
}

func (h *handle) Truncate(size int64) error {
	if err := h.d.call("truncate", h.name); err != nil {
		return err
	}
	return h.Handle.Truncate(size)
}

func (h *handle) Sync() error {
	if err := h.d.call("sync", h.name); err != nil {
		return err
	}
	return h.Handle.Sync()
}
