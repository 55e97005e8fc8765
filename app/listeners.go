package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"vswarden/configs"
	"vswarden/linkwatch"
	"vswarden/pipeline"
	"vswarden/receiver"
	"vswarden/setting"
)

// listener is what gives frames: a socket, or the links of this machine.
type listener interface {
	Name() string
	Proto() string
	Addr() net.Addr
	Stats() *receiver.Stats
	Serve(ctx context.Context, h receiver.Handler) error
	Reload(cfg receiver.Config) (needRestart []string, err error)
	Close() error
}

// bind opens every listener; on an error none stays open.
func bind(cfg configs.Config, log zerolog.Logger) ([]listener, error) {
	var open []listener
	for i, l := range cfg.Listeners {
		var r listener
		var err error
		if l.IsNetlink() {
			r, err = watchLinks(l.Name, log)
			if errors.Is(err, linkwatch.ErrUnsupported) {
				err = setting.Faults{{Path: fmt.Sprintf("listeners[%d].address", i), Value: l.Address, Problem: err.Error() + ", delete this listener"}}
			}
		} else {
			r, err = receiver.Listen(l.Config, log)
		}
		if err != nil {
			return nil, errors.Join(err, closeListeners(open))
		}
		open = append(open, r)
	}
	return open, nil
}

func closeListeners(open []listener) error {
	var errs []error
	for _, l := range open {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}

// linkListener hands on lines about the links of this machine as if they had come off a socket: so
// they are in the log, and go every way that lines go.
type linkListener struct {
	name    string
	host    string
	watcher *linkwatch.Watcher
	stats   receiver.Stats
	log     zerolog.Logger
	frames  []receiver.Frame // of the batch in hand
	text    []byte
}

func watchLinks(name string, log zerolog.Logger) (*linkListener, error) {
	w, err := linkwatch.Open(linkwatch.DefaultConfig())
	if err != nil {
		return nil, err
	}
	return &linkListener{name: name, host: hostname(), watcher: w, log: log.With().Str("listener", name).Logger()}, nil
}

// hostname is our name in lines of our own.
func hostname() string {
	host, err := os.Hostname()
	if err != nil || host == "" {
		return "localhost" // a line without a host would be of nobody
	}
	return host
}

func (l *linkListener) Name() string                             { return l.name }
func (l *linkListener) Proto() string                            { return receiver.Netlink.String() }
func (l *linkListener) Addr() net.Addr                           { return linkAddr{} }
func (l *linkListener) Stats() *receiver.Stats                   { return &l.stats }
func (l *linkListener) Reload(receiver.Config) ([]string, error) { return nil, nil }
func (l *linkListener) Close() error                             { return l.watcher.Close() }

// linkAddr is the address of what has none.
type linkAddr struct{}

func (linkAddr) Network() string { return receiver.Netlink.String() }
func (linkAddr) String() string  { return "" }

// Serve hands lines to h until ctx ends. While h waits for room in the log the kernel keeps messages; what it
// loses is said, and all links are read anew.
func (l *linkListener) Serve(ctx context.Context, h receiver.Handler) error {
	return l.watcher.Run(ctx, func(lines []linkwatch.Line) error {
		l.batch(lines)
		var size uint64
		for i := range l.frames {
			size += uint64(len(l.frames[i].Data))
		}
		l.stats.Frames[receiver.Netlink].Add(uint64(len(l.frames)))
		l.stats.Bytes[receiver.Netlink].Add(size)
		err := h(l.frames)
		if err == nil {
			return nil
		}
		lost, reason := len(l.frames), receiver.HandlerRefused
		if d, ok := errors.AsType[*receiver.Dropped](err); ok {
			lost, reason = min(d.Frames, lost), d.Reason
		}
		l.stats.Dropped[receiver.Netlink][reason].Add(uint64(lost))
		l.log.Error().Err(err).Int("frames", lost).Stringer("reason", reason).Msg("lines about links were dropped")
		return nil
	})
}

// batch makes frames of lines. The sender is this machine.
func (l *linkListener) batch(lines []linkwatch.Line) {
	l.frames, l.text = l.frames[:0], l.text[:0]
	origin := &receiver.Origin{
		Received: time.Now(), Peer: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0), Transport: receiver.Netlink,
		Listener: receiver.ListenerID(l.name),
	}
	for i := range lines {
		begin := len(l.text)
		l.text = lines[i].AppendRFC5424(l.text, l.host, os.Getpid())
		l.frames = append(l.frames, receiver.Frame{
			Origin: origin, Framing: receiver.Datagram, Data: l.text[begin:len(l.text):len(l.text)],
		})
	}
}

// links is the sum of something over all that watch links.
func (p *parts) links(of func(*linkwatch.Stats) uint64) func() uint64 {
	return func() (n uint64) {
		for _, l := range p.listeners {
			if w, ok := l.(*linkListener); ok {
				n += of(&w.watcher.Stats)
			}
		}
		return n
	}
}

// reception is what fills a log: the sockets that are read for it.
type reception struct {
	sockets []pipeline.Reception
	full    func() bool // the log takes nothing
}

func receptionOf(listeners []listener, full func() bool) reception {
	r := reception{full: full}
	for _, l := range listeners {
		if s, ok := l.(*receiver.Listener); ok {
			r.sockets = append(r.sockets, s)
		}
	}
	return r
}

// Behind reports whether a socket is. A log that is full has no use for what is read: there, only delivery makes room.
func (r reception) Behind() bool {
	return slices.ContainsFunc(r.sockets, pipeline.Reception.Behind) && !r.full()
}
