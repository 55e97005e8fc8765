package lines

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// How far from the end of a file the last newline is looked for, and in what steps.
const (
	tornMax   = 64 << 20
	tornBlock = 64 << 10
)

// File is a regular file of whole lines that grows at its end. It is used by one at a time.
type File struct {
	fsys    FS
	path    string
	h       Handle
	info    fs.FileInfo
	size    int64
	half    int64 // bytes of half a line at the end that could not be cut off yet
	cut     int64
	created bool
}

// OpenFile opens or creates the file at path; a new one gets exactly mode, whatever the umask: the
// mode is what a forwarder beside us relies on. An end that is half a line, as a crash leaves it,
// is cut off: no cursor has moved over it, so its event comes again.
func OpenFile(fsys FS, path string, mode fs.FileMode) (*File, error) {
	f := &File{fsys: fsys, path: path}
	h, err := fsys.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
	if errors.Is(err, fs.ErrNotExist) {
		h, err = fsys.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE|os.O_EXCL, mode)
		if err == nil {
			f.created = true
			_ = h.Chmod(mode) // some file systems have no modes
		}
	}
	if err != nil {
		return nil, err
	}
	f.h = h
	if err := f.recover(); err != nil {
		_ = h.Close() // nothing was written
		return nil, err
	}
	return f, nil
}

// recover takes the file's size and cuts half a line off its end.
func (f *File) recover() (err error) {
	if f.info, err = f.h.Stat(); err != nil {
		return err
	}
	if !f.info.Mode().IsRegular() {
		return fmt.Errorf("open %s: not a regular file", f.path)
	}
	f.size = f.info.Size()
	keep, err := f.lastLineEnd()
	if err != nil || keep == f.size {
		return err
	}
	if err := f.h.Truncate(keep); err != nil {
		return fmt.Errorf("cut half a line off %s: %w", f.path, err)
	}
	f.cut, f.size = f.size-keep, keep
	return nil
}

// lastLineEnd returns the offset behind the last newline, 0 where there is none.
func (f *File) lastLineEnd() (int64, error) {
	block := make([]byte, min(tornBlock, f.size))
	for end := f.size; end > 0; {
		n := min(end, int64(len(block)))
		if _, err := f.h.ReadAt(block[:n], end-n); err != nil && !errors.Is(err, io.EOF) {
			return 0, fmt.Errorf("look for the last line of %s: %w", f.path, err)
		}
		if i := bytes.LastIndexByte(block[:n], '\n'); i >= 0 {
			return end - n + int64(i) + 1, nil
		}
		if end -= n; f.size-end >= tornMax && end > 0 {
			return 0, fmt.Errorf("open %s: its last %d MiB hold no end of a line: not a file of ours, move it away", f.path, tornMax>>20)
		}
	}
	return 0, nil
}

// Append writes whole lines. It returns how many bytes of whole lines the file now
// has of them: all of them with a nil error; else what was written behind the last newline of the
// old or new bytes is cut off again, which no reader of lines has taken yet.
func (f *File) Append(b []byte) (int, error) {
	if err := f.Mend(); err != nil {
		return 0, err
	}
	n, err := f.h.Write(b)
	if err == nil {
		f.size += int64(n)
		return n, nil
	}
	whole := bytes.LastIndexByte(b[:n], '\n') + 1
	f.size += int64(whole)
	f.half = int64(n - whole)
	if mendErr := f.Mend(); mendErr != nil {
		err = errors.Join(err, mendErr)
	}
	return whole, err
}

// Mend cuts off half a line that Append could not cut off. Nothing may be done with the file
// before that.
func (f *File) Mend() error {
	if f.half == 0 {
		return nil
	}
	// The real size: somebody may have truncated the file under us, and Truncate can also grow one.
	info, err := f.h.Stat()
	if err != nil {
		return fmt.Errorf("cut half a line off %s: %w", f.path, err)
	}
	if err := f.h.Truncate(max(info.Size()-f.half, 0)); err != nil {
		return fmt.Errorf("cut half a line off %s: %w", f.path, err)
	}
	f.half = 0
	return nil
}

// Moved reports whether the path now names another file or none. It also takes note of a size that
// somebody else changed.
func (f *File) Moved() bool {
	if info, err := f.h.Stat(); err == nil {
		f.size = info.Size() - f.half
	}
	info, err := f.fsys.Stat(f.path)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist) // anything else says nothing about the file
	}
	return !os.SameFile(f.info, info)
}

// Size is the size of the file in bytes.
func (f *File) Size() int64 { return f.size }

// Info is what was known of the file when it was opened.
func (f *File) Info() fs.FileInfo { return f.info }

// Cut is how many bytes of half a line were cut off when the file was opened.
func (f *File) Cut() int64 { return f.cut }

// Created reports whether OpenFile made the file.
func (f *File) Created() bool { return f.created }

// Sync makes all lines survive a power cut. It may run beside the other methods.
func (f *File) Sync() error { return f.h.Sync() }

// Close closes the file. It does not sync.
func (f *File) Close() error { return f.h.Close() }
