package spool

import (
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// rootedFS is OSFS under a directory, so that tests name the log "log" everywhere.
type rootedFS struct{ root string }

func (r rootedFS) at(name string) string { return filepath.Join(r.root, name) }

func (r rootedFS) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	return OSFS{}.OpenFile(r.at(name), flag, perm)
}
func (r rootedFS) ReadDir(dir string) ([]string, error) { return OSFS{}.ReadDir(r.at(dir)) }
func (r rootedFS) Rename(from, to string) error         { return OSFS{}.Rename(r.at(from), r.at(to)) }
func (r rootedFS) Remove(name string) error             { return OSFS{}.Remove(r.at(name)) }
func (r rootedFS) MkdirAll(dir string, perm fs.FileMode) error {
	return OSFS{}.MkdirAll(r.at(dir), perm)
}
func (r rootedFS) SyncDir(dir string) error            { return OSFS{}.SyncDir(r.at(dir)) }
func (r rootedFS) Free(dir string) (int64, error)      { return OSFS{}.Free(r.at(dir)) }
func (r rootedFS) Lock(name string) (io.Closer, error) { return OSFS{}.Lock(r.at(name)) }

// faultFS is a file system on which things fail. Set fail while nothing runs, or under mu.
type faultFS struct {
	FS
	mu sync.Mutex
	// fail is asked before each operation: create, open, readdir, rename, remove, syncdir, read,
	// write, sync, truncate.
	fail func(op, name string) error
	// room is how many bytes may still be added to files, inodes how many files may be made.
	room, inodes int64
	counts       map[string]int
}

func newFaultFS(under FS) *faultFS {
	return &faultFS{FS: under, room: math.MaxInt64 / 8, inodes: math.MaxInt64, counts: map[string]int{}}
}

func (f *faultFS) check(op, name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts[op]++
	if f.fail != nil {
		if err := f.fail(op, name); err != nil {
			return &fs.PathError{Op: op, Path: name, Err: err}
		}
	}
	return nil
}

func (f *faultFS) set(fail func(op, name string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = fail
}

func (f *faultFS) count(op string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts[op]
}

func (f *faultFS) setRoom(n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.room = n
}

// failOn fails one kind of operation on files whose name holds part.
func failOn(op, part string, err error) func(string, string) error {
	return func(o, name string) error {
		if o == op && strings.Contains(name, part) {
			return err
		}
		return nil
	}
}

func (f *faultFS) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	op := "open"
	if flag&os.O_CREATE != 0 {
		op = "create"
	}
	if err := f.check(op, name); err != nil {
		return nil, err
	}
	if op == "create" {
		f.mu.Lock()
		none := f.inodes <= 0
		if !none {
			f.inodes--
		}
		f.mu.Unlock()
		if none {
			return nil, &fs.PathError{Op: op, Path: name, Err: syscall.ENOSPC}
		}
	}
	file, err := f.FS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return &faultFile{file, f, name}, nil
}

func (f *faultFS) ReadDir(dir string) ([]string, error) {
	if err := f.check("readdir", dir); err != nil {
		return nil, err
	}
	return f.FS.ReadDir(dir)
}

func (f *faultFS) Rename(from, to string) error {
	if err := f.check("rename", from); err != nil {
		return err
	}
	return f.FS.Rename(from, to)
}

func (f *faultFS) Remove(name string) error {
	if err := f.check("remove", name); err != nil {
		return err
	}
	if file, err := f.FS.OpenFile(name, os.O_RDONLY, 0); err == nil {
		size, _ := file.Size()
		f.mu.Lock()
		f.room += size
		f.inodes++
		f.mu.Unlock()
		_ = file.Close()
	}
	return f.FS.Remove(name)
}

func (f *faultFS) SyncDir(dir string) error {
	if err := f.check("syncdir", dir); err != nil {
		return err
	}
	return f.FS.SyncDir(dir)
}

type faultFile struct {
	File
	fs   *faultFS
	name string
}

func (f *faultFile) ReadAt(b []byte, off int64) (int, error) {
	if err := f.fs.check("read", f.name); err != nil {
		return 0, err
	}
	return f.File.ReadAt(b, off)
}

func (f *faultFile) WriteAt(b []byte, off int64) (int, error) {
	if err := f.fs.check("write", f.name); err != nil {
		return 0, err
	}
	size, err := f.Size()
	if err != nil {
		return 0, err
	}
	f.fs.mu.Lock()
	grow := max(0, off+int64(len(b))-size)
	fits := min(grow, max(f.fs.room, 0))
	f.fs.room -= fits
	f.fs.mu.Unlock()
	if fits < grow {
		n, _ := f.File.WriteAt(b[:int64(len(b))-(grow-fits)], off)
		return n, &fs.PathError{Op: "write", Path: f.name, Err: syscall.ENOSPC}
	}
	return f.File.WriteAt(b, off)
}

func (f *faultFile) Truncate(size int64) error {
	if err := f.fs.check("truncate", f.name); err != nil {
		return err
	}
	if old, err := f.Size(); err == nil && size < old {
		f.fs.mu.Lock()
		f.fs.room += old - size
		f.fs.mu.Unlock()
	}
	return f.File.Truncate(size)
}

func (f *faultFile) Sync() error {
	if err := f.fs.check("sync", f.name); err != nil {
		return err
	}
	return f.File.Sync()
}
