package spool

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
)

// crashFS is a file system that can stop at any operation that changes something, and then shows
// what a kill or a power cut leaves: after a kill all that was done stands; after a power cut what
// was not synced is there or not, as a whole, in pieces, in any order.
type crashFS struct {
	names   map[string]*crashInode // as the running system sees it
	durable map[string]*crashInode // after a power cut, before dirOps
	dirOps  []dirOp                // since the last SyncDir
	locked  map[string]bool

	ops    int // operations done so far
	stopAt int // the operation that does not end any more; 0 = none
	rng    *rand.Rand
	dead   bool
}

type crashInode struct {
	data    []byte    // page cache
	durable []byte    // disk
	pending []writeOp // since the last sync
}

type writeOp struct {
	off  int64
	data []byte
	cut  bool // a truncate to off
}

type dirOp struct {
	remove, add string // "" = nothing
	inode       *crashInode
}

var errCrash = errors.New("the machine stopped")

func newCrashFS(rng *rand.Rand) *crashFS {
	return &crashFS{names: map[string]*crashInode{}, durable: map[string]*crashInode{}, locked: map[string]bool{}, rng: rng}
}

// op counts an operation. It reports errCrash when the machine has stopped, and now when this very
// operation is the one during which it stops.
func (c *crashFS) op() (now bool, err error) {
	if c.dead {
		return false, errCrash
	}
	c.ops++
	if c.ops == c.stopAt {
		c.dead = true
		return true, errCrash
	}
	return false, nil
}

func (c *crashFS) alive() error {
	if c.dead {
		return errCrash
	}
	return nil
}

// coin reports true for about half of all unsynced things, but for the runs that keep or drop all.
func coin(rng *rand.Rand, bias float64) bool { return rng.Float64() < bias }

// image returns the file system as it is found after the stop.
func (c *crashFS) image(power bool) *crashFS {
	n := newCrashFS(c.rng)
	if !power {
		for name, i := range c.names {
			n.names[name] = &crashInode{data: slices.Clone(i.data), durable: slices.Clone(i.durable), pending: slices.Clone(i.pending)}
		}
		// The page cache survives, and with it what was not synced: it may still be lost later.
		inodes := map[*crashInode]*crashInode{}
		for name, i := range c.names {
			inodes[i] = n.names[name]
		}
		clone := func(i *crashInode) *crashInode {
			if inodes[i] == nil {
				inodes[i] = &crashInode{data: slices.Clone(i.data), durable: slices.Clone(i.durable), pending: slices.Clone(i.pending)}
			}
			return inodes[i]
		}
		for name, i := range c.durable {
			n.durable[name] = clone(i)
		}
		for _, op := range c.dirOps {
			if op.inode != nil {
				op.inode = clone(op.inode)
			}
			n.dirOps = append(n.dirOps, op)
		}
		return n
	}
	bias := []float64{0, 0.1, 0.5, 0.9, 1}[c.rng.IntN(5)]
	names := maps.Clone(c.durable)
	ordered := c.rng.IntN(2) == 0 // A journal keeps the order of names; POSIX does not ask for it.
	for _, op := range c.dirOps {
		if !coin(c.rng, bias) {
			if ordered {
				break
			}
			continue
		}
		op.apply(names)
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		data := names[name].settle(c.rng, bias)
		i := &crashInode{data: data, durable: slices.Clone(data)}
		n.names[name], n.durable[name] = i, i
	}
	return n
}

func (op dirOp) apply(names map[string]*crashInode) {
	if op.remove != "" {
		delete(names, op.remove)
	}
	if op.add != "" {
		names[op.add] = op.inode
	}
}

// settle returns what is on the disk of a file after a power cut.
func (i *crashInode) settle(rng *rand.Rand, bias float64) []byte {
	data := slices.Clone(i.durable)
	grain := []int{64, 512, 4096, 1 << 20}[rng.IntN(4)]
	var pieces []writeOp
	for _, w := range i.pending {
		for b := w.data; ; {
			n := min(len(b), grain-int(w.off)%grain)
			pieces = append(pieces, writeOp{w.off, b[:n], w.cut})
			w.off += int64(n)
			if b = b[n:]; len(b) == 0 {
				break
			}
		}
	}
	// Pieces of the same place keep their order: the page cache holds one version of a page.
	for _, p := range pieces {
		if coin(rng, bias) {
			data = p.apply(data)
		}
	}
	return data
}

func (w writeOp) apply(data []byte) []byte {
	if w.cut {
		for int64(len(data)) < w.off {
			data = append(data, 0)
		}
		return data[:w.off]
	}
	if end := int(w.off) + len(w.data); end > len(data) {
		data = append(data, make([]byte, end-len(data))...)
	}
	copy(data[w.off:], w.data)
	return data
}

func (c *crashFS) OpenFile(name string, flag int, _ fs.FileMode) (File, error) {
	name = filepath.Clean(name)
	i := c.names[name]
	switch {
	case c.alive() != nil:
		return nil, errCrash
	case i == nil && flag&os.O_CREATE == 0:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	case i != nil && flag&os.O_EXCL != 0:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrExist}
	case i == nil:
		now, err := c.op()
		if err == nil || now && c.rng.IntN(2) == 0 {
			i = &crashInode{}
			c.dir(dirOp{"", name, i})
		}
		if err != nil {
			return nil, err
		}
	}
	f := &crashFile{c, i}
	if flag&os.O_TRUNC != 0 && len(i.data) > 0 {
		return f, f.Truncate(0)
	}
	return f, nil
}

func (c *crashFS) dir(op dirOp) {
	op.apply(c.names)
	c.dirOps = append(c.dirOps, op)
}

func (c *crashFS) ReadDir(dir string) ([]string, error) {
	var names []string
	for name := range c.names {
		if filepath.Dir(name) == filepath.Clean(dir) {
			names = append(names, filepath.Base(name))
		}
	}
	slices.Sort(names)
	return names, c.alive()
}

func (c *crashFS) Rename(from, to string) error {
	now, err := c.op()
	if i := c.names[from]; err == nil || now && c.rng.IntN(2) == 0 {
		c.dir(dirOp{from, to, i})
	}
	return err
}

func (c *crashFS) Remove(name string) error {
	if c.names[name] == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	now, err := c.op()
	if err == nil || now && c.rng.IntN(2) == 0 {
		c.dir(dirOp{name, "", nil})
	}
	return err
}

func (c *crashFS) MkdirAll(string, fs.FileMode) error { return c.alive() }

func (c *crashFS) SyncDir(string) error {
	now, err := c.op()
	if err == nil || now && c.rng.IntN(2) == 0 {
		c.durable, c.dirOps = maps.Clone(c.names), nil
	}
	return err
}

func (c *crashFS) Free(string) (int64, error) { return 1 << 40, c.alive() }

func (c *crashFS) Lock(name string) (io.Closer, error) {
	if c.locked[name] {
		return nil, &InUseError{PID: os.Getpid()}
	}
	c.locked[name] = true
	return crashLock{c, name}, c.alive()
}

type crashLock struct {
	c    *crashFS
	name string
}

func (l crashLock) Close() error { delete(l.c.locked, l.name); return nil }

type crashFile struct {
	fs *crashFS
	i  *crashInode
}

func (f *crashFile) ReadAt(b []byte, off int64) (int, error) {
	if err := f.fs.alive(); err != nil {
		return 0, err
	}
	if off >= int64(len(f.i.data)) {
		return 0, io.EOF
	}
	n := copy(b, f.i.data[off:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (f *crashFile) change(w writeOp) {
	f.i.data = w.apply(f.i.data)
	f.i.pending = append(f.i.pending, w)
}

func (f *crashFile) WriteAt(b []byte, off int64) (int, error) {
	now, err := f.fs.op()
	w := writeOp{off: off, data: slices.Clone(b)}
	if now { // A part of it was done: a kill ends a write between two pages.
		pages := (int(off)+len(b)-1)/4096 - int(off)/4096 + 1
		end := (int(off)/4096+f.fs.rng.IntN(pages+1))*4096 - int(off)
		w.data = w.data[:min(max(end, 0), len(b))]
	}
	if err == nil || now && len(w.data) > 0 {
		f.change(w)
	}
	return len(b), err
}

func (f *crashFile) Truncate(size int64) error {
	now, err := f.fs.op()
	if err == nil || now && f.fs.rng.IntN(2) == 0 {
		f.change(writeOp{off: size, cut: true})
	}
	return err
}

func (f *crashFile) Sync() error {
	now, err := f.fs.op()
	if err == nil || now && f.fs.rng.IntN(2) == 0 {
		f.i.durable, f.i.pending = slices.Clone(f.i.data), nil
	}
	return err
}

func (f *crashFile) Size() (int64, error) { return int64(len(f.i.data)), f.fs.alive() }
func (f *crashFile) Close() error         { return nil }
