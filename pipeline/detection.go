package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"vswarden/decode"
	"vswarden/detect"
	"vswarden/event"
	"vswarden/group"
	"vswarden/spool"
)

// DetectionConfig is all that a Detection needs.
type DetectionConfig struct {
	Cursor   Cursor
	Clock    Clock
	Detector *detect.Detector
	Emit     func(ctx context.Context, e *event.Event) error // Intake.Emit
	Save     func(d *detect.Detector) error                  // keeps its memory
	Log      zerolog.Logger
}

// Detection feeds the records of its own cursor to a Detector and states what that finds. There is
// one, however many sinks there are: what it finds reaches all of them by the log.
type Detection struct {
	cfg     DetectionConfig
	rules   atomic.Pointer[detect.Config] // to be taken over
	ch      spool.Chunk
	record  Record
	event   event.Event
	line    detect.Line
	senders map[netip.Addr]*watched
	names   map[string]*watched
	last    *watched // the sender at lastIP: frames of one read stand together
	lastIP  netip.Addr
	given   spool.Position
	saved   spool.Position
	at      time.Time // when it was saved
	retry   time.Time // when to try again what could not be stated
	failing atomic.Pointer[string]

	stated    atomic.Uint64
	dropped   atomic.Uint64
	panics    atomic.Uint64
	uncounted atomic.Uint64
	before    uint64 // Detector.Uncounted when this process began
}

// watched is what is kept of a sender so that its header need not be read for each line.
type watched struct {
	key, host string
	lines     uint64
}

const (
	detectTick   = time.Second // how often the Detector hears the time while nothing comes, and is saved
	detectWait   = 100 * time.Millisecond
	hostEvery    = 256 // lines of a sender after which its header is read again
	watchedMost  = 8192
	savedLeisure = 500 // senders from which on the memory is saved every ten seconds only
)

// NewDetection makes a Detection; Run does its work.
func NewDetection(cfg DetectionConfig) *Detection {
	return &Detection{
		cfg: cfg, senders: map[netip.Addr]*watched{}, names: map[string]*watched{},
		given: cfg.Cursor.Committed(), saved: cfg.Cursor.Committed(), before: cfg.Detector.Uncounted(),
	}
}

// SetRules replaces the rules.
func (x *Detection) SetRules(c detect.Config) { x.rules.Store(&c) }

// Stated returns how many findings are in the log, and how many were given up because the log had no
// room for them for long.
func (x *Detection) Stated() (stated, dropped uint64) { return x.stated.Load(), x.dropped.Load() }

// PassedOver returns how many lines the rules have not looked at because of a bug of ours, and how many events were not
// counted because there were too many sorts of them in a minute.
func (x *Detection) PassedOver() (panics, uncounted uint64) {
	return x.panics.Load(), x.uncounted.Load()
}

// Failing returns why the memory cannot be saved, or "".
func (x *Detection) Failing() string {
	if p := x.failing.Load(); p != nil {
		return *p
	}
	return ""
}

// Run works until the log is closed for writing and read, or until ctx ends.
func (x *Detection) Run(ctx context.Context) error {
	for {
		if c := x.rules.Swap(nil); c != nil {
			x.cfg.Detector.SetConfig(*c)
		}
		wait, cancel := context.WithTimeout(ctx, detectTick)
		err := x.cfg.Cursor.Next(wait, &x.ch)
		cancel()
		switch {
		case err == nil:
			x.feed()
		case errors.Is(err, io.EOF) || ctx.Err() != nil:
			x.save()
			return x.commit()
		case errors.Is(err, context.DeadlineExceeded):
			if now, newest := x.cfg.Clock.Now(); newest <= x.given {
				x.cfg.Detector.Tick(now)
			}
		default:
			return fmt.Errorf("detections: read the log: %w", err)
		}
		x.state(ctx)
		pause := detectTick
		if len(x.senders)+len(x.names) > savedLeisure {
			pause *= 10
		}
		if now := time.Now(); x.given > x.saved && now.Sub(x.at) >= pause {
			x.at = now
			x.save()
			if err := x.commit(); err != nil {
				return err
			}
		}
	}
}

// save keeps the Detector's memory. That it cannot be kept must not hold the log: then a crash costs
// what was counted since.
func (x *Detection) save() {
	err := x.cfg.Save(x.cfg.Detector)
	switch was := x.failing.Load(); {
	case err == nil:
		x.failing.Store(nil)
	case was == nil:
		why := err.Error()
		x.failing.Store(&why)
		x.cfg.Log.Error().Err(err).Msg("the memory of the detections cannot be saved; after a crash they begin anew")
	}
}

// commit moves the cursor over what was fed.
func (x *Detection) commit() error {
	if x.given == x.saved {
		return nil
	}
	x.saved = x.given
	if err := x.cfg.Cursor.Commit(x.given); err != nil {
		return fmt.Errorf("detections: move the cursor: %w", err)
	}
	return nil
}

// state puts what was found into the log. A log that is full must not be waited for: the cursor would
// stand still, and hold what fills it.
func (x *Detection) state(ctx context.Context) {
	found := x.cfg.Detector.Pending()
	x.dropped.Store(x.cfg.Detector.Dropped())
	x.uncounted.Store(x.cfg.Detector.Uncounted() - x.before)
	if len(found) == 0 || time.Now().Before(x.retry) {
		return
	}
	moment, cancel := context.WithTimeout(ctx, detectWait)
	defer cancel()
	n := 0
	for ; n < len(found); n++ {
		if x.cfg.Emit(moment, &found[n]) != nil { // the log is full, or closed: it is kept
			x.retry = time.Now().Add(detectTick)
			break
		}
		x.stated.Add(1)
	}
	x.cfg.Detector.Took(n)
}

// feed gives the chunk's records to the Detector.
func (x *Detection) feed() {
	for i, b := range x.ch.Records {
		pos := x.ch.First + spool.Position(i)
		if x.record.decode(b) == nil && x.record.Kind == KindFrame {
			x.frame(pos)
		}
	}
	x.given = max(x.given, x.ch.First+spool.Position(len(x.ch.Records))-1)
}

// frame gives the Detector a frame. A panic of ours costs that line only.
func (x *Detection) frame(pos spool.Position) {
	defer func() {
		if p := recover(); p != nil && x.panics.Add(1) == 1 {
			x.cfg.Log.Error().Interface("panic", p).Bytes("stack", debug.Stack()).Msg("detections: a line made us panic; it does not count")
		}
	}()
	r := &x.record
	w := x.watched(r)
	if w.lines%hostEvery == 0 {
		if host := decode.HeaderHost(r.Data); !strings.EqualFold(w.host, text(host)) {
			w.host = strings.ToLower(string(host))
		}
	}
	w.lines++
	x.line = detect.Line{Pos: uint64(pos), Stamp: r.Received, Sender: w.key, Host: w.host}
	if mayFlood(r.Data) {
		e := &x.event
		e.Reset()
		e.Raw, e.Received = text(r.Data), r.Received
		decode.Line(e, nil)
		x.line.Sort, x.line.Name = group.FloodKey(e), sortName(e)
		x.line.ID, x.line.Dataset = event.NewID(x.ch.Epoch, uint64(pos)), e.Dataset
	}
	x.cfg.Detector.Line(&x.line)
}

// watched finds the sender of r.
func (x *Detection) watched(r *Record) *watched {
	var low [255]byte
	name := r.senderName(low[:0])
	if name == nil {
		a := r.Peer.Addr()
		if x.last != nil && a == x.lastIP {
			return x.last
		}
		w := x.senders[a]
		if w == nil {
			if len(x.senders) >= watchedMost {
				clear(x.senders)
			}
			w = &watched{key: a.String()}
			x.senders[a] = w
		}
		x.last, x.lastIP = w, a
		return w
	}
	w := x.names[string(name)]
	if w == nil {
		if len(x.names) >= watchedMost {
			clear(x.names)
		}
		w = &watched{key: string(name)}
		x.names[w.key] = w
	}
	return w
}

// Most lines are the host agents' and the kernel's, and most of those are of no sort that is counted:
// they have none of these words, and need not be decoded.
var (
	agentWords = [...][]byte{
		[]byte("Rejected"), []byte("Cannot"), []byte("Failed"), []byte("Invalid"), []byte("[module:"), []byte("Authenti"), []byte("pam_"), []byte("Event "),
	}
	kernelWords = [...][]byte{[]byte("NetPort"), []byte("Net: "), []byte("Uplink"), []byte("L2Sec_")}
	agents      = [...][]byte{[]byte("Hostd"), []byte("Vpxa"), []byte("hostd["), []byte("vpxa[")}
	kernel      = []byte("vmkernel: cpu")
	enterprise  = []byte("@6876") // VMware's, in the element of an audit record, or after Originator in that of any line
	originator  = []byte("Originator")
	header      = []byte("[Originator@6876 ")
)

// mayFlood reports whether a line can be one that is counted.
func mayFlood(line []byte) bool {
	tag := programTag(line)
	switch {
	case bytes.HasPrefix(tag, kernel):
		return hasAny(tag, kernelWords[:])
	case hasPrefix(tag, agents[:]):
		if text := agentText(tag); text != nil {
			return hasPrefix(text, agentWords[:])
		}
		return hasAny(tag, agentWords[:]) || hasAudit(tag)
	}
	return true
}

// programTag is what follows priority, stamp and host in the usual header, "<166>2026-…Z esx01 Hostd: …";
// nil of a line that is shorter.
func programTag(line []byte) []byte {
	for range 2 {
		i := bytes.IndexByte(line, ' ')
		if i < 0 {
			return nil
		}
		line = line[i+1:]
	}
	return line
}

// agentText is what an agent says behind the header that nearly all of its lines have, "Hostd: info hostd[209]
// [Originator@6876 sub=Libs opID=1] text" or the same without level and process: there the words that matter
// come first. nil where it is another.
func agentText(tag []byte) []byte {
	colon := bytes.IndexByte(tag, ':')
	open := bytes.IndexByte(tag[max(colon, 0):], '[') + max(colon, 0)
	if colon < 0 || colon+2 > open {
		return nil
	}
	if before := tag[colon+2 : open]; len(before) > 0 { // a level, and process or thread in brackets
		end := bytes.IndexByte(tag[open:], ']')
		if end < 0 || before[0] < 'a' || before[0] == 'p' || len(tag) < open+end+3 {
			return nil
		}
		open += end + 2
	}
	if !bytes.HasPrefix(tag[open:], header) {
		return nil
	}
	in := tag[open+1:]
	end := bytes.IndexByte(in, ']')
	if end < 0 || bytes.IndexByte(in[:end], '[') >= 0 {
		return nil
	}
	return bytes.TrimLeft(in[end+1:], " ")
}

// hasAudit reports an element such as [shell.cmd@6876 …].
func hasAudit(s []byte) bool {
	for {
		i := bytes.Index(s, enterprise)
		if i < 0 {
			return false
		}
		if !bytes.HasSuffix(s[:i], originator) {
			return true
		}
		s = s[i+len(enterprise):]
	}
}

func hasPrefix(s []byte, words [][]byte) bool {
	for _, w := range words {
		if bytes.HasPrefix(s, w) {
			return true
		}
	}
	return false
}

func hasAny(s []byte, words [][]byte) bool {
	for _, w := range words {
		if bytes.Contains(s, w) {
			return true
		}
	}
	return false
}

// sortName says what events of one FloodKey have in common, in words of ours and of VMware.
func sortName(e *event.Event) string {
	switch {
	case e.VOB.ID != "":
		return e.VOB.ID
	case e.NetPort.Kind != event.NetPortNone:
		return "NetPort"
	case e.L2Sec.Kind != event.L2SecNone:
		return string(e.L2Sec.Violation)
	case e.VCEvent.Type != "":
		return e.VCEvent.Type
	case e.Loss.Kind != event.LossNone:
		return string(e.Loss.Kind)
	}
	return string(e.Act)
}
