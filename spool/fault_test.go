package spool

import (
	"io"
	"io/fs"
	"path/filepath"
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
