package linkwatch

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"vswarden/setting"
)

// Config says how links are watched.
type Config struct {
	// Reread is how often all links are read anew, for changes that no message tells of, as an ageing time
	// that is written through sysfs; 0 = never.
	Reread time.Duration
	// ReadBuffer is the socket buffer wished for; 0 = the system's default. What does not fit is lost by
	// the kernel, which says so, and all links are read anew.
	ReadBuffer setting.Bytes
	// Now is the clock of lines; nil = the machine's.
	Now func() time.Time
}

// DefaultConfig returns what the command uses.
func DefaultConfig() Config {
	return Config{Reread: 10 * time.Second, ReadBuffer: setting.MiB}
}

// ErrUnsupported says that this system has no rtnetlink.
var ErrUnsupported = errors.New("links can be watched on Linux only")

// Stats counts what a Watcher saw.
type Stats struct {
	Messages atomic.Uint64 // about links
	Broken   atomic.Uint64 // of these, such that could not be read
	Overruns atomic.Uint64 // times the kernel lost messages because the buffer was full
	Lines    atomic.Uint64
}

// kernel is what a Watcher asks: the rtnetlink of one network namespace.
type kernel interface {
	// receive waits for messages until the deadline set last.
	receive() ([]news, error)
	// all returns every link.
	all() ([]Link, error)
	// deadline ends a receive that waits, also one that is waiting now.
	deadline(t time.Time) error
	close() error
}

// What receive may return besides messages.
var (
	errTimeout = errors.New("nothing within the time")
	errOverrun = errors.New("the kernel lost messages: the buffer was full")
)

// Watcher tells of the links of this host, or of the network namespace in which it was opened.
type Watcher struct {
	cfg     Config
	kernel  kernel
	table   table
	restate atomic.Bool
	broken  uint64 // of Stats.Broken, what was made up for
	Stats   Stats
}

// Open begins to listen; what happens from now on is told by Run. It needs no privilege.
func Open(cfg Config) (*Watcher, error) {
	w := &Watcher{cfg: cfg}
	k, err := open(cfg, &w.Stats)
	if err != nil {
		return nil, fmt.Errorf("watch links: %w", err)
	}
	w.kernel = k
	return w, nil
}

// Close gives back the sockets of a Watcher that never ran.
func (w *Watcher) Close() error { return w.kernel.close() }

// Restate asks Run to tell the state of all links again: some lines were lost.
func (w *Watcher) Restate() {
	w.restate.Store(true)
	_ = w.kernel.deadline(time.Unix(1, 0)) // a socket that is closed needs no waking
}

// Run tells the state of every link and then each change, until ctx ends, which is no error. out is given
// one or more lines at a time and may block: the kernel buffers for a while, and says when that was
// too long. An error of out ends Run.
func (w *Watcher) Run(ctx context.Context, out func([]Line) error) (err error) {
	defer func() { err = errors.Join(err, w.kernel.close()) }()
	wake := context.AfterFunc(ctx, func() { _ = w.kernel.deadline(time.Unix(1, 0)) })
	defer wake()
	if err := w.read(true); err != nil {
		return err
	}
	next := w.after()
	for {
		if err := w.tell(out); err != nil {
			return err
		}
		if err := w.kernel.deadline(next); err != nil {
			return err
		}
		// Whoever wakes us says why before setting the deadline, so nobody is overlooked here.
		if ctx.Err() != nil {
			return nil
		}
		if w.restate.Swap(false) {
			if err := w.read(true); err != nil {
				return err
			}
			continue
		}
		messages, err := w.kernel.receive()
		switch {
		case err == nil:
			w.table.now = w.now()
			for _, n := range messages {
				w.table.apply(n)
			}
			if n := w.Stats.Broken.Load(); n != w.broken { // what could not be read is looked up
				w.broken = n
				if err := w.read(false); err != nil {
					return err
				}
			}
		case errors.Is(err, errOverrun):
			w.Stats.Overruns.Add(1)
			w.table.now = w.now()
			w.table.lines = append(w.table.lines, Line{w.table.now, Warning, overrunText})
			if err := w.read(false); err != nil {
				return err
			}
		case !errors.Is(err, errTimeout):
			return err
		case !next.IsZero() && !time.Now().Before(next):
			if err := w.read(false); err != nil {
				return err
			}
			next = w.after()
		}
	}
}

// overrunText is said when the kernel lost messages.
const overrunText = "netlink messages were lost, all links are read anew"

// read compares all links with what is known of them.
func (w *Watcher) read(say bool) error {
	all, err := w.kernel.all()
	if err != nil {
		return fmt.Errorf("read all links: %w", err)
	}
	w.table.now = w.now()
	w.table.replace(all, say)
	return nil
}

// tell hands over the lines that there are.
func (w *Watcher) tell(out func([]Line) error) error {
	if len(w.table.lines) == 0 {
		return nil
	}
	w.Stats.Lines.Add(uint64(len(w.table.lines)))
	lines := w.table.lines
	w.table.lines = nil // out may keep them
	return out(lines)
}

func (w *Watcher) now() time.Time {
	if w.cfg.Now != nil {
		return w.cfg.Now()
	}
	return time.Now()
}

// after returns when all links are read anew; the zero time is never.
func (w *Watcher) after() time.Time {
	if w.cfg.Reread <= 0 {
		return time.Time{}
	}
	return time.Now().Add(w.cfg.Reread)
}
