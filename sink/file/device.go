package file

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"vswarden/sink/lines"
)

// device is a path that is not a regular file: a pipe, a terminal, /dev/full. It is opened without
// waiting: a pipe that nobody reads gives an error at Write, which is tried again.
type device struct {
	*lines.Stream
	path string
	fail atomic.Bool // the last write failed
	mu   sync.Mutex  // guards f: a write that outlived its context may open it beside Close
	f    *os.File
}

func openDevice(path string) (*device, error) {
	d := &device{path: path}
	d.Stream = lines.NewStream(opener{d})
	if _, err := d.open(); err != nil && !errors.Is(err, syscall.ENXIO) {
		return nil, err
	}
	return d, nil
}

// opener is the writer under the Stream.
type opener struct{ d *device }

func (o opener) Write(p []byte) (int, error) {
	f, err := o.d.open()
	if err != nil {
		o.d.fail.Store(true)
		return 0, err
	}
	n, err := f.Write(p)
	o.d.fail.Store(err != nil)
	return n, err
}

// replaced reports whether the path names something else than what is open: an operator who mends a
// device that takes nothing points the link elsewhere, or puts a file in its place.
func (d *device) replaced() bool {
	there, err := os.Stat(d.path)
	if err != nil {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.f == nil {
		return there.Mode().IsRegular()
	}
	open, err := d.f.Stat()
	return err == nil && !os.SameFile(open, there)
}

func (d *device) open() (*os.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.f != nil {
		return d.f, nil
	}
	f, err := os.OpenFile(d.path, os.O_WRONLY|os.O_APPEND|syscall.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, syscall.ENXIO):
		return nil, fmt.Errorf("open %s: nobody reads it: %w", d.path, err)
	case err != nil:
		return nil, fmt.Errorf("open device: %w", err)
	}
	d.f = f
	return f, nil
}

// Close closes the device; a write that waits for a reader ends with an error.
func (d *device) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.f == nil {
		return nil
	}
	f := d.f
	d.f = nil
	return f.Close()
}
