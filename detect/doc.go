// Package detect holds rules that need a memory over many lines: a host that was heard regularly and
// is not any more, a sort of event that comes in floods. What a Detector finds are events of our own;
// it hands them out and does not know where they go.
//
// Its input is each line once, in the order of the log, and the log's time while nothing comes. Its
// memory is bounded, saved with the place up to which it was fed, and read again at a start: lines up
// to that place are not counted twice. The ids of what it finds follow from what it is about, so that
// what is found again after a crash is a repeat that consumers drop.
package detect

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"strconv"
	"time"

	"vswarden/event"
	"vswarden/setting"
)

// Config says which rules there are.
type Config struct {
	Silence Silence `yaml:"silence"`
	Floods  Floods  `yaml:"floods"`
}

// Silence tells of hosts that are not heard any more.
type Silence struct {
	// Enabled turns the rule on.
	Enabled bool `yaml:"enabled"`
	// After is the shortest silence that is told.
	After time.Duration `yaml:"after"`
	// Factor is how many times the longest usual pause of a host its silence must last.
	Factor int `yaml:"factor"`
}

// Floods sums up events that come very often, once a minute.
type Floods struct {
	// Enabled turns the rule on.
	Enabled bool `yaml:"enabled"`
}

// DefaultConfig returns what applies where the user sets nothing.
func DefaultConfig() Config {
	return Config{Silence: Silence{Enabled: true, After: 10 * time.Minute, Factor: 3}, Floods: Floods{Enabled: true}}
}

// Enabled reports whether any rule is on.
func (c Config) Enabled() bool { return c.Silence.Enabled || c.Floods.Enabled }

// Validate returns every wrong setting.
func (c Config) Validate() (faults []setting.Fault) {
	if s := c.Silence; s.After < time.Minute || s.After > 7*24*time.Hour {
		faults = append(faults, setting.Fault{Path: "silence.after", Value: s.After.String(), Problem: "out of bounds, write 1m to 7d such as 10m"})
	}
	if s := c.Silence; s.Factor < 1 || s.Factor > 1000 {
		faults = append(faults, setting.Fault{Path: "silence.factor", Value: strconv.Itoa(s.Factor), Problem: "out of bounds, write 1 to 1000 such as 3"})
	}
	return faults
}

// Bounds of a Detector's memory.
const (
	maxHosts   = 20_000 // senders whose silence is watched; the one silent for longest is forgotten first
	maxSorts   = 4096   // sorts of events counted in one minute
	maxPending = 10_000 // events found and not taken
)

// Line is a line as far as the rules look at it.
type Line struct {
	Pos     uint64 // place in the log
	Stamp   int64  // receive stamp, Unix nanoseconds
	ID      event.ID
	Sender  *Sender // never nil; without a Key, nobody is heard
	Host    string  // as the header names it; empty: not known
	Sort    uint64  // of events that may come in floods; 0 = none
	Name    string  // of that sort: a code or an action
	Dataset event.Dataset
}

// Sender is who sent a line. Who feeds lines keeps one for each sender, for one Detector: it finds there what it would have
// to look for.
type Sender struct {
	Key   string
	host  *host    // nil = not looked for yet
	sorts [4]*sort // some that it sent, by their Key
}

// Detector applies the rules. It is for one goroutine.
type Detector struct {
	cfg     Config
	state   state
	pending []event.Event
	dropped uint64
}

// New makes a Detector without memory.
func New(cfg Config) *Detector {
	return &Detector{cfg: cfg, state: state{Hosts: map[string]*host{}, Sorts: map[uint64]*sort{}}}
}

// SetConfig replaces the rules; what is known stays, and is looked at anew.
func (d *Detector) SetConfig(cfg Config) { d.cfg, d.state.Due = cfg, 0 }

// Line feeds a line. One that was fed before the memory was saved is passed over.
func (d *Detector) Line(l *Line) {
	if l.Pos <= d.state.Pos {
		return
	}
	d.state.Pos = l.Pos
	d.pass(l.Stamp)
	if l.Sender.Key != "" {
		d.heard(l)
	}
	if l.Sort != 0 {
		d.count(l)
	}
}

// Again is Line of a line that is only counted: of no sort, of a sender that was heard at this very stamp, and that goes by the
// name it had then. It reports false, and does nothing, where the sender was not heard then, or the line before was not fed.
func (d *Detector) Again(pos uint64, stamp int64, sender *Sender) bool {
	h := sender.host
	if pos != d.state.Pos+1 || stamp != d.state.Now || h == nil || h.gone || h.Seen != stamp {
		return false
	}
	d.state.Pos = pos
	h.Lines++
	return true
}

// Tick says that no line is older than now that was not fed.
func (d *Detector) Tick(now int64) {
	d.pass(now)
	d.silence()
}

// Pending is what was found and not taken yet, oldest first. Took says that the first n were taken.
func (d *Detector) Pending() []event.Event { return d.pending }

// Took removes the first n of Pending.
func (d *Detector) Took(n int) {
	d.pending = append(d.pending[:0], d.pending[n:]...)
}

// Dropped is how many findings were given up because nobody took them.
func (d *Detector) Dropped() uint64 { return d.dropped }

// Uncounted is how many events were of sorts that there was no room for, also before the memory was read.
func (d *Detector) Uncounted() uint64 { return d.state.Uncounted }

// find appends a finding.
func (d *Detector) find(e event.Event, about ...string) {
	if len(d.pending) == maxPending {
		d.dropped++
		return
	}
	h := sha256.New()
	_, _ = io.WriteString(h, e.Alert.Rule) // a hash never fails
	for _, s := range about {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(s)))
		_, _ = h.Write(n[:])
		_, _ = io.WriteString(h, s)
	}
	copy(e.ID[:], h.Sum(nil))
	e.Dataset, e.TimeDigits, e.Syslog.Priority = event.DatasetAlert, 3, -1
	d.pending = append(d.pending, e)
}
